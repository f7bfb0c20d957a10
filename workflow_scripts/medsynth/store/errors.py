"""The base of the errors that the user can do something about; missing packages, and what the
operating system refuses."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

SHOWN = 80  # characters of a path
REMEDIES = {
    errno.ENOENT: "correct the path, or make the folder",
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or choose another disk",
    errno.EACCES: "ask for the right to it, or choose another place",
    errno.EPERM: "ask for the right to it, or choose another place",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class MedsynthError(Exception):
    """What a user gives or has is not as it must be: the message is all that they need.

    It names the file or setting, says what is wrong and what to do. The command line shows it
    without a traceback; any other exception is a defect of the program and keeps its own.
    """


class MissingExtra(MedsynthError):
    """A package is asked for that was left out at the installation."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around the import of a package that some data only need: an extra of pyproject.toml.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{error}; it comes with the extra {name}: in medsynth's folder call"
            f" pip install --editable '.[{name}]'"
        ) from error


def refusal(error: OSError) -> str:
    """One line about an error of a path that the user gave."""
    place = f"{str(error.filename)[:SHOWN]}: " if error.filename else ""
    remedy = REMEDIES.get(error.errno or 0, "choose another path")
    return f"{place}{error.strerror or error}; {remedy}"
