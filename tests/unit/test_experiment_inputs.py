"""Experiments that rest on others: what may be named, in which order, and with whose patients."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar, Literal

import pandas as pd
import pytest
import torch
import yaml
from pydantic import Field
from test_experiment_files import DEMO

import train_model
from medsynth.cohorts.overlap import training_patients
from medsynth.config import loading
from medsynth.config.checks import consistency
from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.experiment_inputs import classifiers, in_order, input_mistakes
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.config.schema import Config
from medsynth.models import families
from medsynth.models.classifier.settings import ClassifierExperiment, ClassifierTraining
from medsynth.models.settings import FamilyExperiment, Inputs, Sampling, Takes
from medsynth.runtime.settings import Loop, Name
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.manifests import manifest
from medsynth.store.models import InputError, files_of, load_model, named_inputs, save_model
from medsynth.store.tables.parquet import write_table


class ToyInputs(Inputs):
    guide: Annotated[Name | None, Takes(tasks=("classification",))] = None
    below: Annotated[Name | None, Takes(families=("toy",))] = None
    begin: Annotated[Name | None, Takes(other_cohorts=True)] = None


class ToyExperiment(FamilyExperiment):
    task: ClassVar = "generation"
    folder: ClassVar = "medsynth.models.ddpm"

    family: Literal["toy"] = "toy"
    inputs: ToyInputs = ToyInputs()
    train: Loop = Loop()
    sample: Sampling = Sampling()


class TunedClassifier(ClassifierExperiment):
    """An implied experiment that rests on one of the user's."""

    inputs: ToyInputs = ToyInputs()


def toys(**inputs: dict[str, str]) -> dict[str, FamilyExperiment]:
    return {n: ToyExperiment(name=n, cohort="cxr", inputs=of) for n, of in inputs.items()}


def told(experiments: dict[str, FamilyExperiment], others: set[str] = frozenset()) -> list[str]:
    return [str(mistake) for mistake in input_mistakes(experiments, others)]


COHORTS = parse_config(DEMO).cohorts
IMPLIED = classifiers(COHORTS, ClassifierTraining())


def test_each_cohort_of_classes_implies_a_classifier():
    assert list(IMPLIED) == ["cxr_classifier", "glioma_classifier"]


@pytest.mark.parametrize(
    ("inputs", "mistake"),
    [
        ({}, None),
        ({"guide": "cxr_classifier", "below": "b", "begin": "glioma_classifier"}, None),
        ({"begin": "wrong"}, None),  # its own mistakes are told
        ({"guide": "c"}, "experiments.a.inputs.guide: no experiment 'c'; there are: b, cxr_"),
        ({"guide": "ct_classifier"}, "experiments.a.inputs.guide: no experiment 'ct_classifier'"),
        ({"guide": "b"}, "a.inputs.guide: b is for generation; this takes one for classification"),
        ({"below": "cxr_classifier"}, "cxr_classifier is of family classifier; this takes toy"),
        ({"guide": "glioma_classifier"}, "glioma_classifier is trained on the cohort glioma;"),
        ({"below": "a"}, "experiments: their inputs go in a circle: a → a; take one"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(inputs, mistake):
    found = told(IMPLIED | toys(a=inputs, b={}), {"wrong"})
    assert len(found) == (mistake is not None)
    assert mistake is None or mistake in found[0]


def test_a_circle_is_printed_from_each_to_what_it_rests_on():
    circle = toys(c={"below": "b"}, a={"begin": "c"}, b={"below": "a"}, d={"below": "a"})
    assert "a → c → b → a;" in told(circle)[0]


def test_a_circle_through_an_implied_classifier_is_found():
    tuned = TunedClassifier(name="cxr_classifier", cohort="cxr", inputs={"begin": "a"})
    circle = {"cxr_classifier": tuned} | toys(a={"guide": "cxr_classifier"})
    assert "circle: a → cxr_classifier → a;" in told(circle)[0]


def test_what_others_rest_on_comes_first_and_else_nothing_moves():
    assert in_order(toys(b={}, a={}, d={"below": "c"}, c={})) == ["b", "a", "c", "d"]
    assert list(ExperimentFiles(parse_config(DEMO), Layout("r")).experiments) == [
        "cxr_classifier",
        "glioma_classifier",
        *(e["name"] for e in DEMO["experiments"]),
    ]


@pytest.fixture
def with_toys(monkeypatch) -> dict[str, Any]:
    """The demo's configuration, in which the family toy may be named, with an experiment of it."""
    kind = Annotated[families.Family | ToyExperiment, Field(discriminator="family")]
    monkeypatch.setattr(consistency, "Experiment", kind)
    monkeypatch.setitem(families.FAMILY, "toy", ToyExperiment)

    class WithToys(Config):
        experiments: list[kind] = []

    monkeypatch.setattr(loading, "Config", WithToys)
    raw = yaml.safe_load(yaml.safe_dump(DEMO))
    toy = {"name": "toy", "family": "toy", "cohort": "cxr", "inputs": {"begin": "glioma_ddpm"}}
    raw["experiments"].append(toy)
    return raw


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("toy", {"gide": "cxr_ddpm"}, r"experiments.toy.inputs.gide: .*unknown key"),
        ("toy", {"guide": "cxr_dppm"}, r"experiments.toy.inputs.guide: no experiment 'cxr_dppm'"),
        ("toy", {"below": "toy"}, "toy → toy"),
        ("ct_cyclegan", {"guide": "toy"}, r"experiments.ct_cyclegan.inputs: .*unknown key"),
    ],
)  # fmt: skip
def test_the_configuration_tells_it_before_anything_runs(with_toys, name, inputs, told):
    parse_config(with_toys)
    next(e for e in with_toys["experiments"] if e["name"] == name)["inputs"] = inputs
    with pytest.raises(ConfigError, match=told):
        parse_config(with_toys)


def test_inputs_of_inputs_are_files_and_code_of_an_experiment(with_toys):
    with_toys["experiments"] = [
        {"name": "top", "family": "toy", "cohort": "cxr", "inputs": {"below": "toy"}},
        {"name": "toy", "family": "toy", "cohort": "cxr", "inputs": {"begin": "glioma_classifier"}},
        {"name": "ct_cyclegan", "family": "cyclegan", "cohort": "ct"},
    ]
    files = ExperimentFiles(parse_config(with_toys), Layout("r"))
    names = ["cxr_classifier", "glioma_classifier", "ct_cyclegan", "toy", "top"]
    assert list(files.experiments) == names  # glioma's judges nothing, but is asked for
    # The page takes experiments and what they made from two lists side by side.
    made = [(e["name"], e["makes"]) for e in files.shown()]
    folders = [f"r/experiments/{name}" for name, makes in made if ".h5" in makes]
    assert [path.rpartition("/")[0] for path in files.all_made(".h5")] == folders
    assert files.inputs("top") == {"below": "toy"}
    assert files.inputs_of_all("top") == ["toy", "glioma_classifier"]
    kinds = ("model.safetensors", "model.json", "people.parquet")
    assert files.input_files("top") == [
        f"r/experiments/{name}/{kind}" for name in ("toy", "glioma_classifier") for kind in kinds
    ]
    assert files.code("top", "training", "data")[2:] == [
        "medsynth.models.classifier.extraction",
        "medsynth.models.ddpm.sampling",
    ]
    assert files.code("top", None, "evaluation") == files.modules("top", None, "evaluation")
    assert files.input_files("ct_cyclegan") == []


def saved(folder, name, value, **inputs) -> SimpleNamespace:
    """A model in its folder, with the inputs that its card names."""
    weights, card = (folder / name / part for part in ("model.safetensors", "model.json"))
    weights.parent.mkdir()
    named = {"inputs": named_inputs(weights, inputs)} if inputs else {}
    save_model({"w": torch.tensor([value])}, {"family": "toy"} | named, weights, card)
    return SimpleNamespace(weights=weights, card=card, people=weights.parent / "people.parquet")


def test_a_model_is_loaded_with_what_it_rests_on(tmp_path):
    saved(tmp_path, "c", 3.0)
    saved(tmp_path, "b", 2.0, begin="c")
    a = saved(tmp_path, "a", 1.0, below="b", begin="c")
    model = load_model(a.weights, a.card)
    assert model.inputs["below"].inputs["begin"].state["w"].item() == 3.0
    assert [file.parent.name for file in files_of(a.weights, a.card)] == list("aabbcc")


def test_a_model_whose_input_is_gone_or_another_is_not_used(tmp_path):
    b = saved(tmp_path, "b", 2.0)
    a = saved(tmp_path, "a", 1.0, begin="b")
    save_model({"w": torch.tensor([5.0])}, {}, b.weights, b.card)
    with pytest.raises(InputError, match=r"b/model\S+: \S+a/model\S+ was trained with another"):
        load_model(a.weights, a.card)
    shutil.rmtree(b.weights.parent)
    with pytest.raises(InputError, match=r"rests on \S+b/model.safetensors, which is not there"):
        load_model(a.weights, a.card)


def rows(*items):
    keys = ("patient", "source_sha256", "split")
    return manifest([dict(zip(keys, item, strict=True)) | {"status": "used"} for item in items])


def test_the_people_of_inputs_count_as_trained_on(tmp_path):
    b = saved(tmp_path, "b", 2.0)
    table = tmp_path / "manifest.parquet"
    write_table(rows(("p", "1", "train"), ("q", "2", "test"), ("v", "3", "validate")), table)
    named = named_inputs(tmp_path / "a" / "model.safetensors", {"begin": "b"})
    outputs = SimpleNamespace(people=tmp_path / "a" / "people.parquet")
    inputs = SimpleNamespace(manifest=table)

    def took_part(trained, chose):
        chosen = rows((chose, "8", "validate"))
        write_table(
            training_patients(rows((trained, "9", "train")), digest_file(b.weights), (), chosen),
            b.people,
        )

    took_part("x", "v")  # here and there
    below = train_model.people_of_inputs(inputs, outputs, named)
    people = training_patients(rows(("p", "1", "train")), "m", below)
    expected = {
        "patient": ["p", "v", "x"],
        "source_sha256": ["1", "8", "9"],
        "split": ["train", "validate", "train"],
        "model_sha256": ["m"] * 3,
    }
    pd.testing.assert_frame_equal(people, pd.DataFrame(expected), check_dtype=False)

    for trained, chose, split in (("q", "x", "test"), ("x", "q", "test"), ("v", "x", "validate")):
        took_part(trained, chose)
        said = f"1 patients and 0 images of the {split} split had a part in b"
        with pytest.raises(MedsynthError, match=said):
            train_model.people_of_inputs(inputs, outputs, named)
