"""Whether a cohort is fit to be trained on, told from counts alone; and what to change if not."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from medsynth.store.manifests import SPLITS, TEST, TRAIN
from medsynth.store.quarantine import CohortError, reason_counts


class UnfitCohort(CohortError):
    """No model may be trained on this cohort as it is.

    Attributes:
        faults: what is wrong, each with what to do about it.
    """

    def __init__(self, cohort: str, faults: Sequence[str], table: Iterable[str]):
        lines = "\n".join(f"  {line}" for line in [*faults, *table])
        super().__init__(f"{cohort} is not fit to be trained on:\n{lines}")
        self.faults = list(faults)


def check_fitness(
    summary: Mapping[str, Any],
    tables: Sequence[Mapping[str, Any]],
    *,
    expected: Sequence[str],
    named: bool,
    min_patients: int,
    max_quarantined: float,
    results: str = "results",
) -> dict[str, Any]:
    """Refuse a cohort that nothing sound can be learned from.

    Args:
        summary: of the cohort: "files", "reasons", "by_label_split" and, where images have
            several findings, "by_finding_split".
        tables: of each kind of table or download that was read beside the images: "what",
            "unusable" and "of", counts.
        expected: classes that the configuration names; empty where a table of the user's does.
        named: whether the workflow knows the classes; else those of few patients stay unnamed,
            because a wrong column may make classes of patients' names.
        min_patients: of each class.
        max_quarantined: largest share of files, of tables of a kind, that may be unusable.
        results: the folder that commands look in, as the user names it.

    Returns:
        The counts that were judged: "unusable" and "patients", by class and split. They hold no
        threshold, so that another one changes no byte, and reruns nothing that waits for them.

    Raises:
        UnfitCohort: everything that is wrong, each with what to do about it, and the counts.
    """
    files = summary["files"]
    unusable = [{"what": "files", "unusable": files["quarantined"], "of": files["wanted"]}, *tables]
    counts = _patients(summary.get("by_finding_split", summary["by_label_split"]))
    wrong = [
        *_too_many(summary["cohort"], unusable, summary["reasons"], max_quarantined, results),
        *_unfit_classes(counts, expected, named, min_patients),
        *_shown_by_all(summary),
        *_empty_splits(counts),
    ]
    if wrong:
        shown = counts if named else counts[counts.sum(axis=1) >= min_patients]
        raise UnfitCohort(summary["cohort"], wrong, _table(shown))
    by_class = {
        name: {split: int(row[split]) for split in SPLITS} for name, row in counts.iterrows()
    }
    return {"unusable": unusable, "patients": by_class}


def _patients(cells: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Patients by class (index) and split (columns)."""
    frame = pd.DataFrame(cells, columns=["label", "split", "patients"])
    table = frame.pivot_table("patients", "label", "split", "sum", fill_value=0)
    return table.reindex(columns=SPLITS, fill_value=0).astype(int)


def _too_many(
    cohort: str,
    unusable: Sequence[Mapping[str, Any]],
    reasons: Sequence[Mapping[str, Any]],
    limit: float,
    results: str,
) -> Iterator[str]:
    where = "" if results == "results" else f" --results {shlex.quote(results)}"
    for row in unusable:
        bad, total = row["unusable"], row["of"]
        if bad <= limit * total:
            continue
        yield (
            f"{bad} of {total} {row['what']} cannot be used ({bad / total:.0%}, allowed are"
            f" {100 * limit:.3g}%): correct those that `medsynth quarantine {cohort}{where}`"
            " lists, or raise max_quarantined"
        )
        if row["what"] == "files":
            counted = {r["reason"]: r["n"] for r in reasons if r["status"] == "quarantined"}
            yield from (f"  {line}" for line in reason_counts(counted))


def _unfit_classes(
    counts: pd.DataFrame, expected: Sequence[str], named: bool, least: int
) -> Iterator[str]:
    for name in expected:
        if name not in counts.index:
            yield f"class {name} was found in no image: correct the class, or leave it out"
    if len(counts) < 2:
        yield (
            f"{len(counts)} class has images, and at least two are needed to judge what is"
            " generated: correct the labels"
        )
    few = counts[counts.sum(axis=1) < least]
    if len(few) and not named:
        yield (
            f"{len(few)} of {len(counts)} classes have fewer than {least} patients: leave these"
            " out (keep: names the others), correct the column of the classes, or lower"
            " min_patients; summary.json of a cohort that has run counts them"
        )
    for name, row in few.iterrows() if named else ():
        yield (
            f"class {name} has {row.sum()} patients, {least} are needed: leave the class out, add"
            " patients, or lower min_patients"
        )
    for name, row in counts[counts.sum(axis=1) >= least].iterrows():
        for split in (TRAIN, TEST):
            if not row[split]:
                yield (
                    f"class {name} has no patient in {split}: change split.test_fraction and"
                    " split.validate_fraction, or the published split, or leave the class out"
                )


def _shown_by_all(summary: Mapping[str, Any]) -> Iterator[str]:
    """Findings that all images of a split show: as little can be learnt of them as of none."""
    images = pd.DataFrame(summary["by_label_split"]).groupby("split")["items"].sum()
    found: dict[str, list[str]] = {}
    for cell in summary.get("by_finding_split", []):
        if cell["split"] in (TRAIN, TEST) and cell["items"] == images[cell["split"]]:
            found.setdefault(cell["label"], []).append(cell["split"])
    for name, splits in found.items():
        yield (
            f"finding {name} is shown by all images in {' and '.join(sorted(splits)[::-1])}, and"
            " nothing can be learnt of it: add images without it, or leave the finding out"
        )


def _empty_splits(counts: pd.DataFrame) -> Iterator[str]:
    for split in SPLITS:
        if not counts[split].sum():
            yield (
                f"no patient is in {split}: raise split.{split}_fraction, or add patients"
                if split != TRAIN
                else "no patient is in train: lower split.test_fraction and split.validate_fraction"
            )


def _table(counts: pd.DataFrame) -> Iterator[str]:
    width = max([len("patients"), *(len(str(name)) for name in counts.index)])
    yield "".join([f"{'patients':{width}}", *(f"{split:>10}" for split in SPLITS)])
    for name, row in counts.iterrows():
        yield "".join([f"{name:{width}}", *(f"{row[split]:10d}" for split in SPLITS)])
