"""Every mistake of a configuration is told at once, by the names that the user gave."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml

from medsynth.config.checks.lines import repeated_keys
from medsynth.config.loading import load_config, parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.config.raw_paths import demo_dataset, inside

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def changed(*changes) -> dict:
    """The demo's configuration with values put, or () for taken out, at dotted places."""
    raw = copy.deepcopy(DEMO)
    for place, value in changes:
        around, *keys = raw, *place.split(".")
        for key in keys[:-1]:
            around = around[int(key)] if isinstance(around, list) else around.setdefault(key, {})
        last = int(keys[-1]) if isinstance(around, list) else keys[-1]
        if value == ():
            del around[last]
        else:
            around[last] = value
    return raw


def places(raw: dict, check=load_config) -> list[str]:
    with pytest.raises(ConfigError) as error:
        check(raw)
    title, *lines = str(error.value).splitlines()
    assert title.startswith(f"{len(lines)} ")
    return sorted(re.match(r"  (\S+?):? ", line)[1] for line in lines)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("experiments.2.train.steps", -1, "experiments.glioma_progan.train.steps"),
        ("experiments.0.train.stepps", 3, "experiments.cxr_ddpm.train.stepps"),
        ("experiments.0.train.unet.attention", [8, "a"], "experiments.cxr_ddpm.train.unet.attention.#2"),  # noqa: E501
        ("experiments.3.family", "cyclgan", "experiments.ct_cyclegan.family"),
        ("experiments.1.name", (), "experiments.#2.name"),
        ("experiments.1.name", "cxr_ddpm", "experiments"),
        ("experiments.1", 5, "experiments.#2"),
        ("experiments", {"a": 1}, "experiments"),
        ("cohorts.cxr.read.image_size", "big", "cohorts.cxr.read.image_size"),
        ("cohorts.cxr.index.label.labeler", "me", "cohorts.cxr.index.label.labeler"),
        ("cohorts.cxr.index.label.kind", "views", "cohorts.cxr.index.label.kind"),
        ("cohorts.ct.index.label.key", "x", "cohorts.ct.index.label.key"),
        ("cohorts.ct.index.label", {"kind": "table"}, "cohorts.ct.index.label.key"),
        ("cohorts.ct.kind", (), "cohorts.ct.kind"),
        ("cohorts.ct.ct", {}, "cohorts.ct.ct"),
        ("cohorts.glioma.genotypes.columns.fish", [1], "cohorts.glioma.genotypes.columns.fish"),
        ("cohorts.glioma.genotypes", (), "cohorts.glioma.genotypes"),
        ("cohorts.CT", {}, "cohorts.CT"),
        ("cohorts", ["cxr"], "cohorts"),
        ("results_dir", None, "results_dir"),
        ("results_dir", "a{b}", "results_dir"),
        ("results_dir", "$NO_SUCH_VARIABLE/x", "results_dir"),
        ("results_dir", __file__, "results_dir"),
        ("results_dir", f"{__file__}/x", "results_dir"),
        ("results_dir", "", "results_dir"),
        ("results_dir", "a\0b", "results_dir"),
        ("cohorts.ct.root", "a\nb", "cohorts.ct.root"),
        ("cohorts.ct.root", " ", "cohorts.ct.root"),
        ("cohorts.ct.index.pattern", "", "cohorts.ct.index.pattern"),
        ("cohorts.ct.index.pattern", "/a/*.dcm", "cohorts.ct.index.pattern"),
        ("cohorts.glioma.index.pattern", "a/../../*", "cohorts.glioma.index.pattern"),
        ("cohorts.cxr.index.views", [], "cohorts.cxr.index.views"),
        ("cohorts.cxr.index.label.findings", ["A", "B", "A"], "cohorts.cxr.index.label.findings"),
        ("evaluation.subgroups", {"cxr": ["sex"]}, "evaluation.subgroups.cxr"),
        ("evaluation.subgroups", {"cx": ["view"]}, "evaluation.subgroups.cx"),
        ("evaluation.subgroups", {"cxr": ["view", "view"]}, "evaluation.subgroups"),
        ("evaluation.age_bands", [40, 18], "evaluation.age_bands"),
        ("evaluation.subgroup_patients", 1, "evaluation.subgroup_patients"),
        ("cohorts", {1: {}}, "cohorts.1"),
        ("cohorts.glioma.genotypes.coverage", {"a": 1}, "cohorts.glioma.genotypes.coverage"),
        ("cohorts.glioma.genotypes.columns", {"fish": {"a": 1}}, "cohorts.glioma.genotypes.columns.fish"),  # noqa: E501
        ("cohorts.glioma.genotypes.columns", {"idh": {"str": 1}}, "cohorts.glioma.genotypes.columns.idh"),  # noqa: E501
        ("experiments.1.name", "a\n", "experiments.#2.name"),
        ("experiments.1.name", "a.b", "experiments.#2.name"),
        ("experiments.0.train.lr", float("inf"), "experiments.cxr_ddpm.train.lr"),
        ("cohorts.ct.pair.min_dice", float("nan"), "cohorts.ct.pair.min_dice"),
        ("experiments.0.train.lr", True, "experiments.cxr_ddpm.train.lr"),  # lr: yes
        ("cohorts.ct.convert.spacing_mm", True, "cohorts.ct.convert.spacing_mm"),
        ("seed", False, "seed"),
        ("lineage.study", "", "lineage.study"),
        ("lineage.tracking_uri", "", "lineage.tracking_uri"),
        ("seeed", 1, "seeed"),
        ("experiments.0.family", ["ddpm"], "experiments.cxr_ddpm.family"),
        ("experiments.0.family", {"a": 1}, "experiments.cxr_ddpm.family"),
        ("cohorts.cxr.kind", ["mimic_cxr"], "cohorts.cxr.kind"),
        ("cohorts.cxr.kind", {"a": 1}, "cohorts.cxr.kind"),
        ("experiments.0.cohort", ["cxr"], "experiments.cxr_ddpm.cohort"),
        ("experiments.0.name", "a" * 300, f"experiments.{'a' * 300}.name"),
        ("experiments.0.name", "glioma_features", "experiments"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_the_users_own_names(place, value, told):
    found = places(changed((place, value)), parse_config)
    assert told in found
    assert not any("(" in other.removeprefix("(whole") for other in found)


def test_a_mistake_is_told_once_and_of_two_namesakes_the_second_by_its_position(tmp_path):
    absent = str(tmp_path / "absent")
    raw = changed(("cohorts.glioma.genotypes.maf", [absent, absent]))
    assert places(raw) == ["cohorts.glioma.genotypes.maf"]
    raw = changed(("experiments.1.name", "cxr_ddpm"), ("experiments.1.train.steps", 0))
    assert places(raw) == ["experiments", "experiments.#2.train.steps"]


@pytest.mark.parametrize("raw", [None, [], "seed", 5])
def test_a_configuration_without_keys_is_told(raw):
    with pytest.raises(ConfigError, match=r"\(whole file\): holds no keys"):
        load_config(raw)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("experiments.1.family", (), "family: is missing -- hint: add this key; docs/reference/configuration.md tells its values"),  # noqa: E501
        ("experiments.1.family", "gan", "be one of 'ddpm', 'text_ddpm', 'progan'"),  # noqa: E501
        ("experiments.1.name", "A-b", "A-b.name: a name has lower-case letters, digits and _, a letter first -- hint: you gave 'A-b'; write a_b"),  # noqa: E501
        ("experiments.0.train.stepps", 3, "train.stepps: is an unknown key; did you mean steps?"),
        ("cohorts.cxr.image_size", 3, "cohorts.cxr.image_size: is an unknown key; it is a key of cohorts.cxr.read: move it there"),  # noqa: E501
        ("cohorts.cxr.max_quarantined", 1, "max_quarantined: is an unknown key; it is a key of the top level: move it there"),  # noqa: E501
        ("experiments.0.min_patients", 1, "it is a key of the top level or cohorts.NAME.text: move it there"),  # noqa: E501
        ("experiments.0.lr", 1, "it is a key of experiments.cxr_ddpm.train: move it there"),
        ("cohorts.ct.finest_mm", 1, "it is a key of cohorts.ct.convert.registration: move it there"),  # noqa: E501
        ("image_size", 8, "it is a key of cohorts.NAME.read or cohorts.NAME.tiles or cohorts.NAME.convert: move it there"),  # noqa: E501
        ("cohorts.ct.stain", {}, "cohorts.ct.stain: is an unknown key; remove it, or take one of those known here: kind, root"),  # noqa: E501
        ("experiments.0.train.unet.attention", 8, "attention: must be a list, as in [a, b] -- hint: you gave 8"),  # noqa: E501
        ("experiments.0.train.steps", "many", "steps: must be a whole number"),
        ("experiments.0.train.lr", "fast", "lr: must be a number"),
        ("experiments.0.train.steps", 0, "steps: must be at least 1 -- hint: you gave 0"),
        ("lineage.study", 5, "study: must be text -- hint: you gave 5; write it in quotes: '5'"),
        ("lineage.study", True, "you gave True; write in quotes what it was"),
        ("experiments.3.family", "cyclgan", "you gave 'cyclgan'; did you mean cyclegan?"),
        ("experiments.0.cohort", "cxrr", "there are: ct, cxr, glioma; did you mean cxr?"),
        ("device", "gpu", "device: must be 'auto', 'cpu' or 'cuda' -- hint: you gave 'gpu'; see docs/reference/configuration.md"),  # noqa: E501
        ("experiments.1.train", None, "a group of keys -- hint: you gave nothing"),
        ("cohorts.cxr.index.label", "view", "a group of keys -- hint: you gave 'view'"),
        ("cohorts.cxr.root", None, "write ~/ for your home folder"),
        ("results_dir", "a\0b", "results_dir: 'a\\x00b' holds a character"),
        ("experiments.3.train.depth", 6, "depth: 32 pixels cannot be halved 6 times; lower it, or set the cohort's image_size to a multiple of 64"),  # noqa: E501
        ("cohorts.glioma.tiles.image_size", 48, "glioma_progan.cohort: progan needs a power of two, not 48 pixels; set the cohort's image_size to 32 or 64"),  # noqa: E501
        ("experiments.0.train.unet.attention", [7], "cxr_ddpm.train.unet.attention: unet.attention [7] is not among"),  # noqa: E501
        ("experiments.0.cohort", "mri", "no cohort 'mri'; there are: ct, cxr, glioma"),
        ("evaluation.subgroups", ["view"], "subgroups: cohort ct has no covariate 'view', it has manufacturer, kernel; leave it out, or list covariates by cohort"),  # noqa: E501
        ("evaluation.subgroups", {"glioma": ["sex"]}, "subgroups.glioma: cohort glioma has no covariate 'sex', it has none; leave it out"),  # noqa: E501
        ("evaluation.subgroups", {"cxr": ["sex"]}, "subgroups.cxr: cohort cxr has no covariate 'sex', it has view"),  # noqa: E501
        ("experiments.0.sample.labels", ["Edema"], "cxr_ddpm.sample.labels: cohort cxr has no class 'Edema', it has No Finding, Cardiomegaly, Pleural Effusion"),  # noqa: E501
        ("experiments.0.sample.labels", ["Cardiomegaly + Edema"], "cohort cxr has no class 'Edema'"),  # noqa: E501
        ("cohorts.cxr.split", {"few": {"Edema": 5}}, "cohorts.cxr.split.few: cohort cxr has no class 'Edema', it has No Finding"),  # noqa: E501
        ("experiments.0.sample.labels", ["A + B", "C", "B + A"], "sample.labels: 'B + A' is 'A + B' once more"),  # noqa: E501
        ("experiments.0.sample.covariates", {"view": "AP"}, "sample: covariates: view is none of train.conditions, which are none"),  # noqa: E501
        ("experiments.0.sample.covariates", {"age": 500}, "age is 0 to 120 years or unknown, not 500"),  # noqa: E501
        ("experiments.0.sample.covariates", {"age": -5}, "age is 0 to 120 years or unknown, not -5"),  # noqa: E501
        ("experiments.0.sample.covariates", {"age": True}, "age is 0 to 120 years or unknown, not True"),  # noqa: E501
        ("experiments.0.sample.covariates", {"age": "old"}, "age is 0 to 120 years or unknown, not 'old'"),  # noqa: E501
        ("experiments.0.sample.covariates", {"sex": "F"}, "sex is female, male or unknown, not 'F'"),  # noqa: E501
        ("results_dir", "out", "root: results/demo/mimic-cxr does not exist; the demo makes out/demo/mimic-cxr"),  # noqa: E501
        ("results_dir", ".", "root: results/demo/mimic-cxr lies in results_dir; the demo makes demo/mimic-cxr"),  # noqa: E501
        ("demo", None, "the demo makes results/demo/mimic-cxr, if there is a group demo:"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_remedy(tmp_path, monkeypatch, place, value, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        load_config(changed((place, value)))
    assert said in str(error.value)
    assert not re.search(
        "Value error|Input should|Field required|tag|dictionary|instance|config/README",
        str(error.value),
    )


@pytest.mark.parametrize("name", ["my-cxr", "Cxr", "../cxr", "5"])
def test_a_group_with_a_name_that_cannot_be_is_told_by_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    raw = changed(("experiments.0.cohort", name))
    raw["cohorts"][name] = raw["cohorts"].pop("cxr")
    with pytest.raises(ConfigError, match="a name has lower-case letters") as error:
        load_config(raw)
    assert f"cohorts.{name}" in str(error.value)


BETWEEN_KEYS = [
    ("cohorts.cxr.split", {"validate_fraction": 0.5, "test_fraction": 0.5}),
    ("cohorts.glioma.genotypes.idh_order", ["ihc", "ihc"]),
    ("experiments.0.train.log_every", 7),
    ("experiments.1.train.beta_start", 0.9),
    ("experiments.3.train.hu_range", [1, 0]),
]
BETWEEN_GROUPS = [
    ("experiments.0.cohort", "mri"),
    ("experiments.2.cohort", "ct"),
    ("experiments.3.train.depth", 6),
]


def test_mistakes_between_keys_and_between_groups_are_told_with_those_inside_others(tmp_path):
    nested = [("experiments.1.train.batch", 0), ("lineage.studdy", "x"), ("cohorts.ct.pair.x", 1)]
    paths = [("cohorts.cxr.root", str(tmp_path / "absent")), ("fetch", {"a": {"kind": "b"}})]
    found = places(changed(*nested, *BETWEEN_KEYS, *BETWEEN_GROUPS[:2], *paths))
    assert found == sorted(
        [
            "experiments.glioma_ddpm.train.batch",
            "lineage.studdy",
            "cohorts.ct.pair.x",
            "cohorts.cxr.split.test_fraction",
            "cohorts.glioma.genotypes.idh_order",
            "experiments.cxr_ddpm.train.log_every",
            "experiments.glioma_ddpm.train.beta_end",
            "experiments.ct_cyclegan.train.hu_range",
            "experiments.cxr_ddpm.cohort",
            "experiments.glioma_progan.family",
            "fetch.a.kind",
            "cohorts.cxr.root",
            "cohorts.cxr.tables",
            "cohorts.cxr.tables",
        ]
    )


@pytest.mark.parametrize("number", range(len(BETWEEN_GROUPS)))
def test_what_is_right_is_compared_whatever_else_is_wrong(number):
    (alone,) = places(changed(BETWEEN_GROUPS[number]))
    assert places(changed(BETWEEN_GROUPS[number], ("seed", -1))) == sorted([alone, "seed"])


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("seed", -1, "seed"),
        ("cohorts.ct.rooot", 1, "cohorts.ct.rooot"),
        ("cohorts.ct.convert", {"image_size": "big", "x": 1, "nifti": 3}, "cohorts.ct.convert.x"),
        ("cohorts.ct.index.label.kind", "tag", "cohorts.ct.index.label.kind"),
        ("cohorts.ct.index", None, "cohorts.ct.index"),
        ("cohorts.ct.index", (), "cohorts.ct.index"),
        ("cohorts.ct.kind", "mri", "cohorts.ct.kind"),
        ("results_dir", "$NO_SUCH_VARIABLE", "results_dir"),
    ],
)
def test_a_missing_path_is_told_with_other_mistakes(tmp_path, place, value, told):
    found = places(changed(("cohorts.ct.root", str(tmp_path / "absent")), (place, value)))
    assert {"cohorts.ct.root", told} <= set(found)
    assert all(p == "seed" or p == "results_dir" or p.startswith("cohorts.ct.") for p in found)


def test_what_rests_on_a_wrong_key_is_not_told(tmp_path):
    """A root that is none has no tables, and an image_size that is none fits no network."""
    root = ("cohorts.cxr.root", str(tmp_path / "absent"))
    raw = changed(root, ("cohorts.cxr.tables", 5))
    assert places(raw) == ["cohorts.cxr.root", "cohorts.cxr.tables"]
    deep = ("experiments.0.train.unet.multipliers", [1] * 7)
    raw = changed(deep, ("experiments.1.train", {}), ("cohorts.cxr.read.image_size", "big"))
    assert places(raw) == ["cohorts.cxr.read.image_size"]
    wrong = {"kind": "gdc", "destination": str(tmp_path / "absent"), "manifest": 5}
    assert places(changed(("fetch", {"a": wrong}))) == ["fetch.a.manifest"]


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("results/demo", "results/demo is no data set; the demo makes results/demo/mimic-cxr, "),
        ("results/demo/", "is no data set"),
        ("results/demo/x/..", "is no data set"),
        ("results/demo/tcga", "is no data set"),
        ("results/demo/tcga-ct/TCGA-ZZ-C000", "give results/demo/tcga-ct itself"),
        ("results", "holds results_dir"),
        ("results/../results", "holds results_dir"),
        (".", "holds results_dir"),
        ("/", "holds results_dir"),
        ("results/cohorts", "lies in results_dir"),
        ("$NO_SUCH_VARIABLE/ct", "the environment variable NO_SUCH_VARIABLE is not set"),
        ("~", "holds results_dir"),
    ],
)
def test_raw_data_lies_apart_from_what_the_workflow_writes(tmp_path, monkeypatch, root, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"cohorts\.ct\.root: ") as error:
        load_config(changed(("cohorts.ct.root", root)))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("results", "root"),
    [
        ("results", "results/demo/tcga-ct"),
        ("results", "results/demo/tcga-ct/"),
        ("results/", "./results/demo/../demo/tcga-ct"),
        ("results", "{here}/results/demo/tcga-ct"),
        ("{here}/results", "results/demo/tcga-ct"),
        ("~/results", "results/demo/tcga-ct"),
        ("$HOME/results", "~/results/demo/tcga-ct"),
        ("other/../results", "results/demo/tcga-ct"),
    ],
)
def test_the_demos_folder_is_known_however_it_is_written(tmp_path, monkeypatch, results, root):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(
        changed(
            ("results_dir", results.format(here=tmp_path)),
            ("cohorts.ct.root", root.format(here=tmp_path)),
        )
    )
    assert demo_dataset(config.results_dir, config.cohorts["ct"].root) == "tcga-ct"


def test_a_path_is_inside_a_folder_also_by_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert inside(tmp_path / "link/a", tmp_path / "disk") == Path("a")
    assert inside(tmp_path / "disk2", tmp_path / "disk") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("seed: 1\nseed: 2\n", [("seed", 1, 2)]),
        ("a:\n  b: {c: 1, c: 2}\n  b: 3\n", [("a.b", 2, 3), ("a.b.c", 2, 2)]),
        ("a:\n- {b: 1}\n- b: 1\n  b: 1\n", [("a.#2.b", 3, 4)]),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x\ne: {<<: *x, <<: *x}\n", []),
        ("a: &x {b: 1, b: 2}\nc: *x\n", [("a.b", 1, 1)]),
        ("1: a\n'1': b\n", []),
        ("", []),
        ("- a\n- a\n", []),
        ("a: [1", []),
        ("\ta: 1", []),
    ],
)
def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path, text, found):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    told = [(m.place, *map(int, re.findall(r"\d+", m.text.split("lines")[1]))) for m in
            repeated_keys(file)]  # fmt: skip
    assert sorted(told) == found


def test_a_key_that_stands_twice_is_refused_in_json_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(DEMO)[:-1] + ', "seed": 2}')
    with pytest.raises(ConfigError, match="seed: stands twice"):
        load_config(DEMO, [file])
    assert load_config(DEMO, [ROOT / "config/config.yaml"]).seed == 1


def test_a_long_value_is_cut_and_a_password_is_starred():
    with pytest.raises(ConfigError) as error:
        parse_config(changed(("seed", ["x" * 500]), ("device", "http://me:hunter2@host")))
    assert "@host" in str(error.value)
    assert len(str(error.value)) < 500 and "hunter2" not in str(error.value)


@pytest.mark.parametrize(("several", "fits"), [("use", True), ("exclude", False)])
def test_joined_labels_are_for_cohorts_with_several_findings(tmp_path, several, fits):
    raw = changed(
        ("cohorts.cxr.index.label.several", several),
        ("experiments.0.sample.labels", ["Pleural Effusion + Cardiomegaly", "No Finding"]),
    )
    if fits:
        assert parse_config(raw)
    else:
        assert places(raw, parse_config) == ["experiments.cxr_ddpm.sample.labels"]
