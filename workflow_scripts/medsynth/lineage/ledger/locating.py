"""Where recorded files are now, and which recorded file a name means."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.database import Row
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import InvocationStart
from medsynth.store.digests import digest_path

# A digest (64) or a job's id (32), or enough of its beginning.
HEX = re.compile(r"[0-9a-f]{8,64}")
LATEST = (
    "SELECT artifacts.* FROM artifacts WHERE {} AND sha256 NOT NULL"
    " ORDER BY role='outputs' DESC, seq DESC LIMIT 1"
)
MADE = "SELECT DISTINCT path FROM artifacts WHERE role='outputs'"


def current_places(results: str | Path, ledger: Ledger) -> Places:
    """Where recorded paths are now that the results are at `results`.

    A working folder around the results has come along with them, so that a copy is never answered
    for by the folder it came from. One beside them has come along if it is found there.
    """
    here = Path(os.path.abspath(results))
    ran = ledger.last_invocation()
    if not ran:
        return Places(here, here.parent)
    then, workdir = Path(ran["results"]), Path(ran["workdir"])
    if os.path.realpath(here) == os.path.realpath(then):
        return Places(here, workdir)
    along = Path(os.path.normpath(here / os.path.relpath(workdir, then)))
    return Places(here, along if then.is_relative_to(workdir) or along.is_dir() else workdir)


def snakefile_of(ran: InvocationStart, base: Places) -> Path:
    """The Snakefile of an invocation's start record, along with the working folder if it moved."""
    then, workdir = Path(ran["snakefile"]), Path(ran["workdir"])
    if not then.is_relative_to(workdir):
        return then
    now = base.workdir / then.relative_to(workdir)
    return now if now.exists() else then


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
    spellings = [current_places(results, ledger).recorded(os.path.abspath(name))]
    if not os.path.exists(name):
        spellings.append(os.path.normpath(name))  # as a question shows it
    for spelling in spellings:
        if rows := ledger.query(LATEST.format("path=?"), spelling):
            return rows[0]
    if os.path.exists(name):
        if Path(os.path.realpath(results)).is_relative_to(os.path.realpath(name)):
            raise UnknownArtifact(f"{name}: the results lie in it; give a file or folder of theirs")
        if rows := ledger.query(LATEST.format("sha256=?"), digest_path(name)[0]):
            return rows[0]
        for spelling in spellings:
            for folder in Path(spelling).parents:
                if rows := ledger.query(LATEST.format("path=?"), str(folder)):
                    return rows[0]
        raise UnknownArtifact(
            f"{name}: no recorded job made or read it{_instead(spellings, ledger)}"
        )
    beginning = str(name).strip().lower()
    if HEX.fullmatch(beginning):
        for column in ("sha256", "job"):
            between, ends = f"{column}>=? AND {column}<?", (beginning, f"{beginning}g")
            found = ledger.query(f"SELECT DISTINCT {column} FROM artifacts WHERE {between}", *ends)
            if len(found) > 1:
                raise UnknownArtifact(f"{name}: {len(found)} begin like this; give more digits")
            if rows := ledger.query(LATEST.format(between), *ends):
                return rows[0]
        raise UnknownArtifact(
            f"{name}: no recorded digest or job begins like this; is it of another results folder?"
            " Name that with --results"
        )
    raise UnknownArtifact(
        f"{name}: no recorded job made or read it, and there is no such file"
        + _instead(spellings, ledger)
    )


def _instead(spellings: list[str], ledger: Ledger) -> str:
    """What to ask for instead; only of what jobs made, for names of raw files name patients."""
    made = [row["path"] for row in ledger.query(MADE)]
    for spelling in spellings:
        if near := get_close_matches(spelling, made, n=1, cutoff=0.8):
            return f"; did you mean {near[0]}?"
    return (
        "; give a path that a job made or read, or 8 digits or more of a digest; or name another"
        " results folder with --results"
    )
