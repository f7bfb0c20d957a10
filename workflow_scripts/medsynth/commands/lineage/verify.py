"""`medsynth verify`: is everything as it was recorded?

Every recorded file is compared with its digest, every file in the results folder with the
records, and the ledger with itself. --deep reads all bytes anew, which also finds a file that was
changed and given its old time, and compares MLflow's copies with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from medsynth.lineage.wording import SHORT

if TYPE_CHECKING:
    from medsynth.lineage.queries.verify import Verified

HELP = "is every recorded file, the ledger and MLflow's copy as it was?"
EXAMPLE = "medsynth verify --deep"
SHOWN = 50


def answer(
    results: Path,
    deep: Annotated[
        bool, Option("--deep", help="read every byte again, and MLflow's files too")
    ] = False,
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.verify import verify

    return verify(results, deep=deep)


def wrong(answer: Verified) -> bool:
    return bool(answer["wrong"] or answer["ledger"] or answer["mlflow"])


def show(answer: Verified) -> Iterator[str]:
    how = "all bytes read" if answer["deep"] else "by size and time where those are unchanged"
    counted = ", ".join(f"{n} {state}" for state, n in answer["artifacts"].items())
    yield f"files: {counted or 'none'} ({how})"
    for file in answer["wrong"][:SHOWN]:
        by = f"  made or read by {file['rule']}, job {file['job'][:SHORT]}" if file["job"] else ""
        yield f"  {file['state'].upper():8} {file['path']}{by}"
    if len(answer["wrong"]) > SHOWN:
        yield f"  and {len(answer['wrong']) - SHOWN} more; --json lists all"
    for name, found in (("ledger", answer["ledger"]), ("MLflow", answer["mlflow"])):
        if found is not None:
            yield f"{name}: {'as recorded' if not found else ''}".rstrip()
            yield from (f"  {f['state'].upper():8} {f['path']}  {f['what']}" for f in found)
