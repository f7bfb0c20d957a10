"""The demo's genomic tables lead back to the genotypes that the slides were drawn from."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from medsynth.demo.cases import SUBTYPES, glioma_cases
from medsynth.demo.genomics import MAF_COLUMNS, write_genomics
from medsynth.genomics.glioma import call_genotypes
from medsynth.genomics.settings import Genotypes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("genomics")
    write_genomics(folder, 18, 7)
    return folder


@pytest.mark.parametrize("folders", [("maf", "segments"), (".", ".")])
def test_calls_equal_the_truth(root: Path, folders: tuple[str, str]) -> None:
    settings = Genotypes(
        maf=[root / folders[0]], segments=[root / folders[1]], clinical=root / "clinical.tsv"
    )
    calls, quarantine, _ = call_genotypes(settings)
    assert quarantine.empty
    calls = calls.set_index("case")
    cases = glioma_cases(18)
    assert calls.index.tolist() == [c.barcode for c in cases]
    for case in cases[:-1]:
        assert calls.loc[case.barcode, "subtype"] == case.subtype
    assert pd.isna(calls.loc[cases[-1].barcode, "subtype"])
    assert calls.loc[cases[-2].barcode, ["idh_source", "codeletion_source"]].tolist() == [
        "ihc",
        "fish",
    ]
    assert calls["conflict"].isna().all()
    assert calls["loss_1p"].between(0.4, 0.6).any()  # the partial loss that is no codeletion


def test_mafs_have_the_form_of_the_gdc(root: Path) -> None:
    paths = sorted(root.glob("maf/*/*.wxs.aliquot_ensemble_masked.maf.gz"))
    assert len(paths) == 16
    lines = gzip.decompress(paths[0].read_bytes()).decode().splitlines()
    assert lines[0] == "#version gdc-1.0.0"
    assert lines[6].split("\t") == MAF_COLUMNS
    assert len(MAF_COLUMNS) == 125
    assert {len(line.split("\t")) for line in lines[6:]} == {125}


def test_segments_name_samples_by_uuid_as_the_gdc_does(root: Path) -> None:
    sheet = pd.read_csv(root / "segments" / "gdc_sample_sheet.tsv", sep="\t")
    assert set(sheet["Sample Type"]) == {"Primary Tumor", "Blood Derived Normal"}
    first = sheet.iloc[0]
    frame = pd.read_csv(root / "segments" / first["File ID"] / first["File Name"], sep="\t")
    assert frame.columns.tolist() == [
        *("GDC_Aliquot", "Chromosome", "Start", "End", "Num_Probes", "Segment_Mean")
    ]
    assert frame["GDC_Aliquot"].str.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").all()


def test_cases_are_balanced_and_independent_of_their_number() -> None:
    cases = glioma_cases(36)
    assert [sum(c.subtype == s for c in cases) for s in SUBTYPES] == [12, 12, 12]
    assert glioma_cases(12)[:9] == cases[:9]
