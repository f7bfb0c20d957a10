"""What of the ledger MLflow has, by item: its run, and the status that it was told."""

from __future__ import annotations

from collections.abc import Iterable

from medsynth.lineage.ledger.database import Database


class Deliveries(Database):
    """The table `deliveries` of a ledger."""

    def undelivered(self) -> list[str]:
        """Items whose present status MLflow does not have yet.

        Oldest first, but jobs at work last: by their turn they may have ended.
        """
        rows = self._db.execute(
            "SELECT items.id FROM items LEFT JOIN deliveries USING (id)"
            " WHERE deliveries.status IS NOT items.status"
            " ORDER BY kind='job' AND items.status='RUNNING', items.seq"
        )
        return [row["id"] for row in rows]

    def delivered_many(self, items: list[tuple[str, str, str, str | None]]) -> None:
        """Note (item, run id, experiment id, status) of what MLflow has now."""
        if not items:
            return
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO deliveries VALUES (?,?,?,?,NULL)", items)

    def undelivered_again(self, items: Iterable[str]) -> None:
        """Forget that MLflow had these items."""
        with self.transaction():
            self._db.executemany("DELETE FROM deliveries WHERE id=?", ((i,) for i in items))

    def undeliverable(self, item: str, error: str) -> None:
        self._db.execute(
            "INSERT INTO deliveries (id, error) VALUES (?,?)"
            " ON CONFLICT (id) DO UPDATE SET error=excluded.error",
            (item, error),
        )
