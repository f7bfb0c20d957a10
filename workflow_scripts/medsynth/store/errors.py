"""The base of the errors that the user can do something about, and the one of missing packages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
