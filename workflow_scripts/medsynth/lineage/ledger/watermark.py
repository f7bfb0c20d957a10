"""The watermark: how far the ledger had come when it was last written, in a file beside it.

The chain of the events shows what was edited in between. That its end was cut off, that all of it
is gone, or that it was made anew from some event on, shows only to somebody who knows where it
ended: here, and in MLflow, where each run says at which events its records stand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger.ledger import REMEDY, Ledger, LostLedgerError, damage_told, ledger_path
from medsynth.lineage.recording.spool import lineage_dir
from medsynth.store.atomic import write_json


def watermark_path(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "watermark.json"


def set_watermark(results_dir: str | Path, ledger: Ledger) -> None:
    """Remember where the ledger ends now."""
    events, digest = ledger.head()
    if (watermark(results_dir) or {}).get("digest") == digest:
        return
    (jobs,) = ledger.query("SELECT COUNT(*) AS n FROM items WHERE kind='job'")
    mark = {"events": events, "digest": digest, "jobs": jobs["n"]}
    write_json(mark, watermark_path(results_dir))


def watermark(results_dir: str | Path) -> dict[str, Any] | None:
    """events, digest (of the last) and jobs, as the ledger once had them; None if not known."""
    try:
        found = json.loads(watermark_path(results_dir).read_bytes())
        return {"events": int(found["events"]), "digest": found["digest"], "jobs": found["jobs"]}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def drifted(results_dir: str | Path, ledger: Ledger) -> str | None:
    """In which way the ledger is not the one whose watermark this is; None if all is there."""
    known = watermark(results_dir)
    if not known or ledger.digest_at(known["events"]) == known["digest"]:
        return None
    events, _ = ledger.head()
    if events < known["events"]:
        return f"the ledger is LOST from event {events + 1} on; it had {known['events']}"
    return f"event {known['events']} of the ledger is not the one that was appended"


def unreadable(results_dir: str | Path, ledger: Ledger) -> str | None:
    """Why a question to the ledger may have failed; None if that is not the ledger's fault."""
    if change := drifted(results_dir, ledger):
        return f"{change}; {REMEDY}"
    lost = ledger.query("SELECT seq FROM items WHERE seq NOT IN (SELECT seq FROM events)")
    broken = ledger.broken_links() or [row["seq"] for row in lost]
    return f"the ledger is BROKEN at event {broken[0]}; {REMEDY}" if broken else None


def whole(results_dir: str | Path, *, new: bool = False) -> Ledger:
    """The ledger of a results folder, if it is not lost.

    Args:
        new: begin one where nothing was ever recorded.

    Raises:
        LostLedgerError: it is gone, empty, damaged or no ledger, beside what tells of one.
        FileNotFoundError: nothing was ever recorded here, and none is to be begun.
    """
    path = ledger_path(results_dir)
    try:
        # An empty file is an empty database to SQLite.
        if path.exists() and path.stat().st_size:
            ledger = Ledger(path)
            with damage_told(path):
                if ledger.head()[0]:
                    return ledger
            ledger.close()
    except LostLedgerError as error:
        raise LostLedgerError(f"LOST: {error}") from None
    known = watermark(results_dir)
    if (known and known["events"]) or _mlflow_is_filled(results_dir):
        state = "empty" if path.exists() else "gone"
        had = f" and had {known['events']} events" if known else ", but MLflow holds runs"
        raise LostLedgerError(f"LOST: the ledger {path} is {state}{had}; {REMEDY}")
    if new:
        return Ledger(path)
    raise FileNotFoundError(path)


def _mlflow_is_filled(results_dir: str | Path) -> bool:
    if not (lineage_dir(results_dir) / "mlflow.db").exists():
        return False  # on a server, many results folders are kept
    from medsynth.lineage.mlflow.records import recorded_runs  # mlflow takes seconds to import

    with recorded_runs(results_dir) as store:
        return any(True for _ in store.runs())
