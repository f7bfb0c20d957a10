"""The files below a folder, found by one walk that opens none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TypeVar

from medsynth.store.errors import MedsynthError

T = TypeVar("T")

SAMPLE = 20  # files of a kind that are opened at most


class SurveyError(MedsynthError):
    """Nothing can be configured from these folders, or the file is there already."""


@dataclass(frozen=True)
class Tree:
    """A folder of the user's.

    Attributes:
        root: as it was given, absolute.
        files: paths below root, with /, sorted. Hidden files are passed over, and linked folders,
            which the readers do not follow either.
        closed: folders that may not be read.
    """

    root: Path
    files: list[str]
    closed: int = 0

    def ending(self, suffixes: Iterable[str]) -> list[str]:
        """The files with one of these suffixes, in small or capital letters."""
        wanted = tuple(suffixes)
        return [file for file in self.files if file.lower().endswith(wanted)]


def is_named(file: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns, in small letters, matches the name of a file."""
    name = PurePosixPath(file).name.lower()
    return any(fnmatch(name, pattern) for pattern in patterns)


def walk(given: Path) -> Tree:
    """The tree of a folder, or of a single file.

    Raises:
        SurveyError: there is no such folder or file.
    """
    root = given.absolute()
    if root.is_file():
        return Tree(root.parent, [root.name])
    if not root.is_dir():
        raise SurveyError(f"{given} does not exist; correct the path or mount the data")
    files, closed, waiting = [], 0, [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(os.path.join(root, below)) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{below}{entry.name}/")
                    elif not (entry.is_symlink() and entry.is_dir()):
                        files.append(below + entry.name)
        except PermissionError:
            closed += 1
    return Tree(root, sorted(files), closed)


def spread(items: list[T], most: int = SAMPLE) -> list[T]:
    """At most so many of the items, evenly spread."""
    step = max(1, -(-len(items) // most))
    return items[::step]


def common_suffix(files: list[str]) -> str | None:
    """The one suffix of all files as it is written, that of .nii.gz whole; None for several."""
    found = {
        "".join(PurePosixPath(f).suffixes[-2:])
        if f.lower().endswith(".nii.gz")
        else PurePosixPath(f).suffix
        for f in files
    }
    return found.pop() if len(found) == 1 else None
