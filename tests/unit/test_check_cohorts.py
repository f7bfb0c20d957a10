"""What a check tells of a cohort: some of its files are read, and what it guesses it calls so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from PIL import Image

import medsynth.check.cohort as of_cohort
import medsynth.check.machine as of_machine
from medsynth.check.cohort import check_cohort
from medsynth.check.findings import Findings
from medsynth.check.machine import check_machine, images_gb
from medsynth.check.trial import FILES
from medsynth.check.whole import check_file
from medsynth.config.schema import Config
from medsynth.demo.cases import glioma_cases
from medsynth.demo.ct import write_ct
from medsynth.demo.genomics import write_genomics
from tests.unit.slide_files import picture

CASES = 3


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    write_ct(folder / "ct", 2, seed=1)
    (folder / "slides").mkdir()
    for case in glioma_cases(CASES):
        name = f"{case.barcode}-01Z-00-DX1.png"
        Image.fromarray(picture()).save(folder / "slides" / name)
    write_genomics(folder / "tables", CASES, seed=1)
    return folder


def config_of(raw: Path, cohort: str = "ct", **more) -> Config:
    ct = {"kind": "ct", "root": raw / "ct", "index": {"label": {"kind": "tags"}}}
    tables = {name: [raw / "tables" / name] for name in ("maf", "segments")}
    slides = {
        "kind": "slides",
        "root": raw / "slides",
        "index": {"label": {"kind": "genotype"}},
        "tiles": {"image_size": 32, "mpp": 0.5, "assume_mpp": 0.5},
        "genotypes": tables,
    }
    settings = {"ct": ct, "slides": slides}[cohort] | more.pop("settings", {})
    return Config.model_validate({"cohorts": {"one": settings}, "min_patients": 1} | more)


def told_of(config: Config, trained: bool = True) -> Findings:
    told = Findings()
    check_cohort("one", config.cohorts["one"], config, trained, told)
    return told


def test_slices_of_series_that_become_volumes_are_read_alone(raw):
    convert = {"spacing_mm": 2.0, "registration": {}, "nifti": True}
    (row,) = told_of(config_of(raw, settings={"convert": convert})).cohorts
    assert row["read"] == f"{FILES} of {FILES}"
    assert (row["files"], row["classes"]) == (len([*(raw / "ct").rglob("*.dcm")]), 2)


def test_of_many_files_whose_header_must_be_read_some_are_and_it_is_said(raw, monkeypatch):
    monkeypatch.setattr(of_cohort, "MOST_OPENED", 12)
    told = told_of(config_of(raw, min_patients=100))
    (row,) = told.cohorts
    files = len([*(raw / "ct").rglob("*.dcm")])
    assert row["files"] == files and row["used"] <= files
    assert any(f"of {files} files 12, evenly spread, were looked at" in n.text for n in told.notes)
    assert told.mistakes == []  # too few patients of some files is nothing wrong


def test_the_fitness_of_a_cohort_matters_if_something_is_trained_on_it(raw):
    split = {"split": {"few": {"ct": 9}}}
    config = config_of(raw, min_patients=100, settings=split)
    told = told_of(config)
    assert "100 are needed" in told.mistakes[0].text
    assert any("9 patients of ct make nothing rare" in str(note) for note in told.notes)
    told = told_of(config, trained=False)
    assert told.mistakes == [] and any("100 are needed" in note.text for note in told.notes)


def test_genotypes_are_called_unless_their_tables_are_large(raw, monkeypatch):
    told = told_of(config_of(raw, "slides"))
    assert told.cohorts[0]["classes"] == 1 and told.cohorts[0]["used"] < CASES
    assert any("have a row in the tables" in note.text for note in told.notes)
    monkeypatch.setattr(of_cohort, "MOST_BYTES", 10)
    told = told_of(config_of(raw, "slides"))
    assert "classes" not in told.cohorts[0]
    assert any("were not read: the workflow counts" in note.text for note in told.notes)


def test_a_table_that_cannot_be_used_is_a_mistake(raw, tmp_path):
    (tmp_path / "junk.maf").write_text("Hugo_Symbol\n")
    tables = {"maf": [tmp_path / "junk.maf"]}
    told = told_of(config_of(raw, "slides", settings={"genotypes": tables}))
    assert told.cohorts == [] and "junk.maf" in told.mistakes[0].text


def test_space_is_estimated_from_settings_and_counts(raw, monkeypatch):
    sample = {"per_class": 10}
    experiment = {"name": "a", "family": "ddpm", "cohort": "one", "sample": sample}
    config = config_of(raw, "slides", experiments=[experiment])
    tile = 32 * 32 * 3
    row = {"cohort": "one", "used": 5, "classes": 2}
    expected = (5 * config.cohorts["one"].tiles.max_tiles + 10 * 2) * tile / 1e9
    assert images_gb(config, [row]) == pytest.approx(expected)
    told = Findings()
    check_machine(config, [row], told)
    assert told.mistakes == [] and all("an estimate" in note.text for note in told.notes)
    monkeypatch.setattr(of_machine, "free_gb", lambda folder: 0.05)
    check_machine(config, [row], told)
    assert "0.1 GB are free: choose another disk" in told.mistakes[0].text


def test_what_the_workflow_will_bring_is_no_mistake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cart").mkdir()
    (tmp_path / "cart.txt").write_text("id\n")
    cohort = {"kind": "ct", "root": "cart", "index": {"label": {"kind": "tags"}}}
    fetch = {"kind": "gdc", "manifest": "cart.txt", "destination": "cart"}
    experiment = {"name": "a", "family": "cyclegan", "cohort": "one"}
    settings = {"cohorts": {"one": cohort}, "fetch": {"a": fetch}, "experiments": [experiment]}
    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump(settings))
    told = check_file(file)
    assert told.mistakes == []
    assert any("cart is not there yet: the workflow brings it" in str(note) for note in told.notes)
    (tmp_path / "cart" / "MANIFEST.txt").write_text("downloaded, but no CT")
    assert "no file matches '**/*.dcm'" in check_file(file).mistakes[0].text
