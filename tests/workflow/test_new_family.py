"""A family is added by one folder and one line: nothing else is edited, no other model redone.

Its experiment rests on a model of another family and another cohort.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient

from tests.checkout import Checkout
from tests.workflow.test_demo import rerun_rules

SETTINGS = """
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from medsynth.models.settings import FamilyExperiment, Inputs, Sampling, Takes
from medsynth.runtime.settings import Loop, Name


class ToyInputs(Inputs):
    begin: Annotated[Name, Takes(other_cohorts=True)] = Field(description="any model")


class ToyExperiment(FamilyExperiment):
    task: ClassVar = "generation"
    folder: ClassVar = "medsynth.models.toy"

    family: Literal["toy"] = Field(description="the mean of some images of a class, and noise")
    inputs: ToyInputs = Field(description="the model that its card tells the family of")
    train: Loop = Field(Loop(), description="training")
    sample: Sampling = Field(Sampling(), description="images to generate")
"""
TRAINING = """
import torch

from medsynth.models.contract import Trained
from medsynth.runtime.loop import run_steps
from medsynth.runtime.seeding import batch_positions
from medsynth.runtime.settings import Loop
from medsynth.runtime.tensors import to_network

SETTINGS = Loop


def train(data, settings, run):
    shape = data.images.read([0]).shape[1:]
    net = torch.nn.Embedding(len(data.classes), shape[0] * shape[1] * shape[2])
    torch.nn.init.zeros_(net.weight)
    optimizer = torch.optim.SGD(net.parameters(), settings.lr)

    def step(i):
        chosen = batch_positions(len(data.images), settings.batch, run.seed, i)
        x = to_network(data.images.read(chosen)).flatten(1)
        loss = ((net(torch.from_numpy(data.labels[chosen])) - x) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item()}

    state = {"net": net, "optimizer": optimizer}
    history = run_steps(step, state=state, settings=settings, work=run.work)
    begin = data.models["begin"].card["family"]
    card = {"family": "toy", "begin": begin, "classes": data.classes, "shape": list(shape)}
    return Trained(net.state_dict(), card, history)
"""
SAMPLING = """
import torch

from medsynth.models.settings import Sampling
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8

SETTINGS = Sampling


def generate(model, request, settings, run):
    assert model.inputs["begin"].card["family"] == model.card["begin"]
    height, width, channels = model.card["shape"]
    generators = sample_generators(request["label"], request["number"], run.seed)
    for label, own in zip(request["label"], generators):
        k = model.card["classes"].index(label)
        x = model.state["weight"][k].reshape(1, channels, height, width)
        yield to_uint8(x + 0.1 * torch.randn(x.shape, generator=own))
"""


@pytest.fixture
def grown(copy) -> Checkout:
    """The finished tiny demo with one more family."""
    models = copy.folder / "workflow_scripts" / "medsynth" / "models"
    (models / "toy").mkdir()
    modules = {"__init__": "", "settings": SETTINGS, "training": TRAINING, "sampling": SAMPLING}
    for name, text in modules.items():
        (models / "toy" / f"{name}.py").write_text(text)
    table = (models / "families.py").read_text()
    line = "from medsynth.models.toy.settings import ToyExperiment\n"
    table = table.replace("\nFamily = ", f"{line}\nFamily = ToyExperiment | ")
    (models / "families.py").write_text(table)
    return copy


def test_a_family_of_one_folder_and_one_line_goes_all_the_way_and_reruns_nothing(grown):
    assert rerun_rules(grown) == {"build_report": 1, "all": 1}

    config = yaml.safe_load((grown.folder / "tiny.yaml").read_text())
    train = {"steps": 20, "batch": 8, "lr": 10.0, "checkpoint_every": 20}
    own = {"name": "glioma_toy", "family": "toy", "cohort": "glioma", "train": train}
    own |= {"sample": {"per_class": 8}, "inputs": {"begin": "cxr_ddpm"}}
    config["experiments"].append(own)
    (grown.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    rules = ("train_model", "sample_model", "check_evaluation", "evaluate_model", "write_singles")
    assert rerun_rules(grown) == dict.fromkeys((*rules, "build_report", "all"), 1)

    grown.snakemake()
    results = grown.folder / "results"
    judged = json.loads((results / "experiments" / "glioma_toy" / "metrics.json").read_text())
    assert (judged["family"], judged["n_generated"]) == ("toy", 8 * len(judged["mix"]))
    assert "glioma_toy" in (results / "report" / "index.html").read_text()
    client = MlflowClient(f"sqlite:///{results}/lineage/mlflow.db")
    study = client.get_experiment_by_name("medsynth-test").experiment_id
    runs = client.search_runs([study], max_results=1000)
    assert any("glioma_toy" in json.dumps(run.data.params | run.data.tags) for run in runs)

    card = json.loads((results / "experiments" / "glioma_toy" / "model.json").read_text())
    assert (card["begin"], card["inputs"]["begin"]["experiment"]) == ("ddpm", "cxr_ddpm")
    people = {
        name: set(pd.read_parquet(results / "experiments" / name / "people.parquet")["patient"])
        for name in ("glioma_toy", "glioma_ddpm", "cxr_ddpm")
    }
    assert people["glioma_toy"] == people["glioma_ddpm"] | people["cxr_ddpm"]
    listed = pd.read_parquet(results / "experiments" / "cxr_ddpm" / "people.parquet")
    somebody = listed.loc[listed["split"] == "validate", "patient"].min()  # only chose the step
    withdrawn = json.loads(grown.medsynth("impact", somebody, "--json").stdout)
    touched = {entry["path"] for entry in (*withdrawn["destroy"], *withdrawn["redo"])}
    own = {f"results/experiments/glioma_toy/{n}" for n in ("model.safetensors", "samples.h5")}
    assert own <= touched
    # Its card goes with the page, which tells of all.
    assert {path for path in touched if "glioma_ddpm" in path} == {
        f"results/experiments/glioma_ddpm/model_card.{form}" for form in ("json", "md")
    }

    sampler = grown.folder / "workflow_scripts" / "medsynth" / "models" / "ddpm" / "sampling.py"
    sampler.write_text(sampler.read_text() + "\nEDITED = True\n")
    assert rerun_rules(grown)["train_model"] == 1
