"""The configuration model is the only truth, and its errors help."""

import copy
from pathlib import Path

import pytest
import yaml

from medsynth.config.docs import schema, tables
from medsynth.config.loading import load_config, parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.config.schema import Config

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


@pytest.fixture
def raw():
    return copy.deepcopy(DEMO)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_shipped_configurations_are_valid(path):
    assert parse_config(yaml.safe_load(path.read_text())).experiments


def test_generated_documents_are_up_to_date():
    hint = "run: python -m medsynth.config.docs"
    assert (ROOT / "config" / "schema.json").read_text() == schema(), hint
    assert (ROOT / "docs" / "reference" / "configuration.md").read_text() == tables(), hint


def test_every_setting_says_what_it_does():
    whole = Config.model_json_schema()  # "$defs": every group below, those of unions, too
    missing = [
        f"{group}.{name}"
        for group, found in {"Config": whole, **whole["$defs"]}.items()
        for name, setting in found["properties"].items()
        if not setting.get("description", "").strip()
    ]
    assert not missing, f"settings without a description: {', '.join(missing)}"


def test_two_mistakes_are_both_listed_with_place_and_hint(raw):
    raw["experiments"][0]["train"]["stepps"] = 3
    raw["cohorts"]["cxr"]["read"]["image_size"] = -1
    with pytest.raises(ConfigError) as error:
        parse_config(raw)
    text = str(error.value)
    assert "2 mistake(s)" in text
    assert "experiments.cxr_ddpm.train.stepps" in text and "unknown key" in text
    assert "cohorts.cxr.read.image_size" in text and "you gave -1" in text


def test_an_experiment_on_a_missing_cohort_names_those_there_are(raw):
    raw["experiments"][0]["cohort"] = "mri"
    with pytest.raises(ConfigError, match="no cohort 'mri'.*ct, cxr, glioma"):
        parse_config(raw)


def test_the_name_of_a_cohorts_classifier_is_kept_for_it(raw):
    raw["experiments"][0]["name"] = "glioma_classifier"
    with pytest.raises(ConfigError, match="glioma_classifier is kept for a cohort's classifier"):
        parse_config(raw)


def test_a_family_that_does_not_fit_the_cohort_is_refused(raw):
    raw["experiments"][0]["cohort"] = "ct"
    with pytest.raises(ConfigError, match="family ddpm does not fit"):
        parse_config(raw)


@pytest.mark.parametrize(
    ("experiment", "size", "message"),
    [
        (0, 30, "30 pixels cannot be halved 2 times"),
        (0, 64, r"unet.attention \[8\] is not among the resolutions \[64, 32, 16\]"),
        (2, 48, "progan needs a power of two, not 48"),
        (3, 34, "34 pixels cannot be halved 2 times"),
    ],
)
def test_networks_that_do_not_fit_the_images_are_refused(raw, experiment, size, message):
    cohort = raw["cohorts"][raw["experiments"][experiment]["cohort"]]
    stage = next(cohort[s] for s in ("read", "tiles", "convert") if s in cohort)
    stage["image_size"] = size
    raw["experiments"] = [raw["experiments"][experiment]]
    with pytest.raises(ConfigError, match=message):
        parse_config(raw)


def test_missing_raw_folders_are_all_named(raw, tmp_path):
    raw["cohorts"]["cxr"]["root"] = str(tmp_path / "absent")
    raw["cohorts"]["glioma"]["genotypes"]["maf"] = [str(tmp_path / "no.maf")]
    with pytest.raises(ConfigError) as error:
        load_config(raw)
    assert "cohorts.cxr.root" in str(error.value) and "absent" in str(error.value)
    assert "cohorts.glioma.genotypes.maf" in str(error.value)


def test_environment_variables_in_raw_paths_are_filled_in(raw, tmp_path, monkeypatch):
    monkeypatch.setenv("DOWNLOADS", str(tmp_path))
    raw["cohorts"]["cxr"]["root"] = "$DOWNLOADS/mimic"
    assert parse_config(raw).cohorts["cxr"].root == tmp_path / "mimic"


def test_mistakes_between_experiments_are_listed_together_without_the_whole_file(raw):
    raw["experiments"][0]["cohort"] = "mri"
    raw["experiments"][1]["cohort"] = "pet"
    raw["lineage"]["tracking_uri"] = "postgresql://me:secret@host/db"
    with pytest.raises(ConfigError) as error:
        parse_config(raw)
    assert "'mri'" in str(error.value) and "'pet'" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_falling_hu_range_is_refused(raw):
    raw["experiments"][3]["train"]["hu_range"] = [400, -200]
    with pytest.raises(ConfigError, match="hu_range must rise"):
        parse_config(raw)


def test_mappings_are_read_in_the_order_of_their_names(raw):
    raw["cohorts"] = dict(reversed(raw["cohorts"].items()))
    backwards = parse_config(raw).model_dump_json()
    raw["cohorts"] = dict(sorted(raw["cohorts"].items()))
    assert parse_config(raw).model_dump_json() == backwards


# Bounded by what they must fit: the image's own values and resolutions, ages of a person.
BOUNDED_ELSEWHERE = {"hu_range", "window", "attention", "covariates"}


def test_no_number_is_without_bound():
    """1e26 steps pass for a number, and would be waited for."""

    def numbers(schema: dict):
        if schema.get("type") in ("integer", "number"):
            yield schema
        for part in ("anyOf", "items"):
            inner = schema.get(part, [])
            for each in [inner] if isinstance(inner, dict) else inner:
                yield from numbers(each)

    whole = Config.model_json_schema()
    unbounded = [
        f"{group}.{key}"
        for group, schema in [("", whole), *whole["$defs"].items()]
        for key, each in schema["properties"].items()
        if key not in BOUNDED_ELSEWHERE
        for number in numbers(each)
        if not {"maximum", "exclusiveMaximum"} & set(number)
    ]
    assert unbounded == []


@pytest.mark.parametrize("value", [10**26, 10**10])
def test_an_absurd_number_is_refused_with_the_most_there_may_be(raw, value):
    raw["experiments"][0]["train"]["steps"] = value
    with pytest.raises(ConfigError, match="steps: must be at most 100000000"):
        parse_config(raw)
