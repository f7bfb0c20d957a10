"""The watermark: how far the ledger had come when it was last written, in a file beside it.

The chain of the events shows what was edited in between. That its end was cut off, that all of it
is gone, or that it was made anew from some event on, shows only to somebody who knows where it
ended: here, and in MLflow, where each run says at which events its records stand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.errors import REMEDY
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording.spool import lineage_dir
from medsynth.store.atomic import write_json


class Watermark(TypedDict):
    """How many events and jobs there were, and the digest of the last event."""

    events: int
    digest: str
    jobs: int


def watermark_path(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "watermark.json"


def set_watermark(results_dir: str | Path, ledger: Ledger) -> None:
    """Remember where the ledger ends now."""
    events, digest = ledger.head()
    if (known := watermark(results_dir)) and known["digest"] == digest:
        return
    (jobs,) = ledger.query("SELECT COUNT(*) AS n FROM items WHERE kind='job'")
    mark: Watermark = {"events": events, "digest": digest, "jobs": jobs["n"]}
    write_json(mark, watermark_path(results_dir))


def watermark(results_dir: str | Path) -> Watermark | None:
    """How far the ledger once had come; None if not known."""
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
