"""Which file below the cohort's folder a cell of the table names."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from os.path import normpath
from pathlib import Path

import pandas as pd

from medsynth.cohorts.files import matching_paths
from medsynth.imaging.dicom import SUFFIXES as DICOM
from medsynth.imaging.pictures import SUFFIXES as PICTURES
from medsynth.store.quarantine import CohortError

PACKED = ".nii.gz"
SUFFIXES = (*PICTURES, *DICOM, ".nii", PACKED)


class Files:
    """The files below `root` by their paths and names, with and without suffix.

    Raises:
        CohortError: no file matches the pattern.
    """

    def __init__(self, root: Path, pattern: str):
        self._root = root.absolute()
        self._top = os.path.join(normpath(self._root), "")
        self.paths = matching_paths(root, pattern)
        self._by_form: list[dict[str, list[str]]] = []

    def find(self, cells: pd.Series, heading: str) -> pd.Series:
        """The path below root of every cell; what names no file stays as it is.

        The whole path goes before the path without suffix, the name and the bare name.

        Raises:
            CohortError: a cell names several files.
        """
        paths, ambiguous = {}, 0
        for cell in cells.dropna().unique().tolist():
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
            whole = normpath(os.path.join(self._top, key))  # one path a file, also of ../ and ./
            plain = _plain(whole.removeprefix(self._top) if whole.startswith(self._top) else key)
            for files in self._forms():
                if plain in files:
                    return files[plain]
        return [cell]

    def _forms(self) -> Iterator[dict[str, list[str]]]:
        """The files by what a cell may call them, form by form, each made when it is asked for."""
        for number, form in enumerate(FORMS):
            if number == len(self._by_form):
                files = defaultdict(list)
                for path in self.paths:
                    files[_plain(form(path))].append(path)
                self._by_form.append(files)
            yield self._by_form[number]

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
    if path.lower().endswith(PACKED):
        return path[: -len(PACKED)]
    bare, dot, suffix = path.rpartition(".")
    return bare if dot + suffix.lower() in SUFFIXES else path


def _name(path: str) -> str:
    return path.rpartition("/")[2]


FORMS: tuple[Callable[[str], str], ...] = (str, _bare, _name, lambda path: _bare(_name(path)))
