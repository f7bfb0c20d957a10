"""Mistakes carry the line of their key, in whichever file and by whatever anchor it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsynth.config.checks.known_keys import known_keys
from medsynth.config.checks.lines import read_yaml, with_lines
from medsynth.config.mistakes import ConfigError, Mistake
from medsynth.config.schema import Config

TEXT = """\
seed: 1
cohorts:
  cxr:
    root: x
experiments:
  - name: a
    train: &ddpm
      steps: 3
      unet:
        attention: [8, 9]
  - name: b
    train: {<<: *ddpm, batch: 2}
  - cohort: cxr
keep: {a.b: 1}
"""


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("seed", 1),
        ("cohorts.cxr.root", 4),
        ("cohorts.cxr.index.label", 3),  # is missing: where its group begins
        ("cohorts.cxr.tables (they come with MIMIC-CXR-JPG)", 3),
        ("experiments.a.train.unet.attention.#2", 10),
        ("experiments.b.train.steps", 8),  # merged from there
        ("experiments.b.train.batch", 12),
        ("experiments.#3.name", 13),
        ("experiments", 5),
        ("keep.a.b", 14),
        ("device", None),
        ("(whole file)", None),
    ],
)
def test_a_mistake_has_the_line_of_its_key(file, place, line):
    (found,) = with_lines([Mistake(place, "is wrong")], [file])
    assert found.line == (f"my.yaml:{line}" if line else "")
    assert str(found) == (f"my.yaml:{line}: " if line else "") + f"{place}: is wrong"


def test_they_come_in_the_order_of_lines_and_the_last_file_counts(file, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"seed": 2, "cohorts": {"cxr": {"index": {}}}}, indent=1))
    places = ["experiments.a.name", "cohorts.cxr.index.shards", "seed", "cohorts.cxr.root", "none"]
    found = with_lines([Mistake(place, "") for place in places], [file, other])
    assert [(m.place, m.line) for m in found] == [
        ("none", ""),
        ("cohorts.cxr.root", "my.yaml:4"),
        ("experiments.a.name", "my.yaml:6"),
        ("seed", "other.json:2"),
        ("cohorts.cxr.index.shards", "other.json:5"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb:\n\tc: 2\n", "my.yaml:3: (whole file): a tab indents this line; put spaces"),
        ("a: 1\n b: 2\n", "my.yaml:2: (whole file): no YAML: mapping values are not allowed here"),
        ("a: [1, 2\nb: 3\n", "my.yaml:2: (whole file): no YAML"),
        ("a: *x\n", "my.yaml:1: (whole file): no YAML: found undefined alias"),
        ("a: \x00\n", "my.yaml: (whole file): holds a character that no text has; remove it"),
        ("a: \xff\n".encode("latin-1"), "my.yaml: (whole file): is no text in UTF-8; save it"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line_and_what_to_do(file, text, told):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as error:
        read_yaml(file)
    (mistake,) = error.value.mistakes
    assert str(mistake).startswith(told)


@pytest.mark.parametrize(
    ("path", "some"),
    [
        ([], {"cohorts", "experiments", "seed"}),
        (["experiments", 0, "ddpm", "train", "unet"], {"channels", "attention"}),
        (["cohorts", "cxr", "mimic_cxr", "index", "label", "finding"], {"findings", "labeler"}),
        (["fetch", "x", "gdc"], {"manifest", "destination"}),
        (["demo"], {"cxr_patients"}),
        (["seed"], set()),
        (["nothing"], set()),
    ],
)
def test_the_keys_of_every_group_are_known(path, some):
    known = known_keys(Config, path)
    assert some <= set(known) and bool(some) == bool(known)
