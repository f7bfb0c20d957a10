"""`medsynth rerun`: does the job that made a file make the same bytes again?

Snakemake repeats that one job from its record, with the configuration and the sources it had, in
an empty folder where its inputs and what these were made of are links. The recorded files are not
touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from medsynth.lineage.wording import SHORT, job_name

if TYPE_CHECKING:
    from medsynth.lineage.queries.rerun import Rerun

HELP = "repeat the job that made a file, in a clean folder, and compare the bytes"
EXAMPLE = "medsynth rerun results/experiments/cxr_ddpm/samples.png"


def answer(
    results: Path,
    path: Annotated[
        str, Argument(metavar="PATH", help="a file a job made, its digest, or a job's id")
    ],
    keep: Annotated[
        Path | None, Option(metavar="DIR", help="work in this new folder and leave it there")
    ] = None,
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.rerun import rerun

    return rerun(results, path, keep)


def wrong(answer: Rerun) -> bool:
    return not answer["identical"]


def show(answer: Rerun) -> Iterator[str]:
    yield f"{job_name(answer)}  job {answer['job'][:SHORT]}, repeated: {answer['status']}"
    for output in answer["outputs"]:
        now = (output["now"] or "not made")[:SHORT]
        state = "identical" if output["same"] else f"DIFFERS: {now} now"
        yield f"  {output['path']}  [{output['recorded'][:SHORT]}]  {state}"
    if answer["sources"]:
        yield f"  with the sources of today, because {answer['sources']}"
    yield from (f"  because {reason}" for reason in answer["reasons"])
