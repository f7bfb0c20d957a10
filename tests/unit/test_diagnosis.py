"""Diagnosis end to end: folds, missing modalities, resuming, predictions, the gate, figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import check_evaluation
from medsynth.cohorts.overlap import people_of_folds
from medsynth.cohorts.patients.columns import TARGETS
from medsynth.metrics.settings import Evaluation
from medsynth.models.fusion import sampling
from medsynth.models.fusion.belief import fit_belief
from medsynth.models.fusion.checks import TargetColumn, TooFewPatients, check
from medsynth.models.fusion.losses import cox_losses
from medsynth.models.fusion.reading import Patients
from medsynth.models.fusion.training import moments, train
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.settings import ImageForm
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.models import load_model, save_model
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.diagnosis.data import UnfitPatients, training_data
from medsynth.tasks.diagnosis.evaluation import evaluate, says_age_or_sex
from medsynth.tasks.diagnosis.product import write_product
from tests.unit.diagnosis_study import QUICK, write_cohort

MODALITIES = ["image", "clinical", "genes"]
IDENTITY = {"experiment": "e", "cohort": "c", "family": "fusion"}


def trained(inputs, folder, settings=QUICK):
    folder.mkdir(exist_ok=True)
    return train(training_data(inputs, 1, 64), settings, TrainingRun(1, "cpu", folder))


def through(folder, target):
    """All files of an experiment."""
    inputs = write_cohort(folder)
    data, settings = training_data(inputs, 1, 64), QUICK.model_copy(update={"target": target})
    made = trained(inputs, folder / "work", settings)
    save_model(made.state, made.card, inputs.weights, inputs.card)
    write_table(people_of_folds(data.folds, digest_file(inputs.weights)), inputs.people)
    write_product(
        sampling, inputs, inputs, None, ImageForm(8, 1, "uint8"), Run(1, "cpu"), folder / "w"
    )
    return inputs


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return through(tmp_path_factory.mktemp("label"), "label")


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    return through(tmp_path_factory.mktemp("survival"), "survival")


def test_everybody_is_predicted_once_by_the_model_of_his_fold(told):
    table, data = read_table(told.table), training_data(told, 1, 64)
    assert table["patient"].tolist() == data.patients
    assert table["fold"].tolist() == data.fold.tolist()
    assert set(table["split"]) == {"test"}
    assert set(table["synthetic"]) == {"no"}
    assert table["true"].tolist() == ["ab"[i % 2] for i in range(30)]
    assert table[["p:a", "p:b"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(30))
    people = read_table(told.people)
    assert people.groupby(["fold", "split"])["patient"].nunique().tolist() == [10] * 6
    gate = SimpleNamespace(**vars(told) | {"weights": [told.weights], "people": [told.people]})
    assert check_evaluation.check(gate)[told.weights]["ok"]
    write_table(table.assign(fold=(table["fold"] + 1) % 3), told.table)
    with pytest.raises(MedsynthError, match="30 patients"):
        check_evaluation.check(gate)
    write_table(table, told.table)


def test_a_fold_rests_on_no_value_of_its_own_patients(told, tmp_path):
    """Neither its networks nor the mean and spread by which tables are scaled."""
    data = training_data(told, 1, 64)
    other = {n: np.where(data.fold[:, None] == 0, 99, t) for n, t in data.tables.items()}
    labels = np.where(data.fold == 0, 1 - data.labels, data.labels)
    changed = train(
        replace(data, tables={n: t.astype(np.float32) for n, t in other.items()}, labels=labels),
        QUICK, TrainingRun(1, "cpu", tmp_path),
    )  # fmt: skip
    state = load_model(told.weights, told.card).state
    for name, value in changed.state.items():
        same = torch.equal(value, state[name])
        assert same or not name.startswith("fold0.")
    assert not torch.equal(changed.state["fold1.tables.0.mean"], state["fold1.tables.0.mean"])


def test_a_killed_training_goes_on_to_the_same_weights(told, tmp_path, monkeypatch):
    whole = load_model(told.weights, told.card).state

    def killed(self, chosen, each, seed, *keys):
        if keys == (1, 13):
            raise KeyboardInterrupt
        return drawn(self, chosen, each, seed, *keys)

    drawn = Patients.drawn
    monkeypatch.setattr(Patients, "drawn", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(told, tmp_path)
    assert (tmp_path / "checkpoint.pt").exists()
    monkeypatch.setattr(Patients, "drawn", drawn)
    resumed = trained(told, tmp_path)
    assert resumed.state.keys() == whole.keys()
    assert all(torch.equal(value, whole[name]) for name, value in resumed.state.items())
    steps = pd.read_csv(resumed.history).query("name == 'train_image'")["step"]
    assert steps.tolist() == list(range(2, 21, 2))


def test_shapley_values_add_up_and_a_missing_modality_adds_nothing(told, survived):
    for inputs in (told, survived):
        table = read_table(inputs.table)
        predicted = table.get("log_risk")
        if predicted is None:
            predicted = table[["p:a", "p:b"]].max(axis=1)
        added = table[[f"shapley:{m}" for m in MODALITIES]].sum(axis=1)
        assert (predicted - table["without_all"]).to_numpy() == pytest.approx(added, abs=1e-12)
        gone = table[~table["there:genes"]]
        assert len(gone) == 1
        assert gone["shapley:genes"].tolist() == [0.0]
        assert (table.loc[table["there:genes"], "shapley:genes"] != 0).any()


def test_an_unknown_value_is_no_zero_and_a_missing_table_is_the_prior(told):
    model, data = load_model(told.weights, told.card), training_data(told, 1, 64)
    network = sampling.build(model.card, model.state, 0)
    rows = torch.tensor([[torch.nan], [0.0], [model.state["fold0.tables.0.mean"].item()]])
    with torch.no_grad():
        unknown, zero, mean = network.tables[0](rows)
    assert not torch.equal(unknown, zero)
    assert not torch.equal(unknown, mean)  # that it is unknown is told
    table = read_table(told.table)
    gone = table[~table["there:genes"]]
    shares = np.bincount(data.labels[data.parts(int(gone["fold"].iloc[0]), "label")[0]])
    assert gone[["genes:p:a", "genes:p:b"]].to_numpy()[0] == pytest.approx(shares / shares.sum())
    few = [54.0] * 4 + [np.nan] * 3  # of whom the mean would tell what they have
    known = np.array([[1.0, 3, 1, 3, 1, 3, np.nan], [np.nan] * 7, few]).T
    assert [each.tolist() for each in moments(known)] == [[2, 0, 0], [1, 0, 0]]


def test_the_figures_stand_beside_every_baseline(told):
    found = evaluate(told, Evaluation(bootstrap=50).model_dump(), IDENTITY, Run(1, "cpu"))
    others = [*MODALITIES, "elastic_net", "age_sex"]
    assert set(found["metrics"]) == (
        {"auroc", "accuracy", "balanced_accuracy"}
        | {f"auroc_{name}" for name in others}
        | {f"auroc_over_{name}" for name in others}
    )
    assert found["metrics"]["accuracy"]["chance"] == pytest.approx(0.5)
    assert found["metrics"]["auroc_image"]["value"] > 0.9  # as they are made
    assert all(m["interval"] for m in found["metrics"].values())
    assert found["shapley"]["genes"]["patients"] == 29
    assert found["columns_judged"].startswith(
        "of 3 columns 3 were judged by their names and, of 30"
    )
    json.dumps(found, allow_nan=False)


def test_age_and_sex_are_known_by_their_headings_however_written():
    columns = ["age", "Diagnosis Age", "Age [years]", "is_female", "Sex=Male", "patient gender=m"]
    assert all(says_age_or_sex(f"clinical:{c}") for c in columns)
    others = ["stage", "dosage", "Sussex_mut", "site=age", "lineage"]
    assert not any(says_age_or_sex(f"clinical:{c}") for c in others)


def test_no_figure_tells_of_fewer_than_five_patients(told, tmp_path):
    """Who alone has genes would stand in their mean; a class of three in its own figures."""
    table = read_table(told.table)
    few = table.index[table["there:genes"]][4:]
    table.loc[few, ["there:genes", "shapley:genes"]] = [False, 0.0]
    rare = np.where(table.index < 3, "rare", table["true"])
    table = table.assign(
        true=rare, **{f"{m}p:rare": 0.1 for m in ("", *map("{}:".format, MODALITIES))}
    )
    card = json.loads(Path(told.card).read_text()) | {"classes": ["a", "b", "rare"]}
    (tmp_path / "card.json").write_text(json.dumps(card))
    write_table(table, tmp_path / "predictions.parquet")
    changed = {"card": str(tmp_path / "card.json"), "table": str(tmp_path / "predictions.parquet")}
    inputs, cfg = SimpleNamespace(**vars(told) | changed), Evaluation(bootstrap=0).model_dump()
    found = evaluate(inputs, cfg, IDENTITY, Run(1, "cpu"))
    assert found["shapley"]["genes"] == {"mean": None, "mean_size": None, "patients": 4}
    assert found["shapley"]["image"]["mean_size"] > 0
    assert found["per_class"] == {} and found["patients_by_class"]["rare"] == 3
    assert found["metrics"]["auroc"]["value"] > 0
    write_table(table.assign(true=np.where(table.index < 3, "a", "b")), inputs.table)
    (tmp_path / "card.json").write_text(json.dumps(card | {"classes": ["a", "b"]}))
    figures = evaluate(inputs, cfg, IDENTITY, Run(1, "cpu"))["metrics"]
    for name in ("auroc", "balanced_accuracy"):  # the latter with the accuracy tells of the three
        assert figures[name]["value"] is None and "tell of 3 patients" in figures[name]["reason"]
    assert figures["accuracy"]["value"] is not None
    write_table(table.assign(true=np.where(table.index < 5, "a", "b")), inputs.table)
    figures = evaluate(inputs, cfg, IDENTITY, Run(1, "cpu"))["metrics"]
    assert figures["balanced_accuracy"]["value"] is not None


def test_a_fold_whose_step_few_patients_choose_has_no_figures_in_the_card(tmp_path):
    quick = QUICK.model_copy(update={"accept": ["genes:TP53_mut"], "steps": 4})
    made = trained(write_cohort(tmp_path / "c", 12), tmp_path / "w", quick)
    for fold in made.card["validation"]["folds"]:
        assert fold["patients"] == 4 and fold["reason"].startswith("figures of fewer than 5")
        assert not {"value", "lowest", "beside", "baselines"} & set(fold)


def test_survival_is_told_within_folds_beside_cox(survived):
    found = evaluate(survived, Evaluation(bootstrap=50).model_dump(), IDENTITY, Run(1, "cpu"))
    assert found["events"] + found["censored"] == 30
    assert {"cindex", "cindex_elastic_net", "cindex_over_age_sex"} <= set(found["metrics"])
    assert 0 <= found["metrics"]["cindex"]["value"] <= 1


def test_the_loss_of_survival_is_breslows(survived):
    rng = np.random.default_rng(0)
    months, event = rng.integers(1, 6, 12), rng.random(12) < 0.5
    eta = rng.normal(size=12)
    wanted = [
        np.log(sum(np.exp(eta[j]) for j in range(12) if months[j] >= months[i])) - eta[i]
        if event[i] else 0.0
        for i in range(12)
    ]  # fmt: skip
    found = cox_losses(*map(torch.from_numpy, (eta, months, event)))
    assert found.numpy() == pytest.approx(np.array(wanted), rel=1e-12)


def test_a_modality_that_is_surely_wrong_is_not_believed_and_one_that_is_right_is():
    """Two networks: one knows three in four patients, the other is as sure and knows none."""
    labels = torch.tensor([0.0, 1.0] * 20, dtype=torch.float64)
    right = 2 * (2 * labels - 1) * torch.where(torch.arange(40) % 4 == 0, -1.0, 1.0)
    noise = 6 * torch.from_numpy(np.random.default_rng(0).choice([-1.0, 1.0], 40))

    def loss_of(w):
        logits = w[0] * right + w[1] * noise
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")

    believed = fit_belief(loss_of, 2)
    assert 0.3 < believed[0] < 1.2
    assert 0 <= believed[1] < 0.1
    nobody = fit_belief(lambda w: 0 * w.sum(), 2)
    assert nobody.tolist() == [1, 1]


def with_patients(inputs, change, folder):
    """The same cohort with another table of patients."""
    table = read_table(inputs.patients)
    change(table)
    path = folder / "patients.parquet"
    write_table(table, path)
    return SimpleNamespace(**vars(inputs) | {"patients": str(path)})


@pytest.mark.parametrize("column", ["genes:IDH1_mut", "genes:other"])
def test_a_column_that_is_the_target_is_refused_and_named(told, tmp_path, column):
    def change(table):
        table[column] = [float(i % 2) for i in range(30)]

    inputs = with_patients(told, change, tmp_path)
    with pytest.raises(
        TargetColumn, match=rf"{column} tells the target itself: it tells b from"
    ) as error:
        trained(inputs, tmp_path)
    assert "TP53" not in str(error.value)
    assert "train.accept" in str(error.value)
    trained(inputs, tmp_path, QUICK.model_copy(update={"accept": [column], "steps": 2}))
    with pytest.raises(TargetColumn, match="accept names genes:none"):
        trained(inputs, tmp_path, QUICK.model_copy(update={"accept": ["genes:none"]}))


def test_a_column_that_few_patients_have_is_judged_by_name_and_that_is_told(told, tmp_path, caplog):
    def change(table):
        table["genes:rare"] = [i % 2 if i < 6 else np.nan for i in range(30)]
        table["genes:IDH2_rare"] = table["genes:rare"]

    data = training_data(with_patients(told, change, tmp_path), 1, 64)
    found = check(data, QUICK)
    assert found.by_name_alone == ["genes:rare", "genes:IDH2_rare"]
    alone = "by their names alone, since too few patients have a value: genes:rare, genes:IDH2_rare"
    assert alone in caplog.text and found.words().startswith("of 5 columns 3 were")
    frame, path = read_table(told.manifest), tmp_path / "manifest.parquet"
    write_table(frame.assign(label="IDH-" + frame["label"]), path)
    idh = SimpleNamespace(**vars(with_patients(told, change, tmp_path)) | {"manifest": str(path)})
    with pytest.raises(TargetColumn, match="genes:IDH2_rare may tell the target itself: its name"):
        check(training_data(idh, 1, 64), QUICK)


def test_a_heading_of_the_label_that_the_table_keeps_is_compared_with_columns(told, tmp_path):
    def change(table):
        table["genes:IDH2_mut"] = [float(i == 1) for i in range(30)]

    assert not check(training_data(with_patients(told, change, tmp_path), 1, 64), QUICK).refused

    def change_named(table):
        change(table)
        table.attrs[TARGETS] = {"label": ["IDH_STATUS"], "survival": ["tp53_months", "dead"]}

    data = training_data(with_patients(told, change_named, tmp_path), 1, 64)
    with pytest.raises(TargetColumn, match="genes:IDH2_mut may tell .* share idh"):
        check(data, QUICK)
    of_survival = QUICK.model_copy(update={"target": "survival"})
    with pytest.raises(TargetColumn, match="genes:TP53_mut may tell .* the survival's share"):
        check(data, of_survival)


def test_a_single_event_and_a_class_of_one_fold_are_refused(told, tmp_path):
    survival = QUICK.model_copy(update={"target": "survival"})
    reversed_ = with_patients(
        told, lambda t: t.__setitem__("event", [True] + [False] * 29), tmp_path
    )
    with pytest.raises(TooFewPatients, match=r"1 of 30 in all.*happened") as error:
        trained(reversed_, tmp_path, survival)
    assert "events among" in str(error.value)
    frame = read_table(told.manifest)
    rare = frame["patient"].isin(frame.loc[frame["fold"] == 0, "patient"].unique()[:1])
    path = tmp_path / "manifest.parquet"
    write_table(frame.assign(label=np.where(rare, "rare", frame["label"])), path)
    with pytest.raises(TooFewPatients, match="no training patient of rare"):
        trained(SimpleNamespace(**vars(told) | {"manifest": str(path)}), tmp_path)
    write_table(frame.assign(label="a"), path)
    with pytest.raises(TooFewPatients, match="all 30 patients are of one class, a:"):
        trained(SimpleNamespace(**vars(told) | {"manifest": str(path)}), tmp_path)


def test_a_cohort_without_folds_or_of_several_findings_is_refused(told, tmp_path):
    frame, path = read_table(told.manifest), tmp_path / "manifest.parquet"
    inputs = SimpleNamespace(**vars(told) | {"manifest": str(path)})
    write_table(frame.drop(columns="fold"), path)
    with pytest.raises(UnfitPatients, match=r"split\.folds"):
        training_data(inputs, 1, 64)
    write_table(frame.assign(label="Edema + Pneumonia"), path)
    with pytest.raises(UnfitPatients, match="several findings"):
        training_data(inputs, 1, 64)
    torn = frame["item_id"] == "p01:1"  # the second image of a patient
    write_table(frame.assign(label=np.where(torn, "a", frame["label"])), path)
    data = training_data(inputs, 1, 64)
    assert (data.left_out, len(data.patients)) == (1, 29)


def test_the_table_names_no_file_of_others(told):
    assert Path(told.table).name == "predictions.parquet"
    assert {"item_id", "source"}.isdisjoint(read_table(told.table).columns)
