"""Which file below the cohort's folder a cell of the table names."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from os.path import normpath
from pathlib import Path, PurePosixPath

import pandas as pd

from medsynth.cohorts.files import matching_files
from medsynth.imaging.dicom import SUFFIXES as DICOM
from medsynth.imaging.pictures import SUFFIXES as PICTURES
from medsynth.store.quarantine import CohortError

SUFFIXES = (*PICTURES, *DICOM, ".nii", ".nii.gz")


class Files:
    """The files below `root` by their paths and names, with and without suffix.

    Raises:
        CohortError: no file matches the pattern.
    """

    def __init__(self, root: Path, pattern: str):
        self._root = root.absolute()
        self.paths = [file.relative_to(root).as_posix() for file in matching_files(root, pattern)]
        self._by_key: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
        for path in self.paths:
            name = PurePosixPath(path).name
            for keys, key in zip(self._by_key, (path, _bare(path), name, _bare(name)), strict=True):
                keys[_plain(key)].append(path)

    def find(self, cells: pd.Series, heading: str) -> pd.Series:
        """The path below root of every cell; what names no file stays as it is.

        The whole path goes before the path without suffix, the name and the bare name.

        Raises:
            CohortError: a cell names several files.
        """
        paths, ambiguous = {}, 0
        for cell in cells.dropna().unique():
            found = self._candidates(cell)
            ambiguous += len(found) > 1
            paths[cell] = found[0]
        if ambiguous:
            raise CohortError(
                f"{ambiguous} cells in {heading!r} name several files each below {self._root}; give"
                " paths below root, with suffix, or narrow index.pattern"
            )
        return cells.map(paths).astype("str")

    def beside(self, paths: pd.Series, suffix: str) -> pd.Series:
        """The path of the file whose name goes on with `suffix`, null where there is none."""
        there = set(self.paths)
        named = paths.dropna().map(lambda path: _bare(path) + suffix + path[len(_bare(path)) :])
        return named.where(named.isin(there)).reindex(paths.index).astype("str")

    def _candidates(self, cell: str) -> list[str]:
        for key in dict.fromkeys((cell, cell.replace("\\", "/"))):
            whole = PurePosixPath(normpath(self._root / key))  # one path a file, also of ../ and ./
            if whole.is_relative_to(self._root):
                key = whole.relative_to(self._root).as_posix()
            for keys in self._by_key:
                if _plain(key) in keys:
                    return keys[_plain(key)]
        return [cell]

    def without_row(self, named: Iterable[str]) -> list[str]:
        """Image files that no cell names."""
        known = set(named)
        return [p for p in self.paths if p.lower().endswith(SUFFIXES) and p not in known]


def _plain(name: str) -> str:
    """Accented letters as one character each, of which some file systems write two, and a known
    suffix in small letters."""
    bare = _bare(name)
    return unicodedata.normalize("NFC", bare) + name[len(bare) :].lower()


def _bare(path: str) -> str:
    """Without the suffix, also that of .nii.gz; a dot elsewhere stays."""
    lower = path.lower()
    suffix = next((s for s in sorted(SUFFIXES, key=len, reverse=True) if lower.endswith(s)), "")
    return path[: len(path) - len(suffix)]
