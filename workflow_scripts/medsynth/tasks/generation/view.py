"""Generated images on the page: strips by class, and metrics beside their floor and nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from medsynth.tasks.generation.agreement import agreement_bars
from medsynth.tasks.generation.verdict import verdict
from medsynth.tasks.viewing.comparison import Figures, compared_view
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.metric_tables import by_class, small_numbers
from medsynth.tasks.viewing.strips import class_strips
from medsynth.tasks.viewing.templates import render

METRICS = {
    "fid": ("FID", "Fréchet distance between the features of real and of generated images"),
    "kid": ("KID", "squared maximum mean discrepancy of the features; unbiased for any N"),
    "label_agreement": ("Label agreement", "share the classifier assigns to the class asked for"),
    "label_f1": (
        "Label F1",
        "F1 of the classifier's answers against what was asked for, mean of the classes; real"
        " images are held out, chance is the mean over all ways to shuffle the labels, or prompts"
        " with theirs, among these images",
    ),
    "finding_agreement": (
        "Finding agreement",
        "how often an image asked for with a finding has a higher answer of the classifier for it"
        " than one without (area under the ROC curve, mean of the findings)",
    ),
    "precision": ("Precision", "share of generated images that lie among the real ones"),
    "recall": ("Recall", "share of real images that lie among the generated ones"),
    "density": ("Density", "how many real neighbourhoods a generated image lies in, over k"),
    "coverage": ("Coverage", "share of real images with a generated one in their neighbourhood"),
    "sfid": (
        "sFID",
        "Fréchet distance between maps that know where something lies: 7 channels of the"
        " classifier's last block, not pooled",
    ),
    "pair_ssim": (
        "Pair SSIM",
        "structural similarity of random pairs of a class, beside that of real images of two"
        " patients; more than that: the model lacks variety",
    ),
    "inception_score": (
        "Inception score",
        "answers of the classifier are sure and diverse; one split of all N images, the real ones"
        " are held out",
    ),
    "restored_fid": (
        "FID, restored",
        "of held-out real images that the model was shown at low resolution, and enlarged",
    ),
    "restored_psnr_db": (
        "PSNR (dB), restored",
        "peak signal-to-noise ratio of these against the real images; favours what is blurred",
    ),
    "restored_ssim": ("SSIM, restored", "structural similarity of these with the real images"),
    "restored_mae": ("MAE, restored", "mean absolute error of these, as a share of the range"),
}
CITED = {
    "fid": "heusel2017",
    "sfid": "nash2021",
    "kid": "binkowski2018",
    "label_agreement": "shmelkov2018",
    "precision": "kynkaanniemi2019",
    "recall": "kynkaanniemi2019",
    "density": "naeem2020",
    "coverage": "naeem2020",
    "pair_ssim": "odena2017",
    "inception_score": "salimans2016",
    "restored_ssim": "wang2004",
    "finding_agreement": "hanley1982",
    "label_f1": "vanrijsbergen1979",
}
REFERENCES = Path(__file__).with_name("references.bib")
FID_STABLE = 10_000


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All experiments that generate images of a cohort's classes."""
    compared = compared_view(
        cohort,
        experiments,
        Figures(METRICS, list(METRICS), CITED, REFERENCES),
        "tasks/generation/metrics.html",
        lambda e: verdict(e, experiments, METRICS),
        lambda e: warnings_of(e.results),
        parts=lambda e: {"by_finding": by_class(e.results.get("per_finding", {}), METRICS)},
        agreement=_agreement(experiments),
    )
    note = render("tasks/generation/note.html")
    return replace(compared, pictures=class_strips(cohort, experiments), note=note)


def warnings_of(results: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the numbers of one metrics.json."""
    n_real, n_generated = results["n_real"], results.get("n", results["n_generated"])
    found = small_numbers(n_real, n_generated)
    if "fid" in results["metrics"] and min(n_real, n_generated) < FID_STABLE:
        found.append(
            f"FID and sFID are biased upwards below about {FID_STABLE:,} images a side; compare"
            " them with those of the real images beside them, which are biased alike, and only"
            " between experiments with the same N."
        )
    if n := results.get("not_compared", {}).get("images"):
        found.append(
            f"{n:,} held-out images of {results['not_compared']['combinations']:,} combinations of"
            " findings are not compared: no image was generated for these, or none trained on."
        )
    if results["extractor"] is not None:
        found.append(
            "Features come from all layers of this cohort's own classifier, not from Inception;"
            " the values cannot be compared with published ones."
        )
    return found


def _agreement(experiments: Sequence[ShownExperiment]) -> Markup:
    """The label agreement by class of all experiments beside chance."""
    return agreement_bars(
        {
            e.name: {c: m["label_agreement"] for c, m in e.results["per_class"].items()}
            for e in experiments
        }
    )
