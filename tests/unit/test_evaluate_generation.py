"""The evaluation that judges generated images, on a cohort of a few files."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from medsynth.lineage.mlflow.measurements import numbers
from medsynth.metrics.classification import held_out_metrics
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier.network import Classifier
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import model_card
from medsynth.runtime.run import Run
from medsynth.store.atomic import write_json
from medsynth.store.generated import write_samples
from medsynth.store.manifests import manifest
from medsynth.store.models import save_model
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table
from medsynth.tasks.generation.evaluation import evaluate

CLASSES = ["ap", "pa"]
FIGURES = ("fid", "sfid", "kid", "precision", "recall", "density", "coverage")
SETTINGS = Evaluation(kid_subsets=4, kid_subset_size=5, bootstrap=10)


def cohort(folder: Path, n_test: int, rng: np.random.Generator) -> None:
    """One image of 30 training patients each, and ten of every test patient."""
    rows = [{"split": "train", "patient": f"a{i}"} for i in range(30)]
    rows += [{"split": "test", "patient": f"b{i // 10}"} for i in range(n_test)]
    with ShardWriter(folder / "0.h5", {"made_from": "test"}) as shard:
        for i, row in enumerate(rows):
            image = rng.integers(60, 200, (8, 8, 1)).astype(np.uint8)
            row |= {"item_id": str(i), "label": CLASSES[i % 2], "shard": 0, "status": "used"}
            row["row"] = shard.append(image, row["item_id"])
    write_table(manifest(rows), folder / "manifest.parquet")


def judge(folder: Path, n_test: int, n_generated: int) -> dict:
    """metrics.json of `n_generated` images a class against `n_test` held-out ones."""
    rng = np.random.default_rng(0)
    cohort(folder, n_test, rng)
    torch.manual_seed(0)
    settings = ClassifierTraining(channels=4, features=4)
    card = model_card(settings, CLASSES, image_channels=1, image_size=8)
    weights, card_path = folder / "model.safetensors", folder / "model.json"
    save_model(Classifier(8, 1, 2, 4, 4).state_dict(), card, weights, card_path)
    truth = np.arange(n_test) % 2
    accuracy = held_out_metrics(np.eye(2)[truth], truth, np.arange(n_test), CLASSES)
    write_json(accuracy, folder / "judge.json")
    made = rng.integers(60, 200, (2 * n_generated, 8, 8, 1)).astype(np.uint8)
    asked = list(np.repeat(CLASSES, n_generated))
    images, table = folder / "samples.h5", folder / "samples.parquet"
    write_samples(made, asked, images, table, seed=1, model_sha256="ab", extra={})
    inputs = SimpleNamespace(
        weights=weights,
        card=card_path,
        manifest=folder / "manifest.parquet",
        shards=[folder / "0.h5"],
        judge=folder / "judge.json",
        images=images,
        table=table,
    )
    identity = {"experiment": "e", "cohort": "c", "family": "ddpm"}
    found = evaluate(inputs, SETTINGS.model_dump(), identity, Run(1, "cpu"))
    write_json(found, folder / "metrics.json")
    return json.loads((folder / "metrics.json").read_text())


def test_every_figure_stands_beside_its_floor_and_nulls_of_the_same_number(tmp_path: Path):
    found = judge(tmp_path, n_test=20, n_generated=12)
    assert (found["split"], found["floor_split"]) == ("test", "train")
    assert (found["n_real"], found["n_generated"], found["n"]) == (20, 24, 20)
    assert found["mix"] == {"ap": 10, "pa": 10}
    for name in (*FIGURES, "inception_score"):
        assert set(found["metrics"][name]["null"]) == {"noise", "constant"}
        assert found["metrics"][name]["floor"] is not None
    assert found["metrics"]["label_agreement"]["judge"]["chance"] == 0.5
    shown = dict(numbers(found))  # in MLflow
    assert {"fid", "fid.floor", "fid.null.noise", "label_agreement.judge", "n", "mix.ap"} <= set(
        shown
    )
    assert np.isfinite(list(shown.values())).all()


@pytest.mark.parametrize(("n_test", "n_generated"), [(0, 8), (1, 8), (2, 8), (20, 1)])
def test_hardly_an_image_gives_null_with_a_reason(tmp_path: Path, n_test: int, n_generated: int):
    found = judge(tmp_path, n_test, n_generated)
    for name in (*FIGURES, "inception_score"):
        assert found["metrics"][name]["value"] is None and found["metrics"][name]["reason"]
    assert "NaN" not in (tmp_path / "metrics.json").read_text()
