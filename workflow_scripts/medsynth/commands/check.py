"""`medsynth check`: is a configuration right, and are the data such that it can be trained on them?

Everything that is wrong is told in one go, each with its place, and what to do. Tables are read,
and twenty files of each cohort as the workflow reads them; nothing is written. What `snakemake`
tells at once, before any job, is the part that needs no data but the headers of tables. Sizes are
estimates. File names are shown, and in hospitals they may be patients': mind whom you send it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from medsynth.commands.output import Table
from medsynth.config.chosen import DEMO, VARIABLE, named_by_environment

HELP = "every mistake of a configuration and its data, before anything is run"
EXAMPLE = "medsynth check my.yaml"
COUNTS = ("cohort", "kind", "files", "used", "read", "classes", "train", "validate", "test")


def answer(
    file: Annotated[
        Path | None,
        Argument(
            metavar="FILE",
            help=f"configuration; else that in ${VARIABLE}, else {DEMO}, as snakemake takes it",
        ),
    ] = None,
) -> dict[str, Any]:
    # These take a second, and --help must not wait for them.
    from medsynth.check.whole import check_file

    chosen, why = _chosen(file)
    found = check_file(chosen)
    return {
        "file": str(chosen),
        "because": why,
        "mistakes": [mistake._asdict() for mistake in found.mistakes],
        "notes": [note._asdict() for note in found.notes],
        "cohorts": found.cohorts,
    }


def _chosen(file: Path | None) -> tuple[Path, str]:
    if file:
        return file, "given"
    if named := named_by_environment():
        return named, f"named by {VARIABLE}"
    return DEMO, f"the demo's, for no FILE was given, and {VARIABLE} is not set"


def wrong(answer: dict[str, Any]) -> bool:
    return bool(answer["mistakes"])


def show(answer: dict[str, Any]) -> Iterator[str | Table]:
    yield f"configuration: {answer['file']} ({answer['because']})"
    if answer["cohorts"]:
        rows = [tuple(str(row.get(name, "")) for name in COUNTS) for row in answer["cohorts"]]
        yield Table(COUNTS, rows)
    yield from (_line("note", note) for note in answer["notes"])
    yield from (_line("MISTAKE", mistake) for mistake in answer["mistakes"])
    yield f"{len(answer['mistakes'])} mistake(s)"


def _line(level: str, found: dict[str, str]) -> str:
    return ": ".join(filter(None, [level, found["line"], found["place"], found["text"]]))
