"""Concordance and Cox against brute force, Shapley's axioms, columns that are the target."""

from __future__ import annotations

from itertools import permutations
from math import exp, log

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from medsynth.metrics.diagnosis import baselines, concordance, cox, determination, shapley
from medsynth.metrics.diagnosis.comparison import compared


def people(n: int, seed: int = 0):
    """Months with many ties, events, scores with ties, folds."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(1, 12, n).astype(float),
        rng.random(n) < 0.6,
        rng.integers(0, 6, n).astype(float),
        rng.integers(0, 3, n),
    )


def by_hand(months, event, scores, folds, drawn):
    """Harrell's c of the patients at these positions, pair by pair."""
    right = total = 0.0
    for i in drawn:
        for j in drawn:
            first = months[i] < months[j] or (months[i] == months[j] and not event[j])
            if i != j and folds[i] == folds[j] and event[i] and first:
                total += 1
                right += (scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j])
    return right / total


@pytest.mark.parametrize("seed", range(5))
def test_the_c_index_is_the_one_of_all_pairs_and_of_resamples(seed):
    months, event, scores, folds = people(25, seed)
    pairs = concordance.of_survival(months, event, folds)
    everybody = range(25)
    wanted = by_hand(months, event, scores, folds, everybody)
    assert concordance.concordance(scores, pairs) == pytest.approx(wanted, abs=1e-14)
    drawn = np.random.default_rng(seed).integers(0, 25, 25)
    weights = np.bincount(drawn, minlength=25).astype(float)[None]
    wanted = by_hand(months, event, scores, folds, drawn)
    assert concordance.resampled([scores], [pairs], weights)[0, 0] == pytest.approx(wanted)


def test_the_area_under_the_curve_is_that_of_scikit_learn_within_folds():
    _, member, scores, folds = people(60)
    one = np.zeros(60, int)
    area = concordance.concordance(scores, concordance.of_class(member, one))
    assert area == pytest.approx(roc_auc_score(member, scores), abs=1e-14)
    # A model whose scores are all higher in one fold than in another is no worse for it.
    pairs = concordance.of_class(member, folds)
    within = concordance.concordance(scores, pairs)
    assert concordance.concordance(scores + 100 * folds, pairs) == pytest.approx(within)


def test_several_classes_count_alike_and_a_resample_without_a_pair_is_left_out():
    labels = np.array([0, 0, 1, 1, 2])
    scores = np.eye(3)[labels]
    scores[1] = [0, 1, 0]
    pairs = [concordance.of_class(labels == k, np.zeros(5, int)) for k in range(3)]
    found = concordance.resampled([scores], pairs, np.array([[1.0] * 5, [1, 1, 0, 0, 0]]))
    assert found[0, 0] == pytest.approx(np.mean([0.75, 5 / 6, 1]))
    assert np.isnan(found[0, 1])


def test_a_gain_is_of_the_same_patients_and_beats_no_gain_only_if_it_is_one():
    months, event, _, folds = people(80)
    pairs = [concordance.of_survival(months, event, folds)]
    noise = np.random.default_rng(1).normal(size=80)
    first = event - 2 * months  # who is censored at a time outlives who dies then
    told = {"fusion": first, "noise": noise, "copy": 2 * first}
    found = compared(told, pairs, "cindex", 100, np.random.default_rng(0), "no pairs")
    assert set(found) == {"cindex", "cindex_noise", "cindex_copy"} | {
        "cindex_over_noise", "cindex_over_copy"
    }  # fmt: skip
    assert found["cindex"]["value"] == 1
    assert found["cindex"]["interval"][0] < 1  # of 80 patients, not of all there are
    assert found["cindex_over_noise"]["interval"][0] > 0
    assert found["cindex_over_copy"]["interval"] == [0, 0]
    nobody = compared(
        told, [np.zeros((80, 80), bool)], "cindex", 9, np.random.default_rng(0), "none died"
    )
    assert (nobody["cindex"]["value"], nobody["cindex"]["reason"]) == (None, "none died")


def efron(log_risk, months, event):
    """Efron 1977 in plain sums."""
    value = 0.0
    for time in sorted(set(months[event])):
        risk = sum(exp(log_risk[i]) for i in range(len(months)) if months[i] >= time)
        dead = [i for i in range(len(months)) if months[i] == time and event[i]]
        own = sum(exp(log_risk[i]) for i in dead)
        value -= sum(log_risk[i] for i in dead)
        value += sum(log(risk - k / len(dead) * own) for k in range(len(dead)))
    return value


@pytest.mark.parametrize("seed", range(3))
def test_the_partial_likelihood_and_its_gradient_are_efrons(seed):
    months, event, _, _ = people(30, seed)
    eta = np.random.default_rng(seed).normal(size=30) * 2
    found = cox.partial_likelihood(eta, months, event)
    assert found.value == pytest.approx(efron(eta, months, event), rel=1e-12)
    step = 1e-6 * np.eye(30)
    slope = [(efron(eta + d, months, event) - efron(eta - d, months, event)) / 2e-6 for d in step]
    assert found.gradient == pytest.approx(slope, abs=1e-6)
    far = cox.partial_likelihood(eta + 800, months, event)  # exp overflows without the shift
    assert far.value == pytest.approx(found.value, rel=1e-9)


def test_cox_without_penalty_is_the_maximum_and_the_strongest_leaves_nothing():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 4))
    months = rng.exponential(np.exp(-x @ [1.0, -0.5, 0, 0]))
    event = rng.random(60) < 0.7
    wanted = minimize(lambda b: efron(x @ b, months, event), np.zeros(4), method="BFGS").x
    assert cox.fit_cox(x, months, event, 0.0) == pytest.approx(wanted, abs=2e-4)
    most = cox.strongest(x, months, event, 0.5)
    assert not cox.fit_cox(x, months, event, most * 1.001).any()
    assert cox.fit_cox(x, months, event, most * 0.9).any()
    # The conditions of a minimum with an absolute value in it.
    b = cox.fit_cox(x, months, event, most * 0.3)
    slope = x.T @ cox.partial_likelihood(x @ b, months, event).gradient / 60 + most * 0.15 * b
    assert slope[b != 0] == pytest.approx(-most * 0.15 * np.sign(b[b != 0]), abs=1e-5)
    assert (np.abs(slope[b == 0]) <= most * 0.15 + 1e-5).all()
    with pytest.raises(ValueError, match="no event"):
        cox.fit_cox(x, months, np.zeros(60, bool), 0.1)


def test_shapley_values_are_the_mean_over_all_orders():
    rng = np.random.default_rng(0)
    members = shapley.coalitions(3)
    worth = rng.normal(size=(8, 5))
    place = {tuple(row): k for k, row in enumerate(members)}
    wanted = np.zeros((3, 5))
    for order in permutations(range(3)):
        there = [False] * 3
        for one in order:
            before = worth[place[tuple(there)]]
            there[one] = True
            wanted[one] += (worth[place[tuple(there)]] - before) / 6
    found = shapley.shapley_values(worth)
    assert found == pytest.approx(wanted, abs=1e-14)
    assert found.sum(0) == pytest.approx(worth[-1] - worth[0], abs=1e-14)


def test_shapley_values_of_equals_are_equal_and_of_a_dummy_nothing():
    members = shapley.coalitions(3)
    worth = ((members[:, 0] + members[:, 1]) > 0).astype(float)  # either is enough, the third idle
    assert shapley.shapley_values(worth) == pytest.approx([0.5, 0.5, 0])
    with pytest.raises(ValueError, match="power of 2"):
        shapley.shapley_values(np.zeros(6))


def test_columns_that_are_the_target_are_found_and_others_are_not():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [12, 40])
    table = pd.DataFrame(
        {
            "IDH1_mut": np.where(np.arange(52) == 50, 0, labels),  # the other gene, once
            "TP53_mut": np.where(rng.random(52) < 0.2, 1 - labels, labels),
            "assay": np.where(labels == 1, 1.0, np.nan),  # asked for in mutants only
            "age": 60 - 15 * labels + 12 * rng.normal(size=52),
            "level": labels + 0.1 * rng.normal(size=52),
        }
    )
    found = determination.tell_classes(table, labels, ["WT", "Mutant"]).found
    assert set(found) == {"IDH1_mut", "assay", "level"}
    assert "52 patients" in found["IDH1_mut"]
    assert "being empty" in found["assay"]
    few = determination.tell_classes(table[:14], labels[:14], ["WT", "Mutant"])
    assert few.found == {}  # two mutants would be told apart by chance
    assert few.not_compared == ["WT", "Mutant"]
    assert few.too_few == ["IDH1_mut", "TP53_mut", "age", "level"]  # assay does not vary
    table.loc[:48, "age"] = np.nan
    assert determination.tell_classes(table, labels, ["WT", "Mutant"]).too_few == ["age"]


def test_codes_and_words_that_are_the_target_only_together_are_found():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [30, 60]))
    table = pd.DataFrame(
        {
            "t:subtype": np.where(labels == 0, 2, rng.choice([1, 3], 90)),  # 2 is the wild type
            "t:histology": np.where(labels == 0, rng.choice([2, 5], 90), rng.choice([1, 4, 6], 90)),
            "t:grade": rng.integers(2, 5, 90),
            "t:rare": np.where(rng.random(90) < 0.9, 1, rng.integers(2, 10, 90)),
            "t:same": 1,
        }
    ).astype(float)
    words = np.where(labels == 0, rng.choice([*"xy"], 90), rng.choice([*"uv"], 90))
    sites = rng.choice([*"uvxy"], 90)
    for word in "uvxy":
        table[f"t:told={word}"] = (words == word) * 1.0
        table[f"t:site={word}"] = (sites == word) * 1.0
    table.loc[3, [f"t:told={word}" for word in "uvxy"]] = np.nan
    found = determination.tell_classes(table, labels, ["WT", "Mutant"]).found
    told = {f"t:told={word}" for word in "uvxy"}
    assert set(found) == {"t:subtype", "t:histology", *told}
    assert "as codes" in found["t:subtype"] and "89 patients" in found["t:told=x"]


def test_the_months_and_the_event_under_other_names_are_found():
    months, event, _, _ = people(60)
    months = months + np.arange(60) / 100
    table = pd.DataFrame({"a": months * 30.4, "b": event * 1.0, "c": np.arange(60.0) % 7})
    assert set(determination.tell_survival(table, months, event).found) == {"a", "b"}
    table.loc[8:, ["a", "c"]] = np.nan
    assert determination.tell_survival(table, months, event).too_few == ["a", "c"]
    # Of people who were all followed as long nothing is ordered, and no warning is due.
    assert set(determination.tell_survival(table, np.ones(60), event).found) == {"b"}


def test_baselines_predict_nobody_from_himself():
    rng = np.random.default_rng(0)
    folds = np.arange(60) % 4
    labels = rng.integers(0, 2, 60)
    x = np.column_stack([labels + 0.7 * rng.normal(size=60), rng.normal(size=60)])
    x[5, 0] = np.nan
    told = baselines.predict_classes(x, labels, folds, 2)
    assert told.sum(1) == pytest.approx(np.ones(60))
    area = concordance.concordance(told[:, 1], concordance.of_class(labels == 1, folds))
    assert 0.7 < area < 0.99
    # Another truth of the patients of a fold leaves their predictions as they are.
    other = np.where(folds == 2, 1 - labels, labels)
    again = baselines.predict_classes(x, other, folds, 2)
    assert (again[folds == 2] == told[folds == 2]).all()
    assert (again[folds == 1] != told[folds == 1]).any()
    shares = baselines.prevalence(labels, folds, 2)
    assert (shares[folds == 0] == np.bincount(labels[folds != 0]) / 45).all()


def test_the_linear_survival_is_better_than_chance_where_there_is_something_to_learn():
    rng = np.random.default_rng(1)
    x, folds = rng.normal(size=(100, 3)), np.arange(100) % 4
    months, event = rng.exponential(np.exp(-1.5 * x[:, 0])), rng.random(100) < 0.7
    told = baselines.predict_survival(x, months, event, folds)
    pairs = concordance.of_survival(months, event, folds)
    assert concordance.concordance(told, pairs) > 0.7


def test_standardisation_knows_the_training_patients_only():
    training = np.array([[1.0, np.nan, 5], [3, 2, 5]])
    rows = np.array([[2.0, np.nan, 9], [np.nan, 4, 5]])
    found = baselines.standardised(training, rows)
    assert found.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
    # Nobody is further out than those, of whom the model has learned.
    assert baselines.standardised(training[:, :1], np.array([[99.0], [-9]])).tolist() == [[1], [-1]]


@pytest.mark.parametrize(("target", "genes", "more"), [("label", 24, 0.87), ("survival", 12, 0.78)])
def test_values_far_from_all_that_were_learned_from_cost_the_linear_model_little(
    target, genes, more
):
    """As of genes that hardly anybody expresses: on who does, no model looks like the best one."""
    rng, n = np.random.default_rng(0), 80
    folds, x = np.arange(n) % 4, rng.normal(size=(n, 1 + genes))
    x[range(genes), range(1, 1 + genes)] = 1e4
    if target == "label":
        labels = (x[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)
        told = baselines.predict_classes(x, labels, folds, 2)[:, 1]
        pairs = concordance.of_class(labels == 1, folds)
    else:
        months, event = rng.exponential(np.exp(-1.5 * x[:, 0])), rng.random(n) < 0.7
        told = baselines.predict_survival(x, months, event, folds)
        pairs = concordance.of_survival(months, event, folds)
    assert concordance.concordance(told, pairs) > more
