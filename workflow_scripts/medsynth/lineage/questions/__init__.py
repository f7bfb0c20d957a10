"""What `medsynth` can be asked, one module a question; here is what several of them need.

A question's module has `HELP` (one line), `EXAMPLE` (a command line), `add_arguments(parser)`,
`answer(results, arguments) -> dict` (fit for JSON), `show(answer) -> str` (for people) and
`wrong(answer) -> bool` (the command's exit status is 1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger.ledger import Ledger, LostLedgerError, damage_told, ledger_path
from medsynth.lineage.ledger.watermark import unreadable, whole
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import places
from medsynth.store.digests import DigestCache, digest_path
from medsynth.store.errors import MedsynthError

Row = dict[str, Any]
SHORT = 12  # hex digits shown to people
# A digest (64) or a job's id (32), or enough of its beginning.
HEX = re.compile(r"[0-9a-f]{8,64}")
LATEST = (
    "SELECT artifacts.* FROM artifacts WHERE {} AND sha256 NOT NULL"
    " ORDER BY role='outputs' DESC, seq DESC LIMIT 1"
)


class UnknownArtifact(MedsynthError):
    """No recorded job made or read this path or these bytes."""


@contextmanager
def opened(results: str | Path) -> Iterator[Ledger]:
    """The ledger of a results folder, which must exist.

    Raises:
        UnknownArtifact: nothing was ever recorded here.
        LostLedgerError: it is lost, or turns out to be damaged.
    """
    path = ledger_path(results)
    try:
        ledger = whole(results)
    except FileNotFoundError:
        raise UnknownArtifact(
            f"{path} does not exist: no workflow has run here yet, or --results is wrong"
            " (`medsynth rebuild` makes a lost ledger again from MLflow)"
        ) from None
    with damage_told(path), closing(ledger):
        try:
            yield ledger
        except (LookupError, TypeError, ValueError) as error:
            if fault := unreadable(results, ledger):
                raise LostLedgerError(fault) from error
            raise


def digest_cache(results: str | Path) -> DigestCache:
    return DigestCache(spool.lineage_dir(results) / "digests.db")


def at_work(ledger: Ledger) -> list[Row]:
    """Start records of what runs now.

    What is gone stays RUNNING in the ledger until a collector comes by; it hides no problem.
    """
    return [record for record in ledger.running() if not spool.is_gone(record["process"])]


def find(name: str | Path, results: str | Path, ledger: Ledger) -> Row:
    """The artifact that `name` means: the latest at that path, else of those bytes.

    Args:
        name: a path, a file or folder whose bytes are known, a file inside a recorded folder,
            or the beginning (8 or more digits) of a digest or of the id of a job, which stands
            for its first output.

    Returns:
        A row of the ledger's `artifacts`.

    Raises:
        UnknownArtifact: nothing recorded fits.
    """
    spellings = [places(results, ledger).recorded(os.path.abspath(name))]
    if not os.path.exists(name):
        spellings.append(os.path.normpath(name))  # as a question shows it
    for spelling in spellings:
        if rows := ledger.query(LATEST.format("path=?"), spelling):
            return rows[0]
    if os.path.exists(name):
        if rows := ledger.query(LATEST.format("sha256=?"), digest_path(name)[0]):
            return rows[0]
        for spelling in spellings:
            for folder in Path(spelling).parents:
                if rows := ledger.query(LATEST.format("path=?"), str(folder)):
                    return rows[0]
        raise UnknownArtifact(f"{name}: no recorded job made or read it")
    beginning = str(name).strip().lower()
    if HEX.fullmatch(beginning):
        for column in ("sha256", "job"):
            between, ends = f"{column}>=? AND {column}<?", (beginning, f"{beginning}g")
            found = ledger.query(f"SELECT DISTINCT {column} FROM artifacts WHERE {between}", *ends)
            if len(found) > 1:
                raise UnknownArtifact(f"{name}: {len(found)} begin like this; give more digits")
            if rows := ledger.query(LATEST.format(between), *ends):
                return rows[0]
        raise UnknownArtifact(f"{name}: no recorded digest or job begins like this")
    raise UnknownArtifact(f"{name}: no recorded job made or read it, and there is no such file")


def when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "seconds")


def counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in numbers.items())


def job_name(job: Row) -> str:
    """Rule and wildcards, as in a tree."""
    wildcards = " ".join(f"{k}={v}" for k, v in job["wildcards"].items())
    return f"{job['rule']} {wildcards}".strip()
