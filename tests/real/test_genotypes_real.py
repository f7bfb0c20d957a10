"""Agreement with the published calls of Ceccarelli et al. 2016 on TCGA's lower-grade gliomas."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from medsynth.genomics.glioma import CODELETED, NON_CODELETED, WILDTYPE, call_genotypes
from medsynth.genomics.settings import Genotypes

DATA = Path(
    os.environ.get("MEDSYNTH_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
TABLES = DATA / "tcga-tables"
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason=f"no real tables in {TABLES}")


@pytest.fixture(scope="module")
def both() -> pd.DataFrame:
    settings = Genotypes(
        maf=[TABLES / "DERIVED_MC3_LGG.maf.tsv.gz"],
        segments=[TABLES / "lgg_tcga.tumor_and_normal_hg19.seg"],
        build="hg19",
    )
    published = pd.read_csv(
        TABLES / "lgggbm_tcga_pub.data_clinical_sample.tmb2020.txt", sep="\t", comment="#"
    )
    calls, quarantine, _ = call_genotypes(settings)
    assert quarantine.empty
    return calls.merge(published, left_on="case", right_on="SAMPLE_ID")


@pytest.mark.parametrize(
    ("ours", "theirs", "names", "cases", "agreement"),
    [
        ("idh", "IDH_STATUS", {"Mutant": "mutant", "WT": "wildtype"}, 511, 0.996),
        ("codeletion", "IDH_1P19Q_SUBTYPE", {"Codel": True, "Non-codel": False}, 513, 0.996),
        (
            "subtype",
            "IDH_CODEL_SUBTYPE",
            {
                "IDHwt": WILDTYPE,
                "IDHmut-non-codel": NON_CODELETED,
                "IDHmut-codel": CODELETED,
            },
            510,
            0.992,
        ),
    ],
)
def test_agreement(
    both: pd.DataFrame, ours: str, theirs: str, names: dict, cases: int, agreement: float
) -> None:
    compared = both[both[ours].notna() & both[theirs].notna()]
    assert len(compared) >= cases
    differ = compared[compared[ours] != compared[theirs].map(names)]
    listed = differ[["case", ours, theirs, "loss_1p", "loss_19q"]].to_string(index=False)
    share = 1 - len(differ) / len(compared)
    print(f"{ours}: {share:.2%} of {len(compared)}\n{listed}")  # shown by pytest -s
    assert share >= agreement, listed


def test_the_wrong_wildtypes_rest_on_a_silent_exome(both: pd.DataFrame) -> None:
    wrong = both[(both["idh"] == "wildtype") & (both["IDH_STATUS"] == "Mutant")]
    assert len(wrong) <= 2
    assert set(wrong["idh_rests_on"]) <= {"silent_exome"}
    assert set(both.loc[both["idh"] == "mutant", "idh_rests_on"]) == {"mutation"}
    silent = both["idh_rests_on"] == "silent_exome"
    print(f"{silent.sum()} calls rest on a silent exome, {len(wrong)} of them are wrong")


def test_the_published_table_gives_its_own_classes() -> None:
    """Its headings and words are known: every case is called as the table says."""
    path = TABLES / "lgggbm_tcga_pub.data_clinical_sample.tmb2020.txt"
    published = pd.read_csv(path, sep="\t", comment="#").set_index("SAMPLE_ID")
    calls, quarantine, _ = call_genotypes(Genotypes(clinical=path))
    assert quarantine.empty
    calls = calls.set_index("case")
    names = {"Mutant": "mutant", "WT": "wildtype"}
    told = published["IDH_STATUS"].dropna().map(names)
    assert calls["idh"].dropna().to_dict() == told.to_dict()
    told = published["IDH_1P19Q_SUBTYPE"].dropna() == "Codel"
    assert calls["codeletion"].dropna().astype(bool).to_dict() == told.to_dict()
    names = {"IDHwt": WILDTYPE, "IDHmut-non-codel": NON_CODELETED, "IDHmut-codel": CODELETED}
    told = published["IDH_CODEL_SUBTYPE"].dropna().map(names)
    assert calls.loc[told.index, "subtype"].to_dict() == told.to_dict()


def test_every_published_codeletion_is_found(both: pd.DataFrame) -> None:
    published = both[(both["IDH_1P19Q_SUBTYPE"] == "Codel") & both["codeletion"].notna()]
    assert len(published) >= 165
    assert published["codeletion"].all()


def test_random_and_headed_only_files_of_the_gdc_are_set_aside() -> None:
    """Two files of random cells name no case; three hold nothing below their headers."""
    settings = Genotypes(
        maf=[TABLES / "gdc-aliquot-maf", TABLES / "DERIVED_MC3_LGG.maf.tsv.gz"],
        segments=[TABLES / "lgg_tcga.tumor_and_normal_hg19.seg"],
        build="hg19",
    )
    calls, quarantine, _ = call_genotypes(settings)
    assert quarantine["source"].str.startswith("example_").tolist() == [True, True]
    assert set(quarantine["reason"]) == {"no_sample_barcode"}
    assert calls["subtype"].notna().sum() == 510


def test_silence_of_an_unknown_panel_is_no_wildtype() -> None:
    settings = Genotypes(
        maf=[TABLES / "DERIVED_MC3_LGG.maf.tsv.gz"],
        segments=[TABLES / "lgg_tcga.tumor_and_normal_hg19.seg"],
        build="hg19",
        coverage="unknown",
    )
    calls, _, _ = call_genotypes(settings)
    assert set(calls["idh"].dropna()) == {"mutant"}
    assert (calls["reason"] == "idh_coverage_unknown").sum() == 95
