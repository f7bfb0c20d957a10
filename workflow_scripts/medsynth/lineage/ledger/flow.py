"""What went into what, asked of the ledger's database for many artifacts at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from medsynth.lineage.ledger.ledger import Ledger

Artifact = tuple[str, str]  # digest, path

MODEL = ".safetensors"
MAPPED_BYTES = 1 << 30  # the default of 2 MB makes walks through a large ledger twice as slow
# From an artifact `made` to what the jobs that read it made next, by the relation `reads`.
NEXT = """
    JOIN artifacts AS it ON it.role='outputs' AND it.sha256=made.sha256 AND it.path=made.path
    JOIN reads ON reads.maker=it.job AND reads.made=it.path
    JOIN artifacts AS next ON next.job=reads.reader AND next.role='outputs'
"""
DERIVED = f"""
WITH RECURSIVE made (sha256, path) AS (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
    UNION
    SELECT next.sha256, next.path FROM made {NEXT} WHERE next.sha256 NOT NULL)
SELECT sha256, path FROM made
"""
# Not through a job that trains: of what a model makes, nobody can say whose it is. What else that
# job made is included. Nor through tables and stores of which it is known that others are in them.
MADE_OF = f"""
WITH RECURSIVE made (sha256, path, leads_on) AS (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), 1 FROM json_each(?)
    UNION
    SELECT next.sha256, next.path, NOT EXISTS (
            SELECT 1 FROM artifacts
            WHERE job=next.job AND role='outputs' AND path LIKE '%{MODEL}')
        FROM made {NEXT}
        WHERE made.leads_on AND next.sha256 NOT NULL
        AND next.sha256 NOT IN (SELECT value FROM json_each(?)))
SELECT DISTINCT sha256, path FROM made
"""
WITH_DIGESTS = """
SELECT DISTINCT sha256, path FROM artifacts
    WHERE role='outputs' AND sha256 IN (SELECT value FROM json_each(?)) ORDER BY path, sha256
"""
TABLES = """
SELECT DISTINCT sha256, path FROM artifacts
    WHERE role='outputs' AND path LIKE '%.parquet' AND sha256 NOT NULL ORDER BY path, sha256
"""
LATEST = """
SELECT sha256, path, MAX(seq) FROM artifacts
    WHERE role='outputs' AND sha256 NOT NULL AND path IN (SELECT value FROM json_each(?))
    GROUP BY path ORDER BY path
"""
READ_BY = """
SELECT DISTINCT sha256, it.path FROM reads JOIN artifacts AS it ON it.job=maker AND it.path=made
    WHERE reader=? AND role='outputs' AND sha256 NOT NULL
"""
READERS = """
SELECT DISTINCT out.sha256, out.path FROM artifacts AS used JOIN artifacts AS out USING (job)
    WHERE used.role='inputs' AND out.role='outputs' AND out.sha256 NOT NULL
    AND used.{} IN (SELECT value FROM json_each(?))
"""
TRAINED = f"""
SELECT DISTINCT out.sha256, out.path FROM artifacts AS model JOIN artifacts AS out USING (job)
    WHERE model.role='outputs' AND model.path LIKE '%{MODEL}' AND out.role='outputs'
    AND out.sha256 NOT NULL
"""
READ = "SELECT DISTINCT path FROM artifacts WHERE role='inputs'"
MAKERS = "SELECT job FROM artifacts WHERE role='outputs' AND sha256=? AND path=? ORDER BY seq"


class Flow:
    """The graph of jobs and artifacts in a ledger."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger
        ledger.query(f"PRAGMA mmap_size={MAPPED_BYTES}")

    def _artifacts(self, sql: str, *values: str) -> list[Artifact]:
        return [(row["sha256"], row["path"]) for row in self._ledger.query(sql, *values)]

    def with_digests(self, digests: Iterable[str]) -> list[Artifact]:
        """All that was made of these bytes, wherever it lay."""
        return self._artifacts(WITH_DIGESTS, json.dumps(list(digests)))

    def tables(self) -> list[Artifact]:
        """All Parquet tables that jobs made."""
        return self._artifacts(TABLES)

    def derived(self, artifacts: Iterable[Artifact]) -> set[Artifact]:
        """These artifacts and all that jobs made from them."""
        return set(self._artifacts(DERIVED, json.dumps(list(artifacts))))

    def made_of(self, artifacts: Iterable[Artifact], others: Iterable[str]) -> set[Artifact]:
        """These artifacts and what was made of their items themselves, not by models of them.

        Args:
            others: digests of tables and stores in which these items are known not to be.
        """
        values = json.dumps(list(artifacts)), json.dumps(list(others))
        return set(self._artifacts(MADE_OF, *values))

    def read_from(
        self, places: Callable[[str], bool], digests: Iterable[str] = ()
    ) -> set[Artifact]:
        """What was made of files and folders at these recorded places, or of these bytes."""
        paths = [row["path"] for row in self._ledger.query(READ) if places(row["path"])]
        found = self._artifacts(READERS.format("path"), json.dumps(paths))
        return {*found, *self._artifacts(READERS.format("sha256"), json.dumps(list(digests)))}

    def trained(self) -> set[Artifact]:
        """All that jobs made which made a model."""
        return set(self._artifacts(TRAINED))

    def latest(self, artifacts: Iterable[Artifact]) -> list[Artifact]:
        """Those of `artifacts` after which nothing else was made at their path, by path."""
        wanted = set(artifacts)
        paths = json.dumps(sorted({path for _, path in wanted}))
        return [artifact for artifact in self._artifacts(LATEST, paths) if artifact in wanted]

    def makers(self, artifact: Artifact) -> list[str]:
        """The jobs that made an artifact."""
        return [row["job"] for row in self._ledger.query(MAKERS, *artifact)]

    def read_by(self, job: str) -> list[Artifact]:
        """What jobs made and this one read, or read a file of."""
        return self._artifacts(READ_BY, job)
