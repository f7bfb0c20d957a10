"""Models that others load from MLflow, and that are gone when a patient withdraws."""

from __future__ import annotations

import io
import json
import os

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.exceptions import MlflowException
from mlflow_study import NAME, PlayedStudy
from PIL import Image
from pydantic import ValidationError
from tiny_results import CLASSES, SIZE

import medsynth
from medsynth.commands.lineage import impact
from medsynth.lineage.erasure.searchable import is_prose
from medsynth.lineage.settings import Lineage
from medsynth.store.errors import MedsynthError

REGISTRY = {NAME: {"name": "radiographs", "alias": "champion"}}
PUBLISHED = {"publish_models": True, "registry": REGISTRY}
# Of mlflow, as it is imported and as it loads a model without type hints.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def models(study) -> list:
    client = study.client
    return client.search_logged_models([client.get_experiment_by_name("played").experiment_id])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """First without, then with models to be published."""
    study = PlayedStudy(tmp_path_factory.mktemp("published"))
    study.evaluate(NAME, {"fid": {"value": 2.5}})
    study.collect()
    assert models(study) == []
    study.call(**PUBLISHED)
    study.collect()
    return study


def loaded(study, monkeypatch, uri: str):
    import mlflow
    from mlflow.pyfunc import load_model

    from medsynth.lineage.mlflow.database import database_uri

    monkeypatch.setenv("MLFLOW_TRACKING_URI", database_uri(study.results / "lineage/mlflow.db"))
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    return load_model(uri)


def test_a_published_model_makes_the_very_images(study, monkeypatch):
    (model,) = models(study)
    assert (str(model.status), model.name, model.model_type) == ("READY", NAME, "ddpm")
    served = loaded(study, monkeypatch, "models:/radiographs@champion")
    asked = pd.DataFrame({"label": CLASSES, "n": [3, 1], "seed": [5, 2]})
    made = served.predict(asked, params={"guidance": 0.5})
    assert list(made["request"]) == [0, 0, 0, 1] and list(made["number"]) == [0, 1, 2, 0]
    ours = medsynth.load(study.results / "experiments" / NAME, device="cpu")
    for at, n, seed in ((0, 3, 5), (1, 1, 2)):
        images, _ = ours.sample([CLASSES[at]], n, seed=seed, guidance=0.5)
        pngs = made.loc[made["request"] == at, "png"]
        theirs = [np.asarray(Image.open(io.BytesIO(png))) for png in pngs]
        np.testing.assert_array_equal(np.stack(theirs)[..., None], images)
    by_id = loaded(study, monkeypatch, f"models:/{model.model_id}")
    every = by_id.predict(pd.DataFrame({"seed": [1]}))
    assert list(every["label"]) == CLASSES
    with pytest.raises(MedsynthError, match=r"nothing is asked for.* label, n, seed$"):
        by_id.predict(pd.DataFrame({"prompt": ["x"]}))


def test_it_is_code_and_safetensors_with_signature_example_and_pins(study):
    (model,) = models(study)
    folder = study.results / "lineage/mlartifacts/models" / model.model_id / "artifacts"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert f"artifacts/experiments/{NAME}/model.safetensors" in files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".bin"))]
    said = yaml.safe_load((folder / "MLmodel").read_text())
    assert said["model_id"] == model.model_id and said["signature"]["inputs"]
    assert [column["name"] for column in json.loads(said["signature"]["inputs"])] == [
        *("label", "n", "seed")
    ]
    assert "input_example.json" in files
    pins = (folder / "requirements.txt").read_text().splitlines()
    assert {"torch", "safetensors", "mlflow"} <= {pin.split("==")[0] for pin in pins}
    # Nothing tells where it was made.
    texts = [(folder / name).read_bytes() for name in files if not name.endswith(".safetensors")]
    assert not any(str(study.folder).encode() in text for text in texts)


def test_a_model_that_translates_is_served_and_searchable_too(study, tmp_path):
    from mlflow.pyfunc import load_model

    from medsynth.api.packaging import package

    ours = medsynth.load(study.results / "experiments/ct_cyclegan", device="cpu")
    package(ours, tmp_path / "ct")
    slices = np.arange(2 * SIZE * SIZE).reshape(2, SIZE, SIZE, 1).astype(np.int16)
    theirs = load_model(str(tmp_path / "ct"))
    for direction in ("ct_to_cect", "cect_to_ct"):
        made = theirs.predict(slices, params={"direction": direction})
        np.testing.assert_array_equal(made, ours.translate(slices, direction))
    files = [path for path in (tmp_path / "ct").rglob("*") if path.is_file()]
    assert {p.suffix for p in files if not is_prose(p)} == {".safetensors"}


def test_a_model_that_describes_is_served_and_its_texts_are_marked_as_synthetic(study, tmp_path):
    from mlflow.pyfunc import load_model

    from medsynth.api.packaging import main, signature

    folder = study.results / "experiments/cxr_reports"
    main([str(tmp_path), str(folder), str(study.results / "experiments/cxr_classifier")])
    assert [path.name for path in tmp_path.iterdir()] == ["cxr_reports"]
    ours = medsynth.load(folder, device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 1), np.uint8)
    theirs = load_model(str(tmp_path / "cxr_reports"))
    made = theirs.predict(images, params={"no_repeat": 2})
    texts, ended = ours.describe(images, no_repeat=2)
    assert list(made["text"]) == texts and list(made["ended"]) == list(ended)
    assert made["synthetic"].all()
    assert list(made) == signature(ours).outputs.input_names()
    with pytest.raises(MlflowException, match="shape"):
        theirs.predict(images[:, :4])
    files = [path for path in (tmp_path / "cxr_reports").rglob("*") if path.is_file()]
    assert {p.suffix for p in files if not is_prose(p)} == {".safetensors"}
    assert "input_example.json" not in {path.name for path in files}, "it would be somebody's image"


def test_what_is_there_is_not_published_again(study):
    (before,) = models(study)
    study.call(**PUBLISHED)
    study.collect()
    (after,) = models(study)
    assert (after.model_id, after.last_updated_timestamp) == (
        *(before.model_id, before.last_updated_timestamp),
    )
    row = study.row()
    assert row.data.tags["medsynth.published"] == before.model_id
    assert study.row("cxr_classifier").data.tags["medsynth.published"].startswith("no")
    assert len(study.client.search_model_versions("name = 'radiographs'")) == 1


def test_new_figures_show_the_same_model(study):
    (model,) = models(study)
    study.show_patients()
    study.evaluate(NAME, {"fid": {"value": 1.5}})
    study.collect()
    assert [m.model_id for m in models(study)] == [model.model_id]
    row = study.client.get_run(study.row().info.run_id)
    assert [m.model_id for m in row.outputs.model_outputs] == [model.model_id]
    assert len(study.client.search_model_versions("name = 'radiographs'")) == 1


def test_a_withdrawal_deletes_it_everywhere_and_it_does_not_come_back(study):
    (model,) = models(study)
    files = study.results / "lineage/mlartifacts/models" / model.model_id / "artifacts"
    picture = study.results / "lineage/mlartifacts" / study.row().info.run_id
    picture /= "artifacts/beside.png"
    assert (files / "MLmodel").exists() and picture.exists()
    found = impact.answer(study.results, "patient-0", erase=True, yes=True, raw=False)
    # That the played jobs read no raw data is named; of what MLflow has nothing is.
    assert not [trace for trace in found["left"] if "mlartifacts" in trace["path"]]
    assert not picture.exists() and not any(p.is_file() for p in files.rglob("*"))
    assert models(study) == [] and study.client.search_registered_models() == []
    study.call(**PUBLISHED)
    study.collect()
    assert models(study) == [] and study.client.search_registered_models() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"registry": REGISTRY}, "publish_models"),
        ({"publish_models": True, "registry": {NAME: {"name": "a/b"}}}, "name"),
        ({"publish_models": True, "registry": {NAME: {"name": "a", "alias": "v2"}}}, "alias"),
    ],
)
def test_what_mlflow_would_refuse_is_refused_before(given, said):
    with pytest.raises(ValidationError, match=said):
        Lineage(**given)
