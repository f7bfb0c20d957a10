"""`medsynth export`: all that is recorded, as a Workflow Run RO-Crate for others to read.

The crate holds the workflow's files, the configuration of every run, and every job with what went
in and came out, by sha256. It holds no data and no patient's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

if TYPE_CHECKING:
    from medsynth.lineage.queries.export import Exported


HELP = "write a Workflow Run RO-Crate"
EXAMPLE = "medsynth export crate"


def answer(
    results: Path,
    folder: Annotated[Path, Argument(metavar="DIR", help="a new folder for the crate")],
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.export import export

    return export(results, folder)


def wrong(answer: Exported) -> bool:
    return False


def show(answer: Exported) -> Iterator[str]:
    yield (
        f"{answer['crate']}: {answer['jobs']} jobs in {answer['invocations']} runs of the workflow,"
        f" {answer['entities']} entities"
    )
