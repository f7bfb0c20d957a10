"""`medsynth quarantine`: which files of a cohort cannot be used, and why.

Excluded files, which the settings leave out on purpose, are not among them. Paths are those of your
own data, below the cohort's folder of raw files, and often name patients: they are shown here, as
in quarantine.parquet, because you must find the files to mend them. No log, report or MLflow run
shows them.
"""

# What else the tables hold of a file (patient, label, and in `detail` perhaps a cell's text) helps
# nobody to find it, and is not shown here either.

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypedDict

from typer import Argument

from medsynth.commands.known import folder_of
from medsynth.commands.output import Table
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.wording import REASONS

HELP = "which files of a cohort cannot be used, and why"
EXAMPLE = "medsynth quarantine cxr"
NAMELESS = "(a row that names no file)"


class NotReadYetError(MedsynthError):
    """The cohort's files have not all been read."""


class Unusable(TypedDict):
    """file: path below the cohort's root. rows: unusable in it, if it is a table."""

    reason: str
    file: str | None
    rows: int | None


class Quarantine(TypedDict):
    """reasons: files and rows of tables by reason, the most frequent first."""

    cohort: str
    reasons: dict[str, int]
    unusable: list[Unusable]


def answer(
    results: Path,
    cohort: Annotated[str, Argument(metavar="COHORT", help="its name in the configuration")],
) -> Quarantine:
    layout = Layout(results)
    folder_of(layout.cohort, "cohort", cohort)
    table = Path(layout.quarantine.format(cohort=cohort))
    if not table.is_file():
        raise NotReadYetError(
            f"{table} is not there: the cohort's files have not all been read; run"
            f" `snakemake {table}`"
        )
    unusable = [*_files(table), *_rows(Path(layout.calls_quarantine.format(cohort=cohort)))]
    counts: Counter[str] = Counter()
    for one in unusable:
        counts[one["reason"]] += one["rows"] or 1
    return {"cohort": cohort, "reasons": dict(counts.most_common()), "unusable": unusable}


def _files(table: Path) -> Iterator[Unusable]:
    for reason, file in _columns(table, "reason", "source"):
        yield {"reason": reason, "file": file, "rows": None}


def _rows(table: Path) -> Iterator[Unusable]:
    """Of genotype tables, which only some cohorts have."""
    if table.is_file():
        for (reason, file), rows in Counter(_columns(table, "reason", "source")).items():
            yield {"reason": reason, "file": file, "rows": rows}


def _columns(table: Path, *names: str) -> list[tuple[str, str | None]]:
    from pyarrow import parquet  # without pandas, for which nobody need wait

    read = parquet.read_table(table, columns=list(names))
    return sorted(zip(*(read[name].to_pylist() for name in names), strict=True), key=repr)


def wrong(answer: Quarantine) -> bool:
    """How many may be unusable is judged by the gate of the cohort, by max_quarantined."""
    return False


def show(answer: Quarantine) -> Iterator[str | Table]:
    if not answer["unusable"]:
        yield f"cohort {answer['cohort']}: every file can be used"
        return
    yield Table(
        ("reason", "count", "meaning"),
        [(name, str(n), REASONS.get(name, "")) for name, n in answer["reasons"].items()],
    )
    yield ""
    width = max(map(len, answer["reasons"]))
    for one in answer["unusable"]:  # no table: a path that is wrapped cannot be copied
        rows = f"  ({one['rows']} rows)" if one["rows"] else ""
        yield f"{one['reason']:{width}}  {one['file'] or NAMELESS}{rows}"
