"""A patient's raw data: the files that are theirs, and the rows about them in shared tables."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from medsynth.lineage.erasure.words import Words
from medsynth.lineage.recording.identifiers import is_small
from medsynth.store.atomic import replacing

TABLES = {".csv", ".tsv", ".txt", ".maf", ".seg"}
# The GDC's sample sheet: a file lies in the folder of this name.
FILE_ID = "File ID"
IDENTIFIERS = ["item_id", "group"]


@dataclass
class RawData:
    """What is in the raw folders.

    Attributes:
        files: files and folders that are the patient's alone.
        images: files of the patient's that index tables list.
        rows: {shared table or archive: number of rows or files that name the patient}.
        identifiers: of the patient and of their images, studies and slides.
        longer: ids of others in which the patient's stands, as P1 in P1-2.
        patients: all that the index tables name.
    """

    files: set[Path] = field(default_factory=set)
    images: set[Path] = field(default_factory=set)
    rows: dict[Path, int] = field(default_factory=dict)
    identifiers: set[str] = field(default_factory=set)
    longer: set[str] = field(default_factory=set)
    patients: set[str] = field(default_factory=set)


def raw_data(patient: str, indexed: Iterable[tuple[Path, Path]], other: Iterable[Path]) -> RawData:
    """Find a patient's raw data.

    Args:
        patient: their id, as it stands in the raw data.
        indexed: pairs of an index table and the folder its column `source` is relative to.
        other: raw files and folders without an index.
    """
    found = RawData(identifiers={patient})
    tables, sources, shared = set(), [], set()
    listed = [(root, _listed(index)) for index, root in indexed]
    for _, rows in listed:
        found.patients |= set(rows["patient"].dropna())
    ids = Words([patient])
    found.longer = {other for other in found.patients if other != patient and ids.named(other)}
    ids = Words([patient], but=found.longer)
    foreign = []
    for root, rows in listed:
        # A file that could not be read tells whose it is by its path alone.
        named = rows["source"].fillna("").map(ids.named)
        theirs = (rows["patient"] == patient) | (rows["patient"].isna() & named)
        others = rows.loc[rows["patient"].notna() & ~theirs, "source"].dropna()
        shared |= {folder for path in others for folder in (root / path).parents}
        foreign += [root / path for path in others]
        rows = rows[theirs]
        sources += [(root, source) for source in rows["source"].dropna()]
        # The id of an image that could not be read is the name of its file, and may be any word.
        read = rows[rows["patient"].notna()]
        found.identifiers |= set(read[IDENTIFIERS].stack().dropna())
        # The tables lie beside the image folders, of which there may be 10^5: not walked.
        tables |= {path for path in root.glob("*") if path.is_file()}
    found.files |= {_own(root, source, ids, shared) for root, source in sources}
    found.images = {root / source for root, source in sources}
    found.files = _with_targets(found.files, found.images, foreign)
    for path in other:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if path.is_dir() and ids.named(file.relative_to(path).as_posix()):
                found.files.add(_own(path, file.relative_to(path).as_posix(), ids, set()))
            elif file.suffix == ".zip" and file.is_file():
                _search_archive(file, ids, found)
            else:
                tables.add(file)
    rows_of = Rows(patient, found.longer, found.patients)
    for table in sorted(tables):
        if table.is_file() and {table.suffix, table.with_suffix("").suffix} & TABLES:
            _search(table, rows_of, found)
    files = {path for path in found.files if os.path.lexists(path)}
    found.files = {path for path in files if not files & set(path.parents)}
    found.rows = {t: n for t, n in found.rows.items() if not files & {t, *t.parents}}
    return found


def _listed(index: Path) -> pd.DataFrame:
    """Every file of an index table: an item may be made of several, each with its digest."""
    digest = "_sha256"
    names = pq.read_schema(index).names
    files = [name for name in names if name + digest in names]
    about = ["patient", *IDENTIFIERS]
    rows = pd.read_parquet(index, columns=[*(files or ["source"]), *about])
    each = [rows[[file, *about]].rename(columns={file: "source"}) for file in files or ["source"]]
    return pd.concat(each, ignore_index=True)


def _with_targets(files: set[Path], sources: set[Path], foreign: list[Path]) -> set[Path]:
    """The files and folders, and the sources that lie elsewhere because links lead out of them.

    A linked folder in which others' files lie, too, is not the patient's: only their files are.
    """
    if any(path.is_symlink() for path in files):
        shared = {folder for path in foreign for folder in path.resolve().parents}
        files = {path for path in files if not (path.is_symlink() and path.resolve() in shared)}
    whole = {path.resolve() for path in files}
    there = {source.resolve() for source in sources}
    return files | {path for path in there if not whole & {path, *path.parents}}


def _own(root: Path, source: str, ids: Words, shared: set[Path]) -> Path:
    """The outermost folder below `root` that is named after the patient, else the file.

    A folder in which somebody else's files lie (batch-12, where the patient is 12) is not theirs.
    """
    path = root
    for part in Path(source).parts:
        path = path / part
        if ids.named(part) and path not in shared:
            return path
    return path


def _read(table: Path) -> str:
    data = table.read_bytes()
    return (gzip.decompress(data) if table.suffix == ".gz" else data).decode(errors="replace")


class Rows:
    """Tells which lines of a shared table are a patient's.

    Args:
        longer, patients: as of :class:`RawData`.
    """

    def __init__(
        self, patient: str, longer: Collection[str] = (), patients: Collection[str] = ()
    ) -> None:
        self._patient, self._patients = patient, {*patients, patient}
        self.ids = Words([patient], but=longer)

    def named(self, text: str) -> list[tuple[str, bool]]:
        """Every line of a table, and whether it is theirs."""
        lines = text.splitlines(keepends=True)
        column = self._column(lines) if is_small(self._patient) else None
        if column is None:
            return [(line, self.ids.named(line)) for line in lines]
        # Who is 12 years old is not patient 12.
        return [(line, _cells(line)[column : column + 1] == [self._patient]) for line in lines]

    def _column(self, lines: list[str]) -> int | None:
        """Where, but for a header, patients stand: most of them, and first."""
        known: Counter[int] = Counter()
        for line in lines:
            known.update(c for c, cell in enumerate(_cells(line)) if cell in self._patients)
        rows = sum(not line.startswith("#") for line in lines)
        column = min(known, key=lambda c: (-known[c], c), default=None)
        return column if column is not None and known[column] * 2 >= rows - 1 else None


def _cells(line: str) -> list[str]:
    return [cell.strip(" \"'\r\n") for cell in re.split(r"[,;\t]", line)]


def _search(table: Path, rows: Rows, found: RawData) -> None:
    text = _read(table)
    if not rows.ids.named(text):
        return
    lines = [(line, named) for line, named in rows.named(text) if not line.startswith("#")]
    named = sum(named for _, named in lines)
    if not named:
        return
    if named == len(lines) - 1 and not lines[0][1]:  # all but the header, as in the MAF of one case
        found.files.add(table)
        return
    found.rows[table] = named
    if lines[0][0].startswith(FILE_ID):
        sheet = pd.read_csv(io.StringIO(text), sep="\t", dtype=str)
        theirs = sheet.fillna("").map(rows.ids.named).any(axis=1)
        found.files |= {table.parent / name for name in sheet.loc[theirs, FILE_ID]}


def _search_archive(archive: Path, ids: Words, found: RawData) -> None:
    """Count the files in an archive that are named after the patient, as rows."""
    with zipfile.ZipFile(archive) as packed:
        if named := sum(map(ids.named, packed.namelist())):
            found.rows[archive] = named


def remove_rows(
    table: Path, patient: str, longer: Collection[str] = (), patients: Collection[str] = ()
) -> None:
    """Rewrite a text table without the lines that name the patient.

    Args:
        longer, patients: as of :class:`RawData`.
    """
    rows = Rows(patient, longer, patients).named(_read(table))
    text = "".join(line for line, named in rows if not named)
    with replacing(table) as temporary:
        data = text.encode()
        temporary.write_bytes(gzip.compress(data, mtime=0) if table.suffix == ".gz" else data)
