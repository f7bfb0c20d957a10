"""Erasure: destroying what a withdrawal names, saying so in the ledger, and proving it.

The order makes an erasure that was cut off repeatable: the index tables and the people manifests,
by which everything is found, lose the patient last, when what is left is known.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from medsynth.lineage.collector import collect
from medsynth.lineage.erasure.known_files import KnownFiles
from medsynth.lineage.erasure.mlflow_copies import MlflowCopies
from medsynth.lineage.erasure.raw_data import remove_rows
from medsynth.lineage.erasure.search import remains
from medsynth.lineage.erasure.withdrawal import Erasure, Impact
from medsynth.lineage.erasure.words import Words
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.ledger.people import TOMBSTONE, forget
from medsynth.lineage.opening import nothing_recorded
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import File, JobStart, ended
from medsynth.store.digests import digest_bytes, digest_file, digest_path
from medsynth.store.errors import MedsynthError


@contextmanager
def idle(results: Path) -> Iterator[None]:
    """Keep workflows out, by the lock that they hold: what was found stays true in the block.

    Raises:
        MedsynthError: a workflow is at work on these results, or none ever was.
    """
    if not spool.lineage_dir(results).is_dir():
        raise nothing_recorded(results)
    with open(spool.lineage_dir(results) / "workflow.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MedsynthError(
                f"snakemake is at work on {results}; wait for it or stop it, then erase"
            ) from None
        yield


def erase(results: Path, patient: str, impact: Impact, *, raw: bool = False) -> Erasure:
    """Carry out what :func:`medsynth.lineage.queries.impact.impact` found; call it when `idle`.

    What is raw and outside the results folder is its owner's and is left as it is.

    Args:
        raw: destroy the patient's own raw files there, too; shared tables are still left.

    Raises:
        MedsynthError: MLflow is not known.
    """
    results = Path(os.path.abspath(results))
    ledger = Ledger(ledger_path(results))
    base = current_places(results, ledger)
    copies = MlflowCopies(results, ledger)
    copies.remove(impact)  # first, because a server may fail: then nothing is done by halves
    inside = [path for path in impact["raw"] if _is_below(results, path)]
    gone = impact["raw"] if raw else inside
    digests = {row["sha256"] for row in impact["past"]} | set(impact["sources"])
    # Of files that could not be read no table has the digest.
    digests |= {digest_file(path) for path in impact["images"] if os.path.isfile(path)}
    for path in gone + impact["unfinished"] + impact["kept"]:
        _remove(Path(path))
    own = [
        path
        for path in impact["rows"]
        if _is_below(results, path) and not path.endswith(".zip")  # which is no text to rewrite
    ]
    for path in own:
        remove_rows(Path(path), patient, impact["longer"], impact["patients"])
    words, but = impact["identifiers"], impact["longer"]
    indexes = {base / path for path in impact["indexes"]}
    last = [place for e in impact["destroy"] if (place := base / e["path"]) in indexes]
    for entry in impact["destroy"]:
        if base / entry["path"] not in indexes:
            _remove(base / entry["path"])
    with closing(spool.digest_cache(results)) as cache:
        cache.forget(Words(words, but=but, loose=True).named)  # raw paths name patients
        rest = _changed([*inside, *own], base, ledger)
        _write_tombstone(results, impact, len(gone), rest, ledger)
        collect(results)
        known = KnownFiles(results, base, ledger, cache)
        left = remains(results, words, digests, known, but, set(last))
    left += copies.remains(words, digests)
    # In this order: of an index that is there the people are found out again.
    forget(results, impact["patient_key"])
    for place in last:
        _remove(place)
    ledger.close()
    return {
        "left": left,
        "yours": [path for path in impact["raw"] if path not in gone],
        "rows": {path: n for path, n in impact["rows"].items() if path not in own},
    }


def _is_below(results: Path, path: str) -> bool:
    """Whether the bytes lie there, not only a link to them."""
    return Path(path).resolve().is_relative_to(results.resolve())


def _remove(path: Path) -> None:
    """Remove a file or folder; of a link also what it points to, for there the bytes are."""
    if path.is_symlink():
        _remove(path.resolve())
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _changed(paths: Iterable[str], base: Places, ledger: Ledger) -> list[File]:
    """The recorded folders and files that lost something at `paths`, as they are now."""
    places = {place for path in paths for place in (Path(path), *Path(path).parents)}
    around = {base.recorded(place) for place in places}
    recorded = [
        ledger.query("SELECT path FROM artifacts WHERE role='outputs' AND path=? LIMIT 1", place)
        for place in sorted(around)
    ]
    files: list[File] = []
    for row in (row for rows in recorded for row in rows):
        if (base / row["path"]).exists():
            sha256, size = digest_path(base / row["path"])
            files.append({"name": None, "path": row["path"], "sha256": sha256, "bytes": size})
    return files


def _write_tombstone(
    results: Path, impact: Impact, raw_files: int, rest: list[File], ledger: Ledger
) -> None:
    """Record the erasure as a job of its own, so that it stands in the ledger and in MLflow.

    Args:
        raw_files: how many raw files and folders were removed.
        rest: folders that lost something, which the erasure made what they are now.
    """
    last = ledger.last_invocation()
    start: JobStart = {
        "kind": "job",
        "phase": "start",
        "id": uuid.uuid4().hex,
        "invocation": last["id"] if last else None,
        "rule": TOMBSTONE,
        "wildcards": {},
        # The digest tells that this key was erased to those who know it, and nobody else.
        "params": {"patient": digest_bytes(impact["patient_key"].encode())},
        "code": None,
        "seed": None,
        "threads": 1,
        "resources": {},
        "attempt": 1,
        "log": [],
        "inputs": [],
        "outputs": [],
        "process": spool.this_process(),
        "time": time.time(),
    }
    end = ended(start, time.time(), None, None, rest)
    end["erased"] = sorted({row["sha256"] for row in impact["past"]})
    end["withdrawn"] = impact["models"]
    end["raw_files"] = raw_files
    spool.write(results, start)
    spool.write(results, end)
