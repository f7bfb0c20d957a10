"""Genotype calls on hand-made tables whose answers are known."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from medsynth.genomics.barcodes import parse_tumours
from medsynth.genomics.glioma import (
    CODELETED,
    NON_CODELETED,
    WILDTYPE,
    call_genotypes,
    join_genotypes,
)
from medsynth.genomics.mutations.maf import call_idh, read_maf
from medsynth.genomics.settings import Genotypes
from medsynth.store.wording import REASONS

MUTATIONS = [
    ("IDH1", "Missense_Mutation", "p.R132H", "TCGA-AA-0001-01A-11D-A27K-08"),
    ("TP53", "Missense_Mutation", "p.R248W", "TCGA-AA-0001-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R172K", "TCGA-AA-0002-01A-11D-A27K-08"),
    ("IDH1", "Silent", "p.R132=", "TCGA-AA-0003-01A-11D-A27K-08"),
    ("IDH1", "Nonsense_Mutation", "p.R132*", "TCGA-AA-0004-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R140Q", "TCGA-AA-0005-02A-11D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R100Q", "TCGA-AA-0006-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R132H", "TCGA-AA-0007-01A-11D-A27K-08"),
    # primary and recurrence; two vials; a normal; lower case; two aliquots
    ("IDH1", "Missense_Mutation", "p.R132H", "TCGA-AA-0021-02A-11D-A27K-08"),
    ("TP53", "Missense_Mutation", "p.R248W", "TCGA-AA-0021-01A-11D-A27K-08"),
    ("TP53", "Missense_Mutation", "p.R248W", "TCGA-AA-0022-01B-11D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R132S", "TCGA-AA-0022-01A-11D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R132H", "TCGA-AA-0023-10A-01D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R132C", "tcga-aa-0024-01a-11d-a27k-08"),
    ("TP53", "Missense_Mutation", "p.R248W", "TCGA-AA-0025-01A-11D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R132G", "TCGA-AA-0025-01A-12W-A27L-08"),
    ("IDH1", "Missense_Mutation", "p.R132H", "TCGA-AA-0026-01"),
    ("IDH1", "Missense_Mutation", "p.R132H", "no barcode"),
]
MAF_COLUMNS = ["Hugo_Symbol", "Variant_Classification", "HGVSp_Short", "Tumor_Sample_Barcode"]


def maf_text(rows: list[tuple[str, ...]] = MUTATIONS[:8]) -> str:
    rows = ["\t".join(row) for row in rows]
    return "\n".join(["#version gdc-1.0.0", "\t".join(MAF_COLUMNS), *rows]) + "\n"


def settings(folder: Path, clinical: str | None = None, **others: object) -> Genotypes:
    (folder / "a.maf.gz").write_bytes(gzip.compress(maf_text().encode()))
    lines = ["GDC_Aliquot\tChromosome\tStart\tEnd\tNum_Probes\tSegment_Mean"]
    for case, p, q in (("0001", -0.6, -0.6), ("0002", -0.6, 0.0), ("0009", 0.0, 0.0)):
        name = f"TCGA-AA-{case}-01A"
        lines += [f"{name}\tchr1\t3000000\t123400000\t99\t{p}"]
        lines += [f"{name}\tchr2\t10000\t242000000\t99\t0.0"]
        lines += [f"{name}\tchr19\t26200000\t58600000\t99\t{q}"]
    (folder / "b.grch38.seg.v2.txt").write_text("\n".join(lines) + "\n")
    if clinical is not None:
        (folder / "clinical.tsv").write_text(
            "case_submitter_id\tidh1_r132h_ihc\tcodeletion_fish\n" + clinical
        )
    return Genotypes(
        maf=[folder],
        segments=[folder],
        clinical=None if clinical is None else folder / "clinical.tsv",
        **others,
    )


def called(settings: Genotypes) -> pd.DataFrame:
    return call_genotypes(settings)[0].set_index("case")


def test_idh_is_called_from_hotspot_missense_mutations_only(tmp_path: Path) -> None:
    (tmp_path / "a.maf").write_text(maf_text(MUTATIONS))
    mutations, samples = read_maf(tmp_path / "a.maf")
    tumours = parse_tumours([*samples, "TCGA-AA-0010-01A"])
    calls = call_idh(mutations, tumours, covered=True)
    assert calls[calls["idh"] == "mutant"]["idh_variant"].to_dict() == {
        "TCGA-AA-0001": "IDH1 p.R132H",
        "TCGA-AA-0002": "IDH2 p.R172K",
        "TCGA-AA-0005": "IDH2 p.R140Q",  # known from its recurrence only
        "TCGA-AA-0022": "IDH1 p.R132S",  # vial A, not B
        "TCGA-AA-0024": "IDH1 p.R132C",
        "TCGA-AA-0025": "IDH1 p.R132G",  # one aliquot of the sample has it
        "TCGA-AA-0026": "IDH1 p.R132H",
    }
    wildtype = calls.index[calls["idh"] == "wildtype"]
    assert set(wildtype) == {f"TCGA-AA-{n:04d}" for n in (3, 4, 6, 7, 10, 21)}  # 21: its primary
    assert calls.loc[["TCGA-AA-0005", "TCGA-AA-0021"], "idh_sample"].tolist() == [
        "TCGA-AA-0005-02A",
        "TCGA-AA-0021-01A",
    ]


@pytest.mark.parametrize(
    ("covered", "reason"), [(False, "idh_not_covered"), (None, "idh_coverage_unknown")]
)
def test_no_mutation_means_nothing_where_the_hotspots_may_be_unseen(
    tmp_path: Path, covered: bool | None, reason: str
) -> None:
    (tmp_path / "a.maf").write_text(maf_text(MUTATIONS))
    mutations, samples = read_maf(tmp_path / "a.maf")
    calls = call_idh(mutations, parse_tumours(samples), covered)
    assert set(calls["idh"].dropna()) == {"mutant"}
    assert calls.loc["TCGA-AA-0003", "idh_reason"] == reason
    # With the primary silent, the recurrence tells.
    assert calls.loc["TCGA-AA-0021", "idh_sample"] == "TCGA-AA-0021-02A"
    assert calls["idh_reason"].isna().tolist() == calls["idh"].notna().tolist()


def test_subtypes_sources_and_reasons(tmp_path: Path) -> None:
    calls = called(settings(tmp_path))
    assert calls.loc["TCGA-AA-0001", "subtype"] == CODELETED
    assert calls.loc["TCGA-AA-0002", "subtype"] == NON_CODELETED
    assert calls.loc["TCGA-AA-0003", "subtype"] == WILDTYPE
    assert pd.isna(calls.loc["TCGA-AA-0005", "subtype"])
    assert calls.loc["TCGA-AA-0005", "reason"] == "codeletion_missing"
    assert calls.loc["TCGA-AA-0009", "reason"] == "idh_missing"
    assert calls.loc["TCGA-AA-0009", "missing"] == "sequencing ihc fish pcr_loh"
    assert calls.loc["TCGA-AA-0003", "missing"] == "ihc copy_number fish pcr_loh"
    sources = ["idh_source", "idh_sample", "codeletion_source", "codeletion_sample"]
    assert calls.loc["TCGA-AA-0001", sources].tolist() == [
        "sequencing",
        "TCGA-AA-0001-01A",
        "copy_number",
        "TCGA-AA-0001-01A",
    ]
    assert set(calls["reason"].dropna()) <= set(REASONS)


def test_assays_fill_gaps_and_never_overrule(tmp_path: Path) -> None:
    clinical = (
        "TCGA-AA-0001\tnegative\tintact\n"  # both contradict
        "TCGA-AA-0002\tnegative\t'--\n"  # IDH2 mutation: the stain cannot see it, no conflict
        "TCGA-AA-0003\tpositive\t\n"  # contradicts the wildtype
        "TCGA-AA-0005\t\tcodeleted\n"  # fills 1p/19q
        "TCGA-AA-0009\tnegative\t\n"  # a negative stain alone proves nothing
        "TCGA-AA-0011\tPositive\tIntact\n"  # fills both
    )
    calls = called(settings(tmp_path, clinical))
    assert calls["subtype"].dropna().to_dict() == {
        "TCGA-AA-0001": CODELETED,
        "TCGA-AA-0002": NON_CODELETED,
        "TCGA-AA-0003": WILDTYPE,
        "TCGA-AA-0004": WILDTYPE,
        "TCGA-AA-0005": CODELETED,
        "TCGA-AA-0006": WILDTYPE,
        "TCGA-AA-0007": WILDTYPE,
        "TCGA-AA-0011": NON_CODELETED,
    }
    assert calls["conflict"].dropna().to_dict() == {
        "TCGA-AA-0001": "ihc fish",
        "TCGA-AA-0003": "ihc",
    }
    assert calls.loc["TCGA-AA-0005", "codeletion_source"] == "fish"
    assert calls.loc["TCGA-AA-0011", "idh_source"] == "ihc"
    assert calls.loc["TCGA-AA-0009", "reason"] == "idh_incomplete"


def test_slides_without_a_class_are_excluded(tmp_path: Path) -> None:
    calls = called(settings(tmp_path)).reset_index()
    index = pd.DataFrame(
        {
            "group": ["s1", "s1", "s2", "s3", "s4", "s5"],
            "patient": [*["TCGA-AA-0001"] * 3, "TCGA-AA-0005", "TCGA-ZZ-9999", "tcga-aa-0003"],
        }
    )
    labels = join_genotypes(index, calls)
    assert labels["group"].tolist() == ["s1", "s2", "s3", "s4", "s5"]
    assert labels["label"].dropna().tolist() == [CODELETED, CODELETED, WILDTYPE]
    assert labels["status"].tolist() == ["used", "used", "excluded", "excluded", "used"]
    assert labels["reason"].dropna().tolist() == ["codeletion_missing", "no_genotype"]
