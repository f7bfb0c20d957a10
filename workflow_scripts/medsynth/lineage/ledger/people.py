"""People: whose data an artifact holds, told by keys that mean nothing outside these results.

Every table, image store and folder of volumes that a job made of patients' items has a people
manifest, ``lineage/people/<sha256>.parquet``: `patient_key`, and `source_sha256`, the raw file an
item came from (null where the table does not say). It is sorted by key in small row groups, so that
one patient is found by the groups' statistics. The collector writes it; jobs know nothing of it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from medsynth.lineage.errors import LostSecretError
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.recording import identifiers
from medsynth.lineage.recording.identifiers import patient_key
from medsynth.lineage.recording.records import Record
from medsynth.lineage.recording.schema import EXAMINED
from medsynth.lineage.recording.spool import digest_cache, lineage_dir
from medsynth.store.atomic import replacing
from medsynth.store.digests import digest_file

log = logging.getLogger(__name__)

COLUMNS = ["patient_key", "source_sha256"]
ROWS_A_GROUP = 20_000
# The rule under which an erasure stands in the ledger.
TOMBSTONE = "erase_patient"
PATIENT = ("patient", "case")
# Columns that name items, and what a table that has patients calls them.
ITEMS = {"group": "group", "source_item": "item_id", "target_item": "item_id"}


def local_secret(results: str | Path) -> bytes:
    """The key of all patient keys, made on first use and readable by its owner only.

    It never leaves the results folder; without it nobody can tell whom a key stands for.

    Raises:
        LostSecretError: a new one would make everybody in the old manifests a stranger.
    """
    path = lineage_dir(results) / "secret"
    if not path.exists():
        # In this order: another process makes manifests only after the secret.
        if any(people_dir(results).glob("*.parquet")) and not path.exists():
            raise LostSecretError(
                f"{path} is lost, and with it who is in {people_dir(results)}; restore it, or"
                " delete that folder to have the manifests made again under a new secret"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".secret-{secrets.token_hex(8)}")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its secret counts
            os.link(temporary, path)
        temporary.unlink()
    return bytes.fromhex(path.read_text())


def people_dir(results: str | Path) -> Path:
    return lineage_dir(results) / "people"


def take_in(results: str | Path, ledger: Ledger, record: Record) -> None:
    """Write the people manifests that a finished job's tables and image stores lack.

    An image store or folder holds whom the table of its name holds. One without a table, and a file
    that cannot be read or is not any more what the job made, get none: :func:`catch_up` tells.

    Args:
        record: any; only a job's end record tells of people. Its start is in the ledger.
    """
    if record["kind"] != "job" or record["phase"] != "end":
        return
    made = {f["path"]: f["sha256"] for f in record["outputs"] if f["sha256"]}
    tables = [path for path in made if Path(path).suffix in EXAMINED]
    erased = _erased(ledger) if tables else set()
    wanted = [p for p in tables if made[p] in erased or not _manifest(results, made[p])]
    if not wanted:
        return
    base = current_places(results, ledger)
    start = ledger.job_start(record["id"])  # None: a broken one was set aside
    inputs = [base / file["path"] for file in (start["inputs"] if start else [])]
    known = [path for path in inputs if path.suffix == ".parquet" and path.is_file()]
    with closing(digest_cache(results)) as cache:
        for path in wanted:
            table = Path(path).with_suffix(".parquet").as_posix()
            file = base / table
            try:
                if table in made and file.is_file() and digest_file(file, cache) == made[table]:
                    manifest = people_dir(results) / f"{made[path]}.parquet"
                    people = _people(file, known)
                    if _renamed(people, known):
                        people = people[:0]
                    keys = write_people(people, local_secret(results), manifest)
                    identifiers.remember(results, keys)
            except Exception as error:  # a rule's author may write anything
                # Without the message, which may quote the table.
                log.warning("whom %s holds is not known: %s", path, type(error).__name__)


def _manifest(results: str | Path, sha256: str) -> bool:
    return (people_dir(results) / f"{sha256}.parquet").exists()


def _erased(ledger: Ledger) -> set[str]:
    """Digests whose manifests lack somebody who was erased, should the bytes come back."""
    rows = ledger.query("SELECT id FROM items WHERE rule=?", TOMBSTONE)
    ends = filter(None, (ledger.job_end(row["id"]) for row in rows))
    return {sha256 for end in ends for sha256 in end["erased"]}


def _people(table: Path, inputs: Iterable[Path]) -> pd.DataFrame:
    """Columns patient and, if known, source_sha256 of a table's rows; empty if it has no people."""
    names = pq.read_schema(table).names
    for column in PATIENT:
        if column in names:
            columns = [column, *(c for c in ["source_sha256"] if c in names)]
            return pd.read_parquet(table, columns=columns).rename(columns={column: "patient"})
    found = [pd.DataFrame(columns=["patient"])]
    references = [column for column in ITEMS if column in names]
    for known in inputs if references else ():
        wanted = {"patient", "source_sha256", *ITEMS.values()} & set(pq.read_schema(known).names)
        if "patient" not in wanted:
            continue
        items = pd.read_parquet(known, columns=sorted(wanted))
        for column in references:
            if ITEMS[column] in wanted:
                named = pd.read_parquet(table, columns=[column])[column].dropna()
                found.append(items[items[ITEMS[column]].isin(named)])
    return pd.concat(found)


def _renamed(people: pd.DataFrame, inputs: Iterable[Path]) -> bool:
    """Whether somebody in a table is in none of those that it was made from, if any has people.

    Its patients are no ids then, but pseudonyms or groups, which tell of nobody that he is not in.
    """
    known: set[str] = set()
    for path in inputs:
        for column in set(PATIENT) & set(pq.read_schema(path).names):
            known |= _written(pd.read_parquet(path, columns=[column])[column])
    return bool(known) and not _written(people["patient"]) <= known


def _written(patients: pd.Series) -> set[str]:
    """Numbers as they are written: a column with gaps was read as 10.0."""
    return set(patients.dropna().convert_dtypes().astype("str"))


def write_people(people: pd.DataFrame, secret: bytes, path: Path) -> set[str]:
    """Write one people manifest.

    Args:
        people: columns patient (rows without one are left out) and perhaps source_sha256.

    Returns:
        The keys of the patients in it.
    """
    people = people.reindex(columns=["patient", "source_sha256"]).dropna(subset=["patient"])
    people = people.drop_duplicates()
    # Numbers as they are written: a column with gaps was read as 10.0.
    people["patient"] = people["patient"].convert_dtypes().astype("str")
    keys = {patient: patient_key(secret, patient) for patient in people["patient"].unique()}
    frame = people.assign(patient_key=people["patient"].map(keys))[COLUMNS].astype("str")
    _write(frame.sort_values(COLUMNS, ignore_index=True), path)
    return set(keys.values())


def _write(frame: pd.DataFrame, path: Path) -> None:
    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    with replacing(path) as temporary:
        table = pa.Table.from_pandas(frame, schema, preserve_index=False)
        pq.write_table(table, temporary, row_group_size=ROWS_A_GROUP, compression="zstd")


def catch_up(results: str | Path, ledger: Ledger) -> list[str]:
    """Write the people manifests of artifacts that were collected without one.

    Returns:
        Digests of the tables and image stores whose people stay unknown, because their bytes
        are gone or cannot be read.
    """
    rows = ledger.query(
        "SELECT DISTINCT job, path, sha256 FROM artifacts WHERE role='outputs' AND sha256 NOT NULL"
        " AND (path LIKE '%.parquet' OR path LIKE '%.h5' OR path LIKE '%.volumes')"
    )
    known = {path.stem for path in people_dir(results).glob("*.parquet")} - _erased(ledger)
    lacking = [row for row in rows if row["sha256"] not in known]
    base = current_places(results, ledger)
    for job in sorted({row["job"] for row in lacking if (base / row["path"]).exists()}):
        if end := ledger.job_end(job):
            take_in(results, ledger, end)
    return sorted({r["sha256"] for r in lacking if not _manifest(results, r["sha256"])})


def holders(results: str | Path, key: str) -> dict[str, set[str]]:
    """{digest of an artifact that holds the patient: digests of the patient's raw files in it}."""
    held: dict[str, set[str]] = {}
    for path in sorted(people_dir(results).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                bounds = file.metadata.row_group(group).column(0).statistics
                if bounds and bounds.min <= key <= bounds.max:  # None: a group without rows
                    rows = file.read_row_group(group).to_pandas()
                    sources = rows.loc[rows["patient_key"] == key, "source_sha256"]
                    if len(sources):
                        held.setdefault(path.stem, set()).update(sources.dropna())
    return held


def peopled(results: str | Path) -> set[str]:
    """Digests of the artifacts of which it is known whom they hold."""
    paths = people_dir(results).glob("*.parquet")
    return {path.stem for path in paths if pq.read_metadata(path).num_rows}


def forget(results: str | Path, key: str) -> None:
    """Take a patient's rows out of every people manifest, and their key out of the known ones."""
    for sha256 in holders(results, key):
        path = people_dir(results) / f"{sha256}.parquet"
        frame = pd.read_parquet(path)
        _write(frame[frame["patient_key"] != key], path)
    identifiers.forget(results, key)
