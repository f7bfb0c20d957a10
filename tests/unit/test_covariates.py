"""Covariates as conditions: read as in training, drawn from real rows, and learnt."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

import medsynth
from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.models.conditioning import condition, wanted
from medsynth.models.covariates import (
    CovariateError,
    asked_for,
    describe,
    encode,
    width,
    with_drawn,
    without_strange,
)
from medsynth.models.ddpm import sampling, training
from medsynth.models.ddpm.process import drop_labels, no_label
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.training_settings import SAMPLE_COLUMNS, DdpmTraining
from medsynth.models.ddpm.unet import build_unet
from medsynth.report.singles import write_singles
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator
from medsynth.runtime.settings import ImageForm
from medsynth.store.generated import Samples
from medsynth.store.layout import Layout
from medsynth.store.manifests import manifest
from medsynth.store.models import Model, save_model
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.generation.product import write_product
from medsynth.tasks.labelled import training_data
from tests.unit.test_experiment_files import DEMO

ROWS = pd.DataFrame(
    {"sex": ["male", None, "female", "Unknown"], "age": [40.0, 60.0, np.nan, 50.0], "view": "PA"}
).astype({"sex": "str"})
CARD = describe(ROWS, ["sex", "age", "view"])


def test_words_are_one_hot_numbers_standardised_and_what_is_unknown_is_said():
    spread = np.std([40, 60, 50])
    assert CARD == {
        "sex": {"categories": ["female", "male"]},
        "age": {"mean": 50, "std": pytest.approx(spread)},
        "view": {"categories": ["PA"]},
    }
    vectors = encode(ROWS, json.loads(json.dumps(CARD)))
    z = 10 / spread
    expected = [
        [0, 1, 0, -z, 0, 1, 0],
        [0, 0, 1, z, 0, 1, 0],
        [1, 0, 0, 0, 1, 1, 0],
        [0, 0, 1, 0, 0, 1, 0],
    ]
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)
    assert vectors.dtype == np.float32 and width(CARD) == vectors.shape[1]
    alike = describe(pd.DataFrame({"age": [50.0, 50.0]}), ["age"])
    assert encode(pd.DataFrame({"age": [50.0, np.nan]}), alike).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"other": [1]}, "'name' is no column"),
        ({"name": pd.Series([None, None], dtype="str")}, "known of no training image"),
        ({"name": [f"patient {i}" for i in range(21)]}, "21 values, and at most 20"),
    ],
)
def test_what_cannot_be_a_condition_is_refused_and_not_quoted(column, said):
    with pytest.raises(CovariateError, match=said) as error:
        describe(pd.DataFrame(column), ["name"])
    assert "patient 1" not in str(error.value)


def test_a_category_that_was_never_trained_on_is_no_unknown():
    with pytest.raises(CovariateError, match="no value 'LATERAL' of view; the model knows PA and"):
        encode(pd.DataFrame({"sex": [None], "age": [1.0], "view": ["LATERAL"]}), CARD)
    with pytest.raises(CovariateError, match="conditioned on age; say of each"):
        encode(pd.DataFrame({"sex": ["male"]}), CARD)


def test_values_are_asked_for_by_name():
    found = asked_for({"sex": "female", "age": "61"}, CARD)
    assert found == {"sex": "female", "age": 61.0}
    unknown = asked_for({"sex": "unknown", "age": "Unknown"}, CARD)
    assert unknown["sex"] is None and np.isnan(unknown["age"])
    for asked, said in {
        ("age", "old"): "no value 'old' of age; the model knows numbers and unknown",
        ("sex", "f"): "no value 'f' of sex; the model knows female, male and unknown",
        ("height", 1): "not conditioned on 'height'; it is on: sex, age, view",
    }.items():
        with pytest.raises(CovariateError, match=said):
            asked_for(dict([asked]), CARD)


TRAINING = pd.DataFrame(
    {
        "label": ["a"] * 30 + ["b"] * 30,
        "sex": ["female", "male"] * 15 + ["male"] * 30,
        "age": np.arange(60.0),
        "view": "PA",
    }
)


def test_an_image_has_the_covariates_of_one_training_image_of_its_label():
    request = pd.DataFrame({"label": ["a"] * 8 + ["b"] * 8})
    drawn = with_drawn(request, TRAINING, CARD, {}, seed=1)
    rows = TRAINING.set_index("age")
    for row in drawn.itertuples():  # ages are different: they tell whose it is
        assert (rows.loc[row.age, "label"], rows.loc[row.age, "sex"]) == (row.label, row.sex)
    assert drawn["age"].nunique() > 8
    fewer = with_drawn(request.iloc[[8, 0, 1]], TRAINING, CARD, {}, seed=1)
    pd.testing.assert_frame_equal(fewer, drawn.loc[[8, 0, 1]])
    other = with_drawn(request, TRAINING, CARD, {}, seed=2)
    assert (other["age"] != drawn["age"]).any()
    never = with_drawn(pd.DataFrame({"label": ["a + b"]}), TRAINING, CARD, {}, seed=1)
    assert never["age"].item() in TRAINING["age"].to_list()


def test_what_is_asked_for_holds_for_all_and_the_rest_is_drawn():
    request = pd.DataFrame({"label": ["a"] * 4})
    drawn = with_drawn(request, TRAINING, CARD, {"sex": "unknown", "age": 70}, seed=1)
    assert (
        drawn["sex"].isna().all() and (drawn["age"] == 70).all() and (drawn["view"] == "PA").all()
    )
    with pytest.raises(CovariateError, match="conditioned on sex, age, view; give age, view, too"):
        with_drawn(request, None, CARD, {"sex": "male"}, seed=1)


def test_without_conditions_nothing_changes_bit_for_bit():
    settings = DdpmTraining(unet={"channels": 8, "multipliers": [1], "attention": []})
    networks = []
    for covariates in (0, 4):
        torch.manual_seed(0)
        networks.append(build_unet(1, 8, 2, settings.unet, covariates))
    plain, conditioned = (n.state_dict() for n in networks)
    assert set(conditioned) - set(plain) == {"covariates.weight"}
    assert all(torch.equal(value, conditioned[name]) for name, value in plain.items())
    assert "conditions" not in training.model_card(settings, ["a", "b"], 1, 8)["settings"]
    for network in networks:
        for parameter in list(network.parameters())[:-1]:
            torch.nn.init.normal_(parameter, std=0.2, generator=generator(1))
    x, t = torch.randn(2, 1, 8, 8, generator=generator(2)), torch.tensor([1, 5])
    rows = torch.tensor([[1.0, 0, 3, 0, 1, 0], [0, 0, -2, 1, 0, 0]])  # the second: no label
    network = networks[1].eval()
    state = {k: v for k, v in network.state_dict().items() if k != "covariates.weight"}
    networks[0].load_state_dict(state)
    # Zero at first: what is learnt of covariates begins with nothing.
    assert torch.equal(network(x, t, rows), networks[0].eval()(x, t, torch.tensor([0, 2])))


def test_hiding_the_label_leaves_the_covariates():
    rows = torch.tensor([[1.0, 0, 3, 0], [0, 1, 4, 1]])
    assert no_label(rows, 2).tolist() == [[0, 0, 3, 0], [0, 0, 4, 1]]
    assert torch.equal(drop_labels(rows, 1.0, 2, generator(1)), no_label(rows, 2))
    assert torch.equal(drop_labels(rows, 0.0, 2, generator(1)), rows)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> SimpleNamespace:
    """Of one class, women's images are bright and men's dark; the older, the brighter below."""
    folder = tmp_path_factory.mktemp("results") / "experiments" / "m"
    (folder / "shards").mkdir(parents=True)
    rng, rows = np.random.default_rng(0), []
    with ShardWriter(folder / "shards" / "0.h5", {"made_from": "test"}) as writer:
        for i in range(60):
            sex, age = ("female", "male", None)[i % 3], float(30 + 40 * (i % 2))
            image = rng.normal(0, 8, (4, 4, 1))
            image[:2] += {"female": 200, "male": 50, None: 125}[sex]
            image[2:] += 50 + 150 * (age == 70)
            row = writer.append(image.clip(0, 255).astype(np.uint8), str(i))
            rows.append(
                {
                    "item_id": str(i),
                    "source_sha256": str(i),
                    "patient": str(i),
                    "label": "ab"[i // 50],
                }
                | {
                    "split": "train",
                    "shard": 0,
                    "row": row,
                    "status": "used",
                    "sex": sex,
                    "age": age,
                }
            )
    table = manifest(rows).astype({"sex": "str"})
    write_table(table, folder / "manifest.parquet")
    inputs = SimpleNamespace(
        manifest=str(folder / "manifest.parquet"), shards=[str(folder / "shards" / "0.h5")],
        weights=str(folder / "model.safetensors"), card=str(folder / "model.json"),
    )  # fmt: skip
    settings = DdpmTraining(
        steps=250, batch=12, lr=8e-3, checkpoint_every=250, log_every=50, timesteps=16,
        beta_start=0.02, beta_end=0.5, ema_decay=0.95, conditions=["sex", "age"],
        unet={"channels": 8, "multipliers": [1], "attention": []},
    )  # fmt: skip
    trained = training.train(training_data(inputs, 1, 64), settings, TrainingRun(1, "cpu", folder))
    save_model(trained.state, trained.card, inputs.weights, inputs.card)
    return SimpleNamespace(inputs=inputs, folder=folder, table=table, trained=trained)


def test_numbers_and_booleans_are_asked_for_as_a_table_writes_them():
    known = {"scanner": {"categories": ["1", "2"]}, "portable": {"categories": ["False", "True"]}}
    asked = DdpmSampling(covariates={"scanner": 1, "portable": True}).model_dump(mode="json")
    cfg = DdpmSampling(**asked)  # as a rule's script gets it
    assert asked_for(cfg.covariates, known) == {"scanner": "1", "portable": "True"}
    for wrong in (1.0, 3, True):
        with pytest.raises(CovariateError, match="the model knows 1, 2 and unknown"):
            asked_for(DdpmSampling(covariates={"scanner": wrong}).covariates, known)
    weight = {"weight": {"mean": 70.0, "std": 9.0}}
    assert asked_for({"weight": 60}, weight) == {"weight": 60.0}
    for wrong in (True, float("nan"), float("inf"), "heavy"):
        with pytest.raises(CovariateError, match="the model knows numbers and unknown"):
            asked_for({"weight": wrong}, weight)


@pytest.mark.parametrize("age", [0, 120, 17.9, "60", "unknown", "Unknown"])
def test_ages_of_persons_can_be_asked_for(age):
    assert DdpmSampling(covariates={"age": age, "sex": "Female"}).covariates["age"] == age


def test_a_diffusion_model_learns_its_conditions(study):
    card = study.trained.card
    assert card["covariates"]["sex"] == {"categories": ["female", "male"]}
    assert card["covariates"]["age"] == {"mean": 50, "std": 20}
    request = wanted(card, ["a"], 24, 10).assign(sex=["female", "male"] * 12)
    request["age"] = np.repeat([30.0, 70.0], 12)
    model = Model(study.trained.state, card)
    images = np.concatenate(
        list(sampling.generate(model, request, DdpmSampling(guidance=0), Run(2, "cpu")))
    )
    above, below = images[:, :2].mean((1, 2, 3)) > 125, images[:, 2:].mean((1, 2, 3)) > 125
    right = (above == (request["sex"] == "female")) & (below == (request["age"] == 70))
    assert right.sum() >= 20, right.to_list()  # of 24; chance would be 6


def test_samples_carry_the_covariates_that_they_were_drawn_with(study, tmp_path):
    outputs = SimpleNamespace(**{k: tmp_path / k for k in ("images", "table", "grid")})
    cfg = DdpmSampling(per_class=6, covariates={"age": 70}).model_dump()
    form = ImageForm(4, 1, "uint8")
    write_product(sampling, study.inputs, outputs, cfg, form, Run(3, "cpu"), tmp_path)
    table = read_table(outputs.table)
    assert (table["age"] == 70).all() and table["age"].dtype == study.table["age"].dtype
    assert {*table} - {"age", "sex"} <= {*SAMPLE_COLUMNS}  # which no covariate may be called
    assert set(table["sex"].dropna()) <= {"female", "male"} and table["sex"].nunique() == 2
    assert condition(table, study.trained.card, "cpu").shape == (12, 2 + 3 + 2)
    images = Samples(outputs.images, outputs.table).read([0])
    write_singles(images, table.iloc[[0]], "png", tmp_path / "one", ["age", "sex"])
    assert b"covariate_age\x0070.0" in next((tmp_path / "one").iterdir()).read_bytes()


def test_from_python_every_condition_is_asked_for(study):
    model = medsynth.load(study.folder, "cpu")
    with pytest.raises(medsynth.Error, match="conditioned on sex, age; give sex, age, too"):
        model.sample("a")
    with pytest.raises(medsynth.Error, match="sex is female, male or unknown, not 'f'"):
        model.sample("a", covariates={"sex": "f", "age": 30})
    images, _ = model.sample("a", 2, covariates={"sex": "female", "age": "unknown"})
    assert images.shape == (2, 4, 4, 1)


def test_the_configuration_knows_which_covariates_there_are():
    def config(*names: str) -> dict:
        first, *others = DEMO["experiments"]
        first = first | {"train": first["train"] | {"conditions": list(names)}}
        return DEMO | {"experiments": [first, *others]}

    files = ExperimentFiles(parse_config(config("view")), Layout("results"))
    assert files.conditioned("cxr_ddpm") == {"manifest": "results/cohorts/cxr/manifest.parquet"}
    assert files.conditioned("glioma_ddpm") == files.conditioned("glioma_progan") == {}
    with pytest.raises(
        ConfigError, match=r"cxr_ddpm.*conditions.*no covariate age, sex, it has view"
    ):
        parse_config(config("sex", "age"))
    for names, said in {
        ("view", "view"): "stands twice",
        ("seed",): "column of the samples",
    }.items():
        with pytest.raises(ValidationError, match=said):
            DdpmTraining(conditions=names)


def test_a_validation_image_of_a_category_never_trained_on_counts_as_unknown():
    described = {"view": {"categories": ["AP", "PA"]}, "age": {"mean": 60.0, "std": 10.0}}
    rows = pd.DataFrame({"view": ["PA", "LL", None], "age": [70.0, 50.0, np.nan]})
    known = without_strange(rows, described)
    expected = [[0, 1, 0, 1, 0], [0, 0, 1, -1, 0], [0, 0, 1, 0, 1]]
    np.testing.assert_allclose(encode(known, described), expected)
    assert rows["view"].to_list()[1] == "LL"
