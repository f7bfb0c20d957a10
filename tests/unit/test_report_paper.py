"""Model cards and the methods section say what the artifacts say, and cite what they use."""

from __future__ import annotations

import json
import re

import pytest
from report_study import SECRET, make_study

from medsynth.config.references import references_of
from medsynth.report.paper.methods import methods_of
from medsynth.report.paper.model_cards import DEMO, cards_of
from medsynth.report.study import Study, gather
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.tasks.viewing.citations import parsed

FAMILIES = ("ddpm", "progan", "cyclegan", "classifier")
VERSIONS = {"medsynth": "1.2.3", "snakemake": "9.0", "torch": "2.0"}


def sources_of(room: str, names) -> dict:
    return {name: parsed(references_of(f"medsynth.{room}.{name}"), name) for name in names}


def settings(demo=None) -> dict:
    experiments = [{"name": "ddpm_cxr", "family": "ddpm", "cohort": "cxr", "train": {"steps": 7}}]
    return {"seed": 5, "demo": demo, "classifier": {"steps": 3}, "experiments": experiments}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return gather(*make_study(tmp_path_factory.mktemp("study")))


@pytest.fixture(scope="module")
def cards(study) -> dict:
    families = sources_of("models", FAMILIES)
    return cards_of(study, config_dump=settings(), versions=VERSIONS, families=families)


def methods(study, demo=None) -> tuple[str, str]:
    return methods_of(
        study,
        title="a <study>",
        config_dump=settings(demo),
        versions=VERSIONS,
        families=sources_of("models", FAMILIES),
        kinds=sources_of("cohorts", ("mimic_cxr", "slides", "ct")),
    )


def test_a_card_holds_what_the_artifacts_say(study, cards):
    assert list(cards) == [e.name for e in study.experiments]
    for experiment in study.experiments:
        data = cards[experiment.name].data
        assert data["model"]["weights_sha256"] == digest_file(experiment.model)
        assert data["model"]["network"] == json.loads(experiment.card.read_text())
        assert data["evaluation"]["results"] == json.loads(experiment.metrics.read_text())
        assert data["training_data"]["patients"] == 7
        assert data["training_data"]["of_the_split"]["items"] == 42
    assert cards["ddpm_cxr"].data["model"]["settings"] == {"train": {"steps": 7}}
    assert cards["cxr_classifier"].data["model"]["settings"] == {"train": {"steps": 3}}
    assert cards["cxr_classifier"].data["evaluation"]["verdict"] is None
    (verdict,) = [f.verdict for f in study.findings if f.experiment == "ddpm_cxr"]
    assert cards["ddpm_cxr"].data["evaluation"]["verdict"]["text"] == verdict.text


def test_a_card_is_read_by_people(cards):
    text = cards["ddpm_cxr"].text
    assert "| fid | 12.35 | 9.1 to 16.2 | 2.1 | 20 | 60 | — | lower |" in text
    assert "- kid: no baseline: what noise or guessing reaches is not known" in text
    assert "no baseline" not in cards["cyclegan_ct"].text  # beside what doing nothing reaches
    assert "- recall: 3 images against 3, more than 3 are needed" in text
    assert "Trained on 7 patients of the training split of cohort cxr." in text
    assert "\n- AP: 24\n- PA: 18\n" in text and "- medsynth 1.2.3\n" in text
    assert "&" not in text  # nothing is escaped as in HTML


def test_a_failed_gate_and_demonstration_data_are_said(tmp_path):
    cohorts, experiments = make_study(tmp_path)
    write_json({"patients_in_two_splits": 2, "items_twice": 0, "ok": False}, cohorts[0].leakage)
    study = gather(cohorts[:1], [e for e in experiments if e.name == "ddpm_cxr"])
    families = sources_of("models", FAMILIES)
    cards = cards_of(study, config_dump=settings({"seed": 1}), versions={}, families=families)
    data = cards["ddpm_cxr"].data
    assert "The gate found patients or images in two splits" in data["training_data"]["statement"]
    assert data["limits"][0] == DEMO
    text, _ = methods(study, demo={"seed": 1})
    assert "the gate found 2 patients and 0 images in two splits" in text
    assert "made by the workflow itself" in text


def test_methods_count_and_cite(study):
    text, references = methods(study)
    assert "72 radiographs of 12 patients in 2 classes were used [@johnson2019]." in text
    assert "30 JPEG files (excluded: view lateral)" in text
    assert "7 (42 radiographs) to train, 2 (12 radiographs) to validate, 3 (18 radiographs)" in text
    assert "**progan_glioma.** A model of the family progan [@karras2018; " in text
    assert "a <study>" in text and "\n\n**ddpm_glioma.**" in text
    cited, given = set(re.findall(r"@(\w+)", text)), set(parsed(references, "references.bib"))
    assert cited == given and len(given) > 10


def test_nobody_is_named_and_the_same_study_gives_the_same_text(study, cards):
    assert SECRET not in "".join(methods(study))
    assert all(SECRET not in card.text + json.dumps(card.data) for card in cards.values())
    assert methods(study) == methods(study)
