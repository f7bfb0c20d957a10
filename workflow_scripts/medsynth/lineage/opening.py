"""The ledger of a results folder, opened so that one that is lost is not taken for a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from medsynth.lineage.errors import REMEDY, LostLedgerError, UnknownArtifact
from medsynth.lineage.ledger.database import ledger_path, reporting_damage
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.watermark import unreadable, watermark
from medsynth.store.layout import Layout


def open_ledger(results_dir: str | Path, *, new: bool = False) -> Ledger:
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
            with reporting_damage(path):
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
    if not os.path.exists(Layout(results_dir).mlflow):
        return False  # on a server, many results folders are kept
    from medsynth.lineage.mlflow.records import recorded_runs  # mlflow takes seconds to import

    with recorded_runs(results_dir) as store:
        return any(True for _ in store.runs())


def nothing_recorded(results: str | Path) -> UnknownArtifact:
    """What to say of a folder without a ledger; studies below it may be meant."""
    path = ledger_path(results)
    below = sorted(Path(results).glob(f"*/{path.parent.name}/{path.name}"))
    there = ", ".join(str(ledger.parents[1]) for ledger in below)
    return UnknownArtifact(
        f"{path} does not exist: no workflow has run here yet, or it is not the study's results"
        f" folder; name that with --results{f' (there is one in {there})' if there else ''}."
        " `medsynth rebuild` makes a lost ledger again from MLflow"
    )


@contextmanager
def existing_ledger(results: str | Path) -> Iterator[Ledger]:
    """The ledger of a results folder, which must exist.

    Raises:
        UnknownArtifact: nothing was ever recorded here.
        LostLedgerError: it is lost, or turns out to be damaged.
    """
    path = ledger_path(results)
    try:
        ledger = open_ledger(results)
    except FileNotFoundError:
        raise nothing_recorded(results) from None
    with reporting_damage(path), closing(ledger):
        try:
            yield ledger
        except (LookupError, TypeError, ValueError) as error:
            if fault := unreadable(results, ledger):
                raise LostLedgerError(fault) from error
            raise
