"""A model card for every experiment (Mitchell et al. 2019), as JSON and as Markdown.

Every statement is read from an artifact of the study or holds for every model of medsynth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from medsynth.metrics.baselines import without_baseline
from medsynth.report.study import ExperimentArtifacts, Study
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TEST
from medsynth.tasks.viewing.numbers import patients
from medsynth.tasks.viewing.templates import render

INTENDED = (
    "Research on generative models of medical images, and on methods that are fed with their"
    " images beside real ones.",
)
NOT_INTENDED = (
    "Diagnosis, treatment or any other decision about a person: what it makes shows nobody.",
    "Replacing real images in the evaluation of a diagnostic method.",
)
ALWAYS = (
    "The figures hold for the held-out patients of this cohort; other scanners, stains and"
    " populations were not looked at.",
    "No figure here shows that training images are not reproduced: weights and images fall under"
    " the terms of the data that they were made from.",
)
DEMO = "The raw files were made by the workflow itself: the model says nothing about patients."


class ModelCard(NamedTuple):
    """The two forms of a card: for people, Markdown, and for programs."""

    text: str
    data: dict[str, Any]


def cards_of(
    study: Study,
    *,
    config_dump: Mapping[str, Any],
    versions: Mapping[str, str],
    families: Mapping[str, Iterable[str]],
    cache: DigestCache | None = None,
) -> dict[str, ModelCard]:
    """The cards of all experiments.

    Args:
        config_dump: the whole configuration as JSON values.
        versions: of the software, by package.
        families: BibTeX keys of what each implements.
    """
    sections = {section["name"]: section for section in study.sections}
    cards = {}
    for experiment in study.experiments:
        section = sections[experiment.cohort]
        card = {
            "model": _model(experiment, config_dump, cache),
            "methods": list(families[experiment.family]),
            "intended_use": list(INTENDED),
            "not_intended": list(NOT_INTENDED),
            "training_data": _training(study, experiment, section),
            "evaluation": _evaluation(study, experiment, section),
            "limits": [*([DEMO] if config_dump.get("demo") else []), *ALWAYS],
            "software": dict(versions),
        }
        cards[experiment.name] = ModelCard(render("report/paper/model_card.md", card=card), card)
    return cards


def _model(
    experiment: ExperimentArtifacts, config_dump: Mapping[str, Any], cache: DigestCache | None
) -> dict[str, Any]:
    listed = {e["name"]: e for e in config_dump.get("experiments") or []}
    settings = listed.get(experiment.name, {"train": config_dump.get("classifier")})
    return {
        "name": experiment.name,
        "family": experiment.family,
        "task": experiment.task,
        "weights_sha256": digest_file(experiment.model, cache),
        "weights_bytes": experiment.model.stat().st_size,
        "network": _network(experiment),
        "settings": {k: v for k, v in settings.items() if k not in ("name", "family", "cohort")},
        "seed": config_dump["seed"],
    }


def _network(experiment: ExperimentArtifacts) -> dict[str, Any]:
    """What tells how to build it; a tokenizer's thousands of words stand beside the weights."""
    card: dict[str, Any] = json.loads(experiment.card.read_text())
    return {key: value for key, value in card.items() if key != "tokenizer"}


def _training(
    study: Study, experiment: ExperimentArtifacts, section: Mapping[str, Any]
) -> dict[str, Any]:
    split, folds = section["splits"][0], study.results[experiment.name].get("folds")
    gate = section["leakage"]["ok"]
    trained = patients(study.trained_on[experiment.name])
    whom = f"Trained on {trained} of the training split of cohort {section['name']}. "
    if folds:
        whom = (
            f"{folds} models, one a fold, trained on {trained} of cohort {section['name']}, each on"
            " those of other folds than it is tested on. "
        )
    return {
        "cohort": section["name"],
        "kind": section["summary"]["kind"],
        "items": section["words"].items,
        "patients": study.trained_on[experiment.name],
        "choice": study.choices[experiment.name],
        "of_the_split": {
            "split": split["split"],
            "patients": split["patients"],
            "items": split["items"],
            "items_by_class": {label: cell["items"] for label, cell in split["cells"].items()},
        },
        "statement": (
            whom
            + (
                "No patient and no image stands in two splits."
                if gate
                else "The gate found patients or images in two splits."
            )
        ),
    }


def _evaluation(
    study: Study, experiment: ExperimentArtifacts, section: Mapping[str, Any]
) -> dict[str, Any]:
    verdicts = {f.experiment: f.verdict for f in study.findings}
    verdict = verdicts.get(experiment.name)
    results = study.results[experiment.name]
    return {
        "split": results["split"] if "folds" in results else TEST,
        "patients": results["n_real"] if "folds" in results else section["splits"][-1]["patients"],
        "verdict": verdict and {"grade": verdict.grade, "text": verdict.text},
        "results": results,
        "without_baseline": without_baseline(results["metrics"]),
    }
