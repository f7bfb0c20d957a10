"""Of which files below the results folder the record says whose they are."""

from __future__ import annotations

import json
import os
import re
from functools import cache, cached_property
from pathlib import Path

from medsynth.lineage.ledger.flow import Flow
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.people import peopled
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import ANCHOR, Places, above
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path

# The record's own files, relative to its folder; MLflow's copies are known by their bytes.
RECORD = re.compile(
    r"(?:ledger|mlflow|digests|patients)\.db(?:-wal|-shm|-journal)?|people/[0-9a-f]{64}\.parquet"
)
# Below the results folder: raw demo data, and tables of downloads, which are raw data elsewhere.
DEMO, RECEIPTS = "demo", "fetch"
MADE = "SELECT path, sha256, MAX(seq) FROM artifacts WHERE role='outputs' GROUP BY path"
# Read as the folder of an index table, or on the way to a table of patients.
RAW = """
SELECT DISTINCT used.path, NOT EXISTS (
        SELECT 1 FROM reads WHERE reader=used.job AND path=used.path AND how<>'around') AS unmade
    FROM artifacts AS used JOIN artifacts AS made USING (job)
    WHERE used.role='inputs' AND made.role='outputs'
    AND (used.name='root' OR made.sha256 IN (SELECT value FROM json_each(?)))
"""
NAMES = "SELECT DISTINCT value FROM events, json_each(record, '$.wildcards') WHERE phase='start'"


class KnownFiles:
    """Tells whether the record says whose a file is.

    It does of raw data, and of what is as a job made it that goes back to raw data or to tables of
    patients: their manifests say who. A job that declares no such input tells nothing of whom its
    outputs show, and nothing tells what was written by nobody, or over what a job made.
    """

    def __init__(self, results: Path, base: Places, ledger: Ledger, cache: DigestCache) -> None:
        self._results, self._base, self._ledger, self._cache = results, base, ledger, cache
        self._flow = Flow(ledger)
        rows = ledger.query(RAW, json.dumps(sorted(peopled(results))))
        demo = f"{ANCHOR}/{DEMO}"
        self._raw = {
            row["path"]
            for row in rows
            if row["unmade"] or demo in (row["path"], *above(row["path"]))
        }

    def __call__(self, path: Path) -> bool:
        record = spool.lineage_dir(self._results)
        if path.is_relative_to(record):
            name = path.relative_to(record).as_posix()
            return bool(RECORD.fullmatch(name)) or self._is_a_copy(path)
        for folder in (self._results / "work", self._results / "kept"):
            if path.is_relative_to(folder):
                return path.relative_to(folder).parts[0][:-17] in self._names
        place = self._base.recorded(path)
        around = [place, *above(place)]
        for made in around:
            if made in self._made:
                return self._is_known(made) and self._is_as_made(made)
        return not self._raw.isdisjoint(around)

    def _is_a_copy(self, path: Path) -> bool:
        return digest_path(path, self._cache)[0] in {sha256 for sha256, _ in self._whose}

    @cached_property
    def _names(self) -> set[str]:
        """Folders of work and of kept outputs (<name>-<16 hex digits>) have a wildcard's name."""
        return {row["value"] for row in self._ledger.query(NAMES)}

    @cached_property
    def _made(self) -> dict[str, str | None]:
        return {row["path"]: row["sha256"] for row in self._ledger.query(MADE)}

    @cached_property
    def _whose(self) -> set[tuple[str, str]]:
        """What goes back to raw data or to tables of patients."""
        first = {
            *self._flow.with_digests(peopled(self._results)),
            *self._flow.read_from(self._is_raw),
        }
        return self._flow.derived(first)

    @cached_property
    def _around_raw(self) -> set[str]:
        return self._raw | {folder for path in self._raw for folder in above(path)}

    def _is_raw(self, recorded: str) -> bool:
        """Whether a place is in raw data, or raw data in it."""
        return recorded in self._around_raw or not self._raw.isdisjoint(above(recorded))

    def _is_known(self, made: str) -> bool:
        if made.split(os.sep)[1:2] == [RECEIPTS] or self._is_raw(made):
            return True
        return (self._made[made], made) in self._whose

    @cache  # noqa: B019, one asks once for each erasure
    def _is_as_made(self, made: str) -> bool:
        """A folder counts as a whole: of what was added to it, nobody says whose it is."""
        path = self._base / made
        return path.exists() and digest_path(path, self._cache)[0] == self._made[made]
