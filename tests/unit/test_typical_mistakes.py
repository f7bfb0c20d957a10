"""Fifteen mistakes that people make first: each is told before any training, with place, fault and
remedy; by `medsynth check`, and by `snakemake` as far as no image must be read for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from medsynth.check.whole import check_file
from medsynth.cohorts.kinds import KIND
from medsynth.commands.main import OK, WRONG, main
from medsynth.config.checks.lines import read_yaml
from medsynth.config.loading import examine
from medsynth.models.families import FAMILY
from tests.checkout import Checkout
from tests.unit.slide_files import picture

PATIENTS = 12
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A folder with radiographs, slides, their tables, and a configuration of both, my.yaml."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    rows = ["image,patient,finding"]
    (folder / "images").mkdir()
    for n in range(2 * PATIENTS):
        pixels = rng.integers(0, 255, (32, 32), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"x{n}.png")
        rows.append(f"x{n}.png,p{n // 2},{'Normal' if n < PATIENTS else 'Pneumonia'}")
    (folder / "table.csv").write_text("\n".join(rows))
    rows = ["slide,project"]
    (folder / "slides").mkdir()
    for n in range(8):
        name = f"TCGA-AB-100{n}-01Z-00-DX1"
        Image.fromarray(picture()).save(folder / "slides" / f"{name}.png")
        rows.append(f"{name},{'BRCA' if n < 4 else 'KIRC'}")
    (folder / "projects.csv").write_text("\n".join(rows))
    columns = {"file": "image", "patient": "patient", "labels": "finding"}
    label = {"kind": "table", "path": "projects.csv", "key": "slide", "value": "project"}
    ddpm = {"family": "ddpm", "train": {"steps": 20, "unet": {"multipliers": [1, 2, 4]}}}
    settings = {
        "results_dir": "results",
        "device": "cpu",
        "cohorts": {
            "xray": {
                "kind": "images",
                "root": "images",
                "index": {"table": "table.csv", "columns": columns},
                "read": {"image_size": 32},
                "split": {"validate_fraction": 0.2},
            },
            "tumour": {
                "kind": "slides",
                "root": "slides",
                "index": {"label": label | {"keep": ["BRCA", "KIRC"]}},
                "tiles": {"image_size": 32, "mpp": 0.5, "assume_mpp": 0.5},
                "split": {"validate_fraction": 0.25, "test_fraction": 0.25},
            },
        },
        "experiments": [
            {"name": "xray_ddpm", "cohort": "xray"} | ddpm,
            {"name": "tumour_ddpm", "cohort": "tumour", "family": "ddpm", "train": {"steps": 20}},
        ],
    }
    (folder / "my.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return folder


@pytest.fixture
def study(sound, tmp_path, monkeypatch) -> Path:
    """A copy of the folder, in which one then is."""
    folder = shutil.copytree(sound, tmp_path / "study")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MEDSYNTH_CONFIG", raising=False)
    monkeypatch.delenv("MIMIC_CXR", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setenv("PATH", "/nowhere")  # nor Slurm, whose other machines may have a GPU
    return folder


def changed(settings: dict[str, Any], place: str, value: Any) -> None:
    around: Any = settings
    *keys, last = place.split(".")
    for key in keys:
        around = around[int(key) if isinstance(around, list) else key]
    around[last] = value


def rewrite(study: Path, *changes: tuple[str, Any]) -> Path:
    file = study / "my.yaml"
    settings = yaml.safe_load(file.read_text())
    for place, value in changes:
        changed(settings, place, value)
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return file


def line_of(file: Path, words: str) -> int:
    """The last line that holds these words."""
    lines = file.read_text().splitlines()
    return max(number for number, line in enumerate(lines, 1) if words in line)


def told(file: Path) -> list[str]:
    return [str(mistake) for mistake in check_file(file).mistakes]


def test_a_sound_study_has_none(study, capsys):
    assert main(["check", "my.yaml"]) == OK
    said = capsys.readouterr().out
    assert "configuration: my.yaml (given)" in said and said.endswith("0 mistake(s)\n")
    assert "xray    images  24     24    20 of 20  2        8" in said
    assert "tumour  slides  8      8     8 of 8    2        4" in said


# Each: its number, what is changed, a word of its line, and what is told after the line.
QUICK = [
    (
        1,
        ("cohorts.xray.root", "imges"),
        "root: imges",
        "cohorts.xray.root: imges does not exist; {folder} has no imges: did you mean images?",
    ),
    (
        2,
        ("experiments.0.train.stepps", 10),
        "stepps",
        "experiments.xray_ddpm.train.stepps: is an unknown key; did you mean steps?",
    ),
    (
        3,
        ("cohorts.xray.index.columns.labels", "fnding"),
        "labels: fnding",
        "cohorts.xray.index.columns.labels: table.csv: no column fnding among the 3 of its first"
        " line, which should be its header; did you mean finding?",
    ),
    (
        8,
        ("cohorts.xray.read.image_size", 30),
        "multipliers",
        "experiments.xray_ddpm.train.unet.multipliers: 30 pixels cannot be halved 2 times; lower"
        " it, or set the cohort's image_size to a multiple of 4",
    ),
    (
        12,
        ("experiments.0.name", "xray-ddpm"),
        "xray-ddpm",
        "experiments.xray-ddpm.name: a name has lower-case letters, digits and _, a letter first --"
        " hint: you gave 'xray-ddpm'; write xray_ddpm",
    ),
    (
        13,
        ("cohorts.xray.root", "$MIMIC_CXR"),
        "MIMIC_CXR",
        "cohorts.xray.root: $MIMIC_CXR: the environment variable MIMIC_CXR is not set; set it"
        " before the call, as in export MIMIC_CXR=/path/to/the/data, or write the path itself",
    ),
    (
        15,
        ("experiments.1.family", "cyclegan"),
        "cyclegan",
        "experiments.tumour_ddpm.family: family cyclegan does not fit cohort kind slides: it is for"
        " translation; take {fitting}, or a cohort of another kind",
    ),
]


@pytest.mark.parametrize(
    ("change", "words", "message"), [q[1:] for q in QUICK], ids=[str(q[0]) for q in QUICK]
)
def test_a_mistake_that_needs_no_image(study, change, words, message):
    file = rewrite(study, change)
    if change[1] == "cyclegan":  # whose own settings are others
        file = rewrite(study, ("experiments.1.train", {"steps": 20}))
    tasks = KIND["slides"].tasks
    fitting = " or ".join(name for name, family in FAMILY.items() if family.task in tasks)
    message = message.format(folder=study, fitting=fitting)
    found = examine(read_yaml(file), [file]).mistakes
    assert [*map(str, found)] == [f"my.yaml:{line_of(file, words)}: {message}"]


def test_4_a_class_that_no_image_has(study):
    file = rewrite(study, ("cohorts.tumour.index.label.keep", ["BRAC", "KIRC"]))
    assert told(file)[-1] == (
        f"my.yaml:{line_of(file, 'index:')}: cohorts.tumour.index: no image has the class"
        " 'BRAC'; there are BRCA (4 patients), KIRC (4 patients); did you mean BRCA?"
    )
    file = rewrite(study, ("cohorts.xray.index.keep", {"finding": ["Pneumona", "Normal"]}))
    assert any("has no 'Pneumona', which index.keep asks for; did you mean Pneumonia?" in m
               for m in told(file))  # fmt: skip


def test_5_slides_and_table_of_other_patients(study):
    table = study / "projects.csv"
    table.write_text(table.read_text().replace("TCGA-AB", "TCGA-ZZ"))
    file = rewrite(study)
    found = check_file(file)
    assert [*map(str, found.mistakes)] == [
        f"my.yaml:{line_of(file, 'tumour:')}: cohorts.tumour: none of the 8 files is in the table"
        " of classes: files are called like aaaa-aa-0000-00a-00-aa0.aaa, look whether the table's"
        " column is, and has, the same; correct it, or give the table of these images"
    ]
    notes = [*map(str, found.notes)]
    assert any("cohorts.tumour.index: 0 of 8 files have a row in the tables" in n for n in notes)


def test_6_one_class(study):
    table = study / "table.csv"
    table.write_text(table.read_text().replace("Pneumonia", "Normal"))
    file = rewrite(study)
    assert told(file) == [
        f"my.yaml:{line_of(file, 'xray:')}: cohorts.xray: 1 class has images, and at least two are"
        " needed to judge what is generated: correct the labels"
    ]


def test_7_three_images(study):
    rows = (study / "table.csv").read_text().splitlines()
    (study / "table.csv").write_text("\n".join([rows[0], rows[1], rows[3], rows[-1]]))
    file = rewrite(study)
    place = f"my.yaml:{line_of(file, 'xray:')}: cohorts.xray: "
    found = told(file)
    assert all(mistake.startswith(place) for mistake in found)
    assert found[0] == (
        f"{place}2 of 2 classes have fewer than 3 patients: leave these out (keep: names the"
        " others), correct the column of the classes, or lower min_patients; summary.json of a"
        " cohort that has run counts them"
    )
    assert f"{place}no patient is in test: raise split.test_fraction, or add patients" in found


def test_9_a_gpu_asked_for_and_absent(study):
    file = rewrite(study, ("device", "cuda"))
    assert told(file) == [
        "my.yaml:2: device: cuda is asked for, and no GPU is here; write device: auto, which takes"
        " one where it is, or call it on a machine that has one"
    ]


def test_10_no_experiments(study):
    file = rewrite(study, ("experiments", []))
    assert told(file) == [
        f"my.yaml:{line_of(file, 'experiments')}: experiments: none is listed, so nothing is"
        " trained; add one, as in config/config.yaml"
    ]


def test_11_tabs(study, capsys):
    file = study / "my.yaml"
    file.write_text(file.read_text().replace("    kind: images", "\tkind: images"))
    assert main(["check", "my.yaml"]) == WRONG
    said = f"my.yaml:{line_of(file, 'kind: images')}: (whole file): a tab indents this line; put"
    assert f"MISTAKE: {said} spaces in its place, as YAML wants\n" in capsys.readouterr().out


def test_14_a_forgotten_file_is_named_with_the_reason(study, monkeypatch, capsys):
    (study / "config").mkdir()
    (study / "my.yaml").rename(study / "config" / "config.yaml")
    assert main(["check"]) == OK
    said = capsys.readouterr().out
    assert said.startswith(
        "configuration: config/config.yaml (the demo's, for no FILE was given, and MEDSYNTH_CONFIG"
        " is not set)\n"
    )
    Path("other.yaml").write_text("\tseed: 1")
    monkeypatch.setenv("MEDSYNTH_CONFIG", "other.yaml")
    assert main(["check"]) == WRONG
    assert "configuration: other.yaml (named by MEDSYNTH_CONFIG)" in capsys.readouterr().out


def test_many_at_once_are_told_in_the_order_of_their_lines_and_in_json(study, capsys):
    rewrite(study, *(q[1] for q in QUICK[:4]), ("experiments.1.cohort", "tumor"))
    assert main(["check", "my.yaml"]) == WRONG
    lines = [line for line in capsys.readouterr().out.splitlines() if "MISTAKE" in line]
    numbers = [int(line.split(":")[2]) for line in lines]
    assert len(lines) == 4 and numbers == sorted(numbers)
    assert any("there are: tumour, xray; did you mean tumour?" in line for line in lines)
    assert main(["check", "my.yaml", "--json"]) == WRONG
    places = yaml.safe_load(capsys.readouterr().out)["mistakes"]
    assert {mistake["place"] for mistake in places} >= {"experiments.xray_ddpm.train.stepps"}


def test_a_file_that_cannot_be_read_is_named_with_its_reason(study):
    (study / "images" / "x0.png").write_bytes(b"")
    (study / "images" / "x23.png").write_bytes(b"junk")
    found = check_file(rewrite(study, ("max_quarantined", 0.05)))
    notes = [note.text for note in found.notes if note.place == "cohorts.xray.root"]
    assert notes == [
        "x0.png: empty_file, the file has no bytes",
        "x23.png: not_image, the bytes are neither PNG, JPEG, TIFF, DICOM nor NIfTI",
    ]
    (mistake,) = found.mistakes
    assert mistake.text.startswith("2 of 20 files read cannot be used, and max_quarantined is 0.05")
    assert check_file(rewrite(study, ("max_quarantined", 0.1))).mistakes == []


def test_what_the_system_refuses_is_one_cohorts_mistake(study):
    file = rewrite(
        study,
        ("cohorts.xray.index.table", "images"),
        ("cohorts.tumour.root", "projects.csv"),
        ("experiments.1.cohort", "tumor"),
    )
    found = told(file)
    assert len(found) == 3
    assert any(
        f"my.yaml:{line_of(file, 'table: images')}: cohorts.xray.index.table: images: cannot be"
        " read (IsADirectoryError); it is a folder; name the file in it" in each
        for each in found
    )
    assert any("cohorts.tumour.root: projects.csv is a file; name the folder" in f for f in found)


def test_a_heading_that_stands_twice_is_told_by_the_header_alone(study):
    table = study / "table.csv"
    table.write_text(table.read_text().replace("image,patient", "image,finding"))
    file = rewrite(study, ("cohorts.xray.index.columns.patient", "finding"))
    found = [*map(str, examine(read_yaml(file), [file]).mistakes)]
    assert any("table.csv: column 'finding' stands twice; rename one" in each for each in found)


def test_words_written_in_several_ways_are_shown(study):
    table = study / "table.csv"
    table.write_text(table.read_text().replace("x0.png,p0,Normal", "x0.png,p0,normal"))
    assert any("only: 'Normal' and 'normal'; write" in each for each in told(rewrite(study)))


def test_snakemake_tells_the_same_at_once_and_nothing_else(sound, tmp_path, monkeypatch):
    checkout = Checkout(tmp_path / "medsynth")
    shutil.copytree(sound, checkout.folder, dirs_exist_ok=True)
    monkeypatch.chdir(checkout.folder)
    file = rewrite(checkout.folder, *(q[1] for q in QUICK[1:4]))
    said = checkout.snakemake("-n", "--configfile", "my.yaml", check=False)
    expected = [f"  {mistake}" for mistake in told(file)]
    assert said.returncode == 1 and len(expected) == 2
    assert said.stdout.splitlines()[-3:] == ["2 mistake(s) in the configuration:", *expected]
