"""The one base of the errors that the user can do something about."""

from __future__ import annotations


class MedsynthError(Exception):
    """What a user gives or has is not as it must be: the message is all that they need.

    It names the file or setting, says what is wrong and what to do. The command line shows it
    without a traceback; any other exception is a defect of the program and keeps its own.
    """
