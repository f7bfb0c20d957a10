"""The table `events`: append-only, each event chained to the one before."""

from __future__ import annotations

import json

from medsynth.lineage.ledger.database import Database
from medsynth.lineage.recording.environment import canonical
from medsynth.lineage.recording.records import Record
from medsynth.store.digests import digest_bytes

FIRST = "0" * 64


def row_digest(previous: str, item: str, phase: str, record: str) -> str:
    """The digest of an event: of all that it says and of the digest of the one before."""
    return digest_bytes("\n".join([previous, item, phase, record]).encode())


class Events(Database):
    """The table `events` of a ledger, its truth."""

    def linked(self, record: Record) -> tuple[str, str, str, str, str] | None:
        """The row (id, phase, record, previous, digest) that a record would be here.

        None if it already stands here (a crash came between).

        Raises:
            ValueError: another record of this id and phase stands here.
        """
        text = canonical(record)
        known = self._db.execute(
            "SELECT record FROM events WHERE id=? AND phase=?", (record["id"], record["phase"])
        ).fetchone()
        if known:
            if known["record"] != text:
                raise ValueError("another record of this id and phase is in the ledger")
            return None
        _, previous = self.head()
        digest = row_digest(previous, record["id"], record["phase"], text)
        return record["id"], record["phase"], text, previous, digest

    def written(self, item: str, phase: str) -> Record | None:
        """A record as it was written."""
        row = self._db.execute(
            "SELECT record FROM events WHERE id=? AND phase=?", (item, phase)
        ).fetchone()
        record: Record | None = json.loads(row["record"]) if row else None
        return record

    def head(self) -> tuple[int, str]:
        """Sequence number and digest of the last event."""
        row = self._db.execute("SELECT seq, digest FROM events ORDER BY seq DESC LIMIT 1")
        return tuple(row.fetchone() or (0, FIRST))

    def digest_at(self, seq: int) -> str | None:
        """The digest of one event; None if there is none."""
        row = self._db.execute("SELECT digest FROM events WHERE seq=?", (seq,)).fetchone()
        return row["digest"] if row else (FIRST if seq == 0 else None)

    def broken_links(self) -> list[int]:
        """Sequence numbers of events that are not what was appended there; [] if all is well.

        A tail that was cut off, or a chain that was made anew from some event on, is whole in
        itself: see :mod:`medsynth.lineage.ledger.watermark`.
        """
        broken, previous, expected = [], FIRST, 1
        for row in self._db.execute("SELECT * FROM events ORDER BY seq"):
            digest = row_digest(row["previous"], row["id"], row["phase"], row["record"])
            if (row["seq"], row["previous"], row["digest"]) != (expected, previous, digest):
                broken.append(row["seq"])
            previous, expected = row["digest"], row["seq"] + 1
        return broken
