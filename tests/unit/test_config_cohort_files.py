"""Which cohorts there are and which files they need."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from medsynth.cohorts.ct.settings import CtCohort
from medsynth.cohorts.kinds import KIND
from medsynth.cohorts.settings import FIELD_OF, CohortSettings
from medsynth.config.cohort_files import CohortFiles
from medsynth.config.loading import parse_config
from medsynth.config.raw_paths import raw_paths
from medsynth.runtime.settings import Settings
from medsynth.store.layout import Layout

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
HERE = "results/cohorts"


@pytest.fixture
def raw():
    return copy.deepcopy(DEMO)


def files_of(raw: dict) -> CohortFiles:
    return CohortFiles(parse_config(raw), Layout(raw["results_dir"]))


def test_a_data_set_of_the_demo_is_one_folder(raw):
    files = files_of(raw)
    assert files.root("cxr") == files.reports("cxr") == "results/demo/mimic-cxr"
    assert files.genotype_tables("glioma") == ["results/demo/tcga-genomics"]
    assert files.index_tables("cxr") == files.cohort_receipts("cxr") == []


def test_what_a_download_brings_is_its_destination_and_waits_for_its_receipt(raw, tmp_path):
    cxr, genotypes = raw["cohorts"]["cxr"], raw["cohorts"]["glioma"]["genotypes"]
    raw["experiments"] = [
        e for e in raw["experiments"] if "sample" in e and "text" not in e["train"]
    ]
    cxr |= {"root": f"{tmp_path}/cxr", "reports": None, "tables": f"{tmp_path}/jpg/tables"}
    genotypes["maf"] = [f"{tmp_path}/gdc/maf"]
    raw["fetch"] = {
        name: {"kind": "physionet", "destination": f"{tmp_path}/{name}", "projects": [{"path": p}]}
        for name, p in {"cxr": "mimic-cxr/2.1.0", "jpg": "jpg/1", "gdc": "x/1"}.items()
    }
    files = files_of(raw)
    assert files.root("cxr") == f"{tmp_path}/cxr"
    # Not there yet, but to come.
    assert files.index_tables("cxr") == [f"{tmp_path}/jpg"]
    assert files.cohort_receipts("cxr") == [f"results/fetch/{n}.parquet" for n in ("cxr", "jpg")]
    assert f"{tmp_path}/gdc" in files.genotype_tables("glioma")
    assert files.genotype_receipts("glioma") == ["results/fetch/gdc.parquet"]
    assert files.cohort_receipts("ct") == []


def test_only_tables_that_are_there_are_read(raw, tmp_path):
    raw["cohorts"]["cxr"]["tables"] = str(tmp_path)
    there = tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz"
    there.touch()
    assert files_of(raw).index_tables("cxr") == [str(there)]


def test_whatever_a_kind_names_beside_its_folder_is_read_by_the_index(raw, tmp_path, monkeypatch):
    patients = tmp_path / "patients.csv"
    patients.touch()
    named = CtCohort.raw_paths
    monkeypatch.setattr(CtCohort, "raw_paths", lambda ct: named(ct) | {"index.people": [patients]})
    raw["cohorts"]["ct"]["root"] = str(tmp_path)
    raw["cohorts"]["ct"]["convert"].pop("truth", None)
    assert files_of(raw).index_tables("ct") == [str(patients)]
    config = parse_config(raw)
    assert patients in raw_paths(config)  # so that logs hide what lies below


@pytest.mark.parametrize("kind", KIND.values())
def test_a_kind_says_what_reads_its_raw_paths(kind):
    """A key that no path has would leave a table without a reader."""
    assert set(kind.read_later) <= set(kind.model_fields)
    assert set(kind.read_later) <= {FIELD_OF[made] for made in kind.provides}


def test_sample_sheets_beside_single_files_are_read_with_them(raw, tmp_path):
    maf, sheet, panel = (tmp_path / n for n in ("a.maf", "gdc_sample_sheet.1.tsv", "panel.bed"))
    for path in (maf, sheet, panel):
        path.touch()
    genotypes = raw["cohorts"]["glioma"]["genotypes"]
    genotypes |= {"maf": [str(maf)], "segments": [], "clinical": None, "coverage": str(panel)}
    assert files_of(raw).genotype_tables("glioma") == sorted(map(str, (maf, sheet, panel)))
    # The sheets within a folder are part of it.
    genotypes |= {"maf": [str(tmp_path)], "coverage": "exome"}
    assert files_of(raw).genotype_tables("glioma") == [str(tmp_path)]


def test_models_see_the_normalised_shards_where_there_are_some(raw):
    raw["cohorts"]["glioma"]["index"]["shards"] = 2
    plain = files_of(raw)
    assert plain.images("glioma") == [f"{HERE}/glioma/shards/{i}.h5" for i in range(2)]
    raw["cohorts"]["glioma"]["stain"] = {"method": "macenko"}
    files = files_of(raw)
    assert files.images("glioma") == [f"{HERE}/glioma/normalised/{i}.h5" for i in range(2)]
    assert "normalised" not in files.images("ct")[0]
    added = set(files.counts()) - set(plain.counts())
    assert added == {f"{HERE}/glioma/stain.json", f"{HERE}/glioma/normalised.json"}


def test_rules_pick_cohorts_by_what_the_kind_says_not_by_names_of_fields(raw):
    class Reported(Settings):
        nifti: bool = True

    class Look(CohortSettings):
        provides: ClassVar = ("pairs",)
        reports: str = "a field of its own"
        stain: str = "another"
        pair: Reported = Reported()

        def shard_settings(self):
            return Reported()

    files = files_of(raw)
    files.cohorts["look"] = Look()
    made = {name: "look" in files.providing(name) for name in FIELD_OF}
    assert made == dict.fromkeys(FIELD_OF, False) | {"pairs": True}


@pytest.mark.parametrize(
    ("provides", "why"),
    [(("stain",), "provides stain, and so needs a field stain"), (("masks",), "there are: ")],
)
def test_a_kind_that_provides_what_it_has_no_settings_for_is_refused(provides, why):
    with pytest.raises(TypeError, match=f"Toy provides .*{why}|Toy {why}"):
        type("Toy", (CohortSettings,), {"provides": provides, "__annotations__": {}})


def test_cohorts_are_told_apart_by_what_they_have(raw):
    raw["cohorts"]["ct"]["convert"].pop("truth", None)
    raw["cohorts"]["ct"]["convert"]["nifti"] = True
    files = files_of(raw)
    assert (files.providing("nifti"), files.without("nifti")) == (["ct"], ["cxr", "glioma"])
    assert files.labels("glioma") == [f"{HERE}/glioma/labels.parquet"]
    assert files.labels("cxr") == []
    assert files.counts() == [
        f"{HERE}/{name}.json"
        for name in ("cxr/reports", "cxr/texts", "glioma/calls", "ct/pairs", "glioma/patients")
    ]
