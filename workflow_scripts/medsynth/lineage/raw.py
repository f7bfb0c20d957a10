"""A patient's raw data: the files that are theirs, and the rows about them in shared tables."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from medsynth.lineage.words import Words
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
        rows: {shared table or archive: number of rows or files that name the patient}.
        identifiers: of the patient and of their images, studies and slides.
    """

    files: set[Path] = field(default_factory=set)
    rows: dict[Path, int] = field(default_factory=dict)
    identifiers: set[str] = field(default_factory=set)


def raw_data(patient: str, indexed: Iterable[tuple[Path, Path]], other: Iterable[Path]) -> RawData:
    """Find a patient's raw data.

    Args:
        patient: their id, as it stands in the raw data.
        indexed: pairs of an index table and the folder its column `source` is relative to.
        other: raw files and folders without an index.
    """
    found = RawData(identifiers={patient})
    ids = Words([patient])
    tables, sources, shared = set(), [], set()
    for index, root in indexed:
        rows = pd.read_parquet(index, columns=["source", "patient", *IDENTIFIERS])
        # A file that could not be read tells whose it is by its path alone.
        named = rows["source"].fillna("").map(ids.named)
        theirs = (rows["patient"] == patient) | (rows["patient"].isna() & named)
        others = rows.loc[rows["patient"].notna() & ~theirs, "source"]
        shared |= {folder for path in others.dropna() for folder in (root / path).parents}
        rows = rows[theirs]
        sources += [(root, source) for source in rows["source"].dropna()]
        # The id of an image that could not be read is the name of its file, and may be any word.
        read = rows[rows["patient"].notna()]
        found.identifiers |= set(read[IDENTIFIERS].stack().dropna())
        # The tables lie beside the image folders, of which there may be 10^5: not walked.
        tables |= {path for path in root.glob("*") if path.is_file()}
    found.files |= {_own(root, source, patient, shared) for root, source in sources}
    for path in other:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if path.is_dir() and ids.named(file.relative_to(path).as_posix()):
                found.files.add(_own(path, file.relative_to(path).as_posix(), patient, set()))
            elif file.suffix == ".zip" and file.is_file():
                _search_archive(file, ids, found)
            else:
                tables.add(file)
    for table in sorted(tables):
        if table.is_file() and {table.suffix, table.with_suffix("").suffix} & TABLES:
            _search(table, patient, found)
    files = {path for path in found.files if path.exists()}
    found.files = {path for path in files if not files & set(path.parents)}
    found.rows = {t: n for t, n in found.rows.items() if not files & {t, *t.parents}}
    return found


def _own(root: Path, source: str, patient: str, shared: set[Path]) -> Path:
    """The outermost folder below `root` that is named after the patient, else the file.

    A folder in which somebody else's files lie (batch-12, where the patient is 12) is not theirs.
    """
    ids = Words([patient])
    path = root
    for part in Path(source).parts:
        path = path / part
        if ids.named(part) and path not in shared:
            return path
    return path


def _read(table: Path) -> str:
    data = table.read_bytes()
    return (gzip.decompress(data) if table.suffix == ".gz" else data).decode(errors="replace")


def _named(text: str, patient: str) -> Iterator[tuple[str, bool]]:
    """Every line, and whether it names the patient."""
    ids = Words([patient])
    for line in text.splitlines(keepends=True):
        yield line, ids.named(line)


def _search(table: Path, patient: str, found: RawData) -> None:
    text = _read(table)
    if not Words([patient]).named(text):
        return
    lines = [(line, named) for line, named in _named(text, patient) if not line.startswith("#")]
    named = sum(named for _, named in lines)
    if not named:
        return
    if named == len(lines) - 1 and not lines[0][1]:  # all but the header, as in the MAF of one case
        found.files.add(table)
        return
    found.rows[table] = named
    if lines[0][0].startswith(FILE_ID):
        sheet = pd.read_csv(io.StringIO(text), sep="\t", dtype=str)
        theirs = sheet.fillna("").map(Words([patient]).named).any(axis=1)
        found.files |= {table.parent / name for name in sheet.loc[theirs, FILE_ID]}


def _search_archive(archive: Path, ids: Words, found: RawData) -> None:
    """Count the files in an archive that are named after the patient, as rows."""
    with zipfile.ZipFile(archive) as packed:
        if named := sum(map(ids.named, packed.namelist())):
            found.rows[archive] = named


def remove_rows(table: Path, patient: str) -> None:
    """Rewrite a text table without the lines that name the patient."""
    text = "".join(line for line, named in _named(_read(table), patient) if not named)
    with replacing(table) as temporary:
        data = text.encode()
        temporary.write_bytes(gzip.compress(data, mtime=0) if table.suffix == ".gz" else data)
