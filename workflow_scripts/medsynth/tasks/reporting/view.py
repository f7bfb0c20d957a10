"""Generated reports on the page: beside image and true report, and against those without a model.

The texts are as they were learned: without identifiers and words of few patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from medsynth.tasks.reporting.verdict import verdict
from medsynth.tasks.viewing.comparison import Figures, compared_view
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.metric_tables import SMALL, by_class, no_evidence
from medsynth.tasks.viewing.numbers import number
from medsynth.tasks.viewing.strips import evenly_spread, tile
from medsynth.tasks.viewing.templates import render
from medsynth.text.labeler import DENIED, label_report

METRICS = {
    "finding_f1_macro": (
        "Finding F1, mean",
        "whether a report states the findings of the true one, as a rule labeler reads both: F1,"
        " the mean of the findings",
    ),
    "finding_f1_micro": ("Finding F1, all", "the same of all findings taken together"),
    "rouge_l": ("ROUGE-L", "words that both reports have in the same order, as F1"),
    "bleu": ("BLEU-4", "runs of one to four words that the true reports have, too"),
    "labeler_f1": (
        "Labeler's own F1",
        "how well the rule labeler reads the cohort's labels out of the true reports, beside words"
        " alone, whatever is said of them: no finding F1 is more certain",
    ),
    "finding_f1": ("Finding F1", "whether a report states the finding where the true one does"),
}
CITED = {"rouge_l": "lin2004", "bleu": "papineni2002", "finding_f1_macro": "irvin2019"}
REFERENCES = Path(__file__).with_name("references.bib")
SHOWN = 8  # images of an experiment


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All experiments that describe the images of a cohort."""
    compared = compared_view(
        cohort,
        experiments,
        Figures(METRICS, list(METRICS), CITED, REFERENCES),
        "tasks/reporting/metrics.html",
        lambda e: verdict(e, experiments, METRICS),
        _warnings,
        parts=lambda e: {"systems": _systems(e), "by_class": _by_finding(e)},
    )
    return replace(compared, pictures=_pictures(cohort, experiments))


def _warnings(experiment: ShownExperiment) -> list[str]:
    results = experiment.results
    n, different = results["n_real"], results["different"]
    found = [
        f"{different['generated']:,} different reports were written for {n:,} images, whose true"
        f" ones are {different['real']:,} different ones."
    ]
    if n < SMALL:
        found.append(no_evidence(f"{n:,} reports are compared"))
    if own := results["metrics"].get("labeler_f1"):
        words = number(own["null"]["words alone"])
        found.append(
            "The rule labeler reads the labels of this cohort out of the true reports with an F1"
            f" of {number(own['value'])}; words alone, whatever is said of them, reach {words}."
        )
    else:
        found.append(
            "The labels of this cohort are no findings of the rule labeler: how well it reads these"
            " reports is not known."
        )
    if cut := results["without_end"]:
        found.append(f"{cut:,} reports came to no end within the longest length of a text.")
    return found


def _by_finding(experiment: ShownExperiment) -> dict[str, Any] | None:
    """The F1 of each finding, with how many true reports state it."""
    per_class = experiment.results["per_class"]
    counts = {name: each["finding_f1"]["support"] for name, each in per_class.items()}
    return by_class({f"{n} ({counts[n]:,})": each for n, each in per_class.items()}, METRICS)


def _systems(experiment: ShownExperiment) -> list[tuple[str, list[str]]]:
    """A row for the model, for each baseline and for the ceiling: what each reaches."""
    metrics = {n: m for n, m in experiment.results["metrics"].items() if n != "labeler_f1"}
    shown = [(experiment.name, {n: m["value"] for n, m in metrics.items()})]
    for name in next(iter(metrics.values()))["null"]:
        shown.append((name, {n: m["null"][name] for n, m in metrics.items()}))
    ceiling = experiment.results["ceiling"]
    if ceiling["n"]:
        same = f"another's true report with the same findings ({ceiling['n']:,})"
        shown.append((same, ceiling))
    names = [n for n in METRICS if n in metrics]
    return [
        (who, [number(values[n]) if n in values else "" for n in names]) for who, values in shown
    ]


def _pictures(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> Markup:
    """Some images, spread over the classes, with the true report and the generated one of each."""
    store = cohort.images
    position = pd.Series(np.arange(len(store)), index=store.manifest["item_id"])
    blocks = []
    for experiment in experiments:
        table = experiment.table
        assert table is not None  # the task makes one
        places = position[table["source_item"]].to_numpy()
        labels = store.manifest["label"].iloc[places].fillna("").to_numpy(dtype=str)
        order = np.argsort(labels, kind="stable")
        chosen = order[evenly_spread(len(order), SHOWN)]
        rows = [
            {
                "image": tile(store.read([places[k]])[0]),
                "label": labels[k],
                "true": _said(table["reference"].iloc[k]),
                "made": _said(table["text"].iloc[k]),
            }
            for k in chosen
        ]
        blocks.append({"name": experiment.name, "rows": rows, "n": len(table)})
    return render("tasks/reporting/pictures.html", blocks=blocks)


def _said(text: str) -> dict[str, Any]:
    found = label_report(text)
    return {"text": text, "findings": [n for n, status in found.items() if status != DENIED]}
