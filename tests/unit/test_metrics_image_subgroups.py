"""Generated images against the real ones of every subgroup, all at the same number of images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medsynth.metrics.images import comparison, subgroups
from medsynth.metrics.images.comparison import Group
from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.images.frechet import frechet_distance
from medsynth.metrics.images.subgroups import (
    Division,
    divisions_of,
    evaluate_subgroups,
    with_all_groups,
)
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import groups_of

CLASSES = ["ill", "well"]
SETTINGS = Evaluation(kid_subsets=10, kid_subset_size=10, bootstrap=40, subgroups=["sex"])


def sexes(female: int, male: int, unknown: int = 0) -> pd.Series:
    words = ["female"] * female + ["male"] * male + [None] * unknown
    return groups_of(pd.Series(words, dtype="str"), "sex", [18])


def images(groups: pd.Series, seed: int, moved: float = 0.0, per_patient: int = 1) -> Group:
    """Features of images, those of men moved away; every other image is of the first class."""
    rng, n = np.random.default_rng(seed), len(groups)
    features = rng.normal(0, 1, (n, 4)) + moved * (groups == "male").to_numpy()[:, None]
    labels, patients = np.arange(n) % 2, np.arange(n) // per_patient
    return Group(features, features, np.eye(2)[labels], labels, patients)


def judged(
    sizes: dict, generated: tuple, moved: tuple, own=True, seed=0, missed=0.0, **settings
) -> dict:
    """What metrics.json holds, if men are moved so far in real and in generated images."""
    real, training = sexes(*sizes["real"]), sexes(*sizes["training"])
    made = sexes(*generated)
    noise = images(sexes(len(real), 0), 9)
    far = {"noise": Group(noise.features + 30, *list(vars(noise).values())[1:])}
    of_model = images(made, 3 * seed + 3, moved[1])
    of_model.features[:] += missed
    return evaluate_subgroups(
        images(real, 3 * seed + 1, moved[0]),
        images(training, 3 * seed + 2, moved[0]),
        of_model,
        far,
        {"sex": Division(real, training, made if own else None)},
        SETTINGS.model_copy(update=settings),
        seed=1,
        classes=CLASSES,
    )


SIZES = {"real": (60, 60), "training": (80, 80)}


def test_each_group_is_judged_by_its_own_images():
    """The oracle: FID of exactly these images, all of which are drawn."""
    found = judged(SIZES, (60, 60), moved=(1, 1))["subgroups"]["sex"]
    real, made, training = (images(sexes(n, n), k, 1) for k, n in ((1, 60), (3, 60), (2, 80)))
    space = FeatureSpace.fit(training.features)
    for group, part in (("female", slice(0, 60)), ("male", slice(60, 120))):
        expected = frechet_distance(space(real.features[part]), space(made.features[part]))
        metrics = found[group]["metrics"]
        assert metrics["fid"]["value"] == pytest.approx(expected, rel=1e-9)
        assert set(metrics) == {"fid", "kid", "precision", "recall"}
        assert metrics["fid"]["floor"] < metrics["fid"]["null"]["noise"]
        assert (found[group]["n"], found[group]["generated"]) == (60, "of the subgroup")


def test_all_groups_are_compared_at_the_same_number_of_images(monkeypatch):
    sides = []

    def compare(names, real, training, generated, nulls, counts, *others):
        sides.append((len(real), int(counts.sum())))  # compared with, and drawn of each side
        return comparison.compare(names, real, training, generated, nulls, counts, *others)

    monkeypatch.setattr(subgroups, "compare", compare)
    found = judged({"real": (90, 31), "training": (80, 80)}, (50, 50), moved=(0, 0))
    sex = found["subgroups"]["sex"]
    assert {group["n"] for group in sex.values()} == {31}
    assert [group["n_images"] for group in sex.values()] == [90, 31] and sides == [(31, 31)] * 2
    # Of fewer images on the side of the model, and of women only, there are fewer for both.
    fewer = judged({"real": (90, 31), "training": (80, 80)}, (24, 50), moved=(0, 0))
    assert {group["n"] for group in fewer["subgroups"]["sex"].values()} == {24}


def test_a_model_that_fails_men_shows_a_gap_and_a_fair_one_none():
    unfair = judged(SIZES, (60, 60), moved=(2, 0))
    gap = unfair["subgroup_gaps"]["sex"]["kid"]
    assert (gap["best"], gap["worst"]) == ("female", "male") and gap["interval"][0] > 0
    assert abs(gap["floor"]) < gap["value"] / 5
    assert unfair["subgroup_gaps"]["sex"]["fid"]["interval"][0] > 0
    precision = unfair["subgroup_gaps"]["sex"]["precision"]
    assert precision["value"] > 0.3 and precision["interval"] is None
    assert precision["reason"] == "no interval: neighbourhoods vary, too"


def test_a_model_that_fails_nobody_more_shows_no_gap():
    """Both sexes are alike, and alike missed: about 95 % of their intervals cover 0."""
    settings = {"bootstrap": 100, "kid_subsets": 10}
    gaps = [
        judged(SIZES, (60, 60), moved=(0, 0), seed=seed, missed=0.5, **settings)["subgroup_gaps"][
            "sex"
        ]
        for seed in range(40)
    ]
    for name in ("fid", "kid"):
        assert np.mean([gap[name]["interval"][0] <= 0 for gap in gaps]) >= 0.9, name


def test_samples_without_the_covariate_are_all_compared_as_all_training_images_are():
    """Real images of both sexes are as far from women as samples of both are."""
    found = judged(SIZES, (60, 60), moved=(2, 2), own=False)["subgroups"]["sex"]
    own = judged(SIZES, (60, 60), moved=(2, 2))["subgroups"]["sex"]
    for group in ("female", "male"):
        assert found[group]["generated"] == "all"
        fid = found[group]["metrics"]["fid"]
        assert fid["floor"] == pytest.approx(fid["value"], rel=0.35)
        assert fid["floor"] > 3 * own[group]["metrics"]["fid"]["floor"]


def test_few_patients_are_not_judged_and_unknown_ones_are_a_group():
    sizes = {"real": (40, 9, 30), "training": (40, 40, 40)}
    found = judged(sizes, (60, 60, 60), moved=(0, 0))["subgroups"]["sex"]
    assert found["male"]["metrics"] == {} and found["male"]["reason"].startswith("too few (9 pat")
    assert "n" not in found["male"] and found["unknown"]["n"] == found["female"]["n"] == 30
    assert found["unknown"]["metrics"]["kid"]["value"] is not None


def test_a_group_that_the_model_was_not_asked_for_has_no_figure_and_lowers_none():
    found = judged(SIZES, (60, 0), moved=(0, 0))["subgroups"]["sex"]
    assert found["male"]["metrics"]["fid"]["value"] is None
    assert found["male"]["metrics"]["fid"]["reason"].startswith("no generated images of ill, well")
    assert found["female"]["n"] == 60 and found["male"]["n"] == 0


def test_a_group_of_which_nothing_is_compared_stays_in_the_table_with_its_number():
    """All men have combinations of findings that nothing was generated of."""
    women, whole = sexes(60, 0), {"sex": sexes(60, 12)}
    divisions = with_all_groups(
        {"sex": Division(women, women, None)}, whole, (whole["sex"] == "female").to_numpy()
    )
    sides = [images(women, seed) for seed in (1, 2, 3)]
    found = evaluate_subgroups(*sides, {}, divisions, SETTINGS, seed=1, classes=CLASSES)
    sex = found["subgroups"]["sex"]
    assert list(sex) == ["female", "male"] and "not_compared" not in sex["female"]
    assert (sex["male"]["n_images"], sex["male"]["not_compared"]) == (0, 12)
    assert sex["male"]["reason"].endswith("12 images more of combinations that are not compared")
    assert sex["female"]["metrics"]["kid"]["value"] is not None


def test_the_seed_decides_the_draws():
    sizes = {"real": (90, 31), "training": (80, 80)}
    once, again = (judged(sizes, (50, 50), moved=(0, 0)) for _ in range(2))
    assert once == again


def test_samples_are_divided_where_their_table_has_the_column():
    frame = pd.DataFrame({"sex": ["female", "male"], "age": [20.0, 70.0]})
    settings = SETTINGS.model_copy(update={"subgroups": ["sex", "age"]})
    found = divisions_of(frame, frame, frame[["age"]], settings, "m")
    assert found["sex"].generated is None
    assert found["age"].generated.tolist() == ["18-39", "65+"]
    nothing = SETTINGS.model_copy(update={"subgroups": []})
    group = images(sexes(5, 5), 1)
    none = divisions_of(frame, frame, frame, nothing, "m")
    assert evaluate_subgroups(group, group, group, {}, none, nothing, seed=1, classes=CLASSES) == {}
