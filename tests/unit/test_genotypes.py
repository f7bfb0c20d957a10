"""Genotype calls on hand-made tables whose answers are known."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from medsynth.cohorts.genotypes import (
    CODELETED,
    NON_CODELETED,
    WILDTYPE,
    call_codeletion,
    call_genotypes,
    call_idh,
    join_genotypes,
    read_clinical,
)
from medsynth.cohorts.maf import TableError
from medsynth.cohorts.segments import arm_losses
from medsynth.runtime.config.slides import Genotypes

MUTATIONS = [
    ("IDH1", "Missense_Mutation", "p.R132H", "TCGA-AA-0001-01A-11D-A27K-08"),
    ("TP53", "Missense_Mutation", "p.R248W", "TCGA-AA-0001-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R172K", "TCGA-AA-0002-01A-11D-A27K-08"),
    ("IDH1", "Silent", "p.R132=", "TCGA-AA-0003-01A-11D-A27K-08"),
    ("IDH1", "Nonsense_Mutation", "p.R132*", "TCGA-AA-0004-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R140Q", "TCGA-AA-0005-02A-11D-A27K-08"),
    ("IDH1", "Missense_Mutation", "p.R100Q", "TCGA-AA-0006-01A-11D-A27K-08"),
    ("IDH2", "Missense_Mutation", "p.R132H", "TCGA-AA-0007-01A-11D-A27K-08"),
]


def maf_text() -> str:
    header = "Hugo_Symbol\tVariant_Classification\tHGVSp_Short\tTumor_Sample_Barcode"
    rows = ["\t".join(m) for m in MUTATIONS]
    return "\n".join(["#version gdc-1.0.0", header, *rows]) + "\n"


def sample(name: str, p: float, q: float, level: float = 0.0) -> list[tuple]:
    """Segments of chromosomes 1, 2 and 19 in hg38: 1p and 19q at `p` and `q`, the rest level."""
    return [
        (name, "1", 3_000_000, 123_400_000, p + level),
        (name, "1", 124_000_000, 248_000_000, level),
        (name, "2", 10_000, 242_000_000, level),
        (name, "19", 200_000, 26_200_000, level),
        (name, "19", 26_200_000, 58_600_000, q + level),
    ]


def segments(*samples: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(sum(samples, []), columns=["sample", "chrom", "start", "end", "mean"])


def settings(folder: Path, clinical: str | None = None) -> Genotypes:
    (folder / "a.maf.gz").write_bytes(gzip.compress(maf_text().encode()))
    rows = segments(
        sample("TCGA-AA-0001-01A", -0.6, -0.6),
        sample("TCGA-AA-0002-01A", -0.6, 0.0),
        sample("TCGA-AA-0009-01A", 0.0, 0.0),
    )
    lines = ["GDC_Aliquot\tChromosome\tStart\tEnd\tNum_Probes\tSegment_Mean"]
    lines += [
        f"{r.sample}\tchr{r.chrom}\t{r.start}\t{r.end}\t99\t{r.mean}" for r in rows.itertuples()
    ]
    (folder / "b.grch38.seg.v2.txt").write_text("\n".join(lines) + "\n")
    if clinical is not None:
        (folder / "clinical.tsv").write_text(
            "case_submitter_id\tidh1_r132h_ihc\tcodeletion_fish\n" + clinical
        )
    return Genotypes(
        maf=[folder],
        segments=[folder],
        clinical=None if clinical is None else folder / "clinical.tsv",
    )


def test_idh_is_called_from_hotspot_missense_mutations_only() -> None:
    maf = pd.DataFrame(
        MUTATIONS,
        columns=["Hugo_Symbol", "Variant_Classification", "HGVSp_Short", "Tumor_Sample_Barcode"],
    )
    calls = call_idh(maf, [*maf["Tumor_Sample_Barcode"].str[:12], "TCGA-AA-0010"])
    mutant = calls[calls["idh"] == "mutant"]["idh_variant"]
    assert dict(mutant) == {
        "TCGA-AA-0001": "IDH1 p.R132H",
        "TCGA-AA-0002": "IDH2 p.R172K",
        "TCGA-AA-0005": "IDH2 p.R140Q",
    }
    assert calls.loc["TCGA-AA-0010", "idh"] == "wildtype"
    assert len(calls) == 8


def test_arm_loss_is_the_share_of_measured_bases() -> None:
    rows = segments(sample("TCGA-AA-0001-01A", -0.6, 0.0))
    rows.loc[0, "end"] = 33_000_000  # 30 Mb of 1p lost, 90.4 Mb kept
    rows.loc[len(rows)] = ("TCGA-AA-0001-01A", "1", 33_000_000, 123_400_000, 0.0)
    losses = arm_losses(rows, "hg38", -0.2).loc["TCGA-AA-0001-01A"]
    assert losses["loss_1p"] == pytest.approx(30.0 / 120.4, abs=1e-12)
    assert losses["loss_19q"] == 0.0


def test_arm_loss_ignores_the_other_arm_of_a_segment_over_the_centromere() -> None:
    rows = segments(
        [
            ("TCGA-AA-0001-01A", "1", 1, 248_000_000, -0.6),
            ("TCGA-AA-0001-01A", "2", 1, 242_000_000, 0.0),
            ("TCGA-AA-0001-01A", "3", 1, 198_000_000, 0.0),
            ("TCGA-AA-0001-01A", "19", 1, 26_200_000, -0.6),
            ("TCGA-AA-0001-01A", "19", 26_200_000, 58_000_000, 0.0),
        ]
    )
    losses = arm_losses(rows, "hg38", -0.2).loc["TCGA-AA-0001-01A"]
    assert (losses["loss_1p"], losses["loss_19q"]) == (1.0, 0.0)


def test_codeletion_follows_the_level_of_the_sample() -> None:
    rows = segments(
        sample("TCGA-AA-0001-01A", -0.6, -0.6, level=0.5),  # gained genome, both arms lost
        sample("TCGA-AA-0002-01A", 0.0, 0.0, level=-0.5),  # everything low alike: nothing lost
    )
    calls = call_codeletion(rows, "hg38", -0.2, 0.7)["codeletion"]
    assert bool(calls["TCGA-AA-0001"]) and not bool(calls["TCGA-AA-0002"])


def test_codeletion_is_called_from_the_primary_and_null_where_not_measured() -> None:
    unmeasured = sample("TCGA-AA-0002-01A", -0.6, -0.6)[:3]
    rows = segments(
        sample("TCGA-AA-0001-02A", -0.6, -0.6), sample("TCGA-AA-0001-01A", 0, 0), unmeasured
    )
    calls = call_codeletion(rows, "hg38", -0.2, 0.7)
    assert not bool(calls.loc["TCGA-AA-0001", "codeletion"])
    assert calls.loc["TCGA-AA-0002", "codeletion"] is pd.NA
    assert calls.loc["TCGA-AA-0002", "loss_1p"] == 1.0


def test_subtypes_sources_and_reasons(tmp_path: Path) -> None:
    calls = call_genotypes(settings(tmp_path)).set_index("case")
    assert calls.loc["TCGA-AA-0001", "subtype"] == CODELETED
    assert calls.loc["TCGA-AA-0002", "subtype"] == NON_CODELETED
    assert calls.loc["TCGA-AA-0003", "subtype"] == WILDTYPE
    assert pd.isna(calls.loc["TCGA-AA-0005", "subtype"])
    assert calls.loc["TCGA-AA-0005", "reason"] == "IDH-mutant, 1p/19q unknown"
    assert calls.loc["TCGA-AA-0009", "reason"] == "IDH unknown"
    assert calls.loc["TCGA-AA-0001", ["idh_source", "codeletion_source"]].tolist() == [
        "sequencing",
        "copy_number",
    ]


def test_assays_fill_gaps_and_never_overrule(tmp_path: Path) -> None:
    clinical = (
        "TCGA-AA-0001\tnegative\tintact\n"  # both contradict
        "TCGA-AA-0002\tnegative\t'--\n"  # IDH2 mutation: the stain cannot see it, no conflict
        "TCGA-AA-0003\tpositive\t\n"  # contradicts the wildtype
        "TCGA-AA-0005\t\tcodeleted\n"  # fills 1p/19q
        "TCGA-AA-0009\tnegative\t\n"  # a negative stain alone proves nothing
        "TCGA-AA-0011\tPositive\tIntact\n"  # fills both
    )
    calls = call_genotypes(settings(tmp_path, clinical)).set_index("case")
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
        "TCGA-AA-0001": "idh1_r132h_ihc codeletion_fish",
        "TCGA-AA-0003": "idh1_r132h_ihc",
    }
    assert calls.loc["TCGA-AA-0005", "codeletion_source"] == "fish"
    assert calls.loc["TCGA-AA-0011", "idh_source"] == "ihc"


def test_clinical_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "clinical.csv"
    head = "case_submitter_id,idh1_r132h_ihc,codeletion_fish\n"
    path.write_text(head + "TCGA-AA-0001,maybe,\n")
    with pytest.raises(TableError, match="'maybe'"):
        read_clinical(path)
    path.write_text(head + "TCGA-AA-0001,positive,\nTCGA-AA-0001,negative,\n")
    with pytest.raises(TableError, match="both things of 1 case"):
        read_clinical(path)
    path.write_text("case_submitter_id,codeletion_fish\n")
    with pytest.raises(TableError, match="no column idh1_r132h_ihc"):
        read_clinical(path)


def test_slides_without_a_class_are_excluded(tmp_path: Path) -> None:
    calls = call_genotypes(settings(tmp_path))
    index = pd.DataFrame(
        {
            "group": ["s1", "s1", "s2", "s3", "s4"],
            "patient": ["TCGA-AA-0001"] * 3 + ["TCGA-AA-0005", "TCGA-ZZ-9999"],
        }
    )
    labels = join_genotypes(index, calls)
    assert labels["group"].tolist() == ["s1", "s2", "s3", "s4"]
    assert labels["label"].tolist()[:2] == [CODELETED, CODELETED]
    assert labels["status"].tolist() == ["used", "used", "excluded", "excluded"]
    assert labels["reason"].isna().tolist() == [True, True, False, False]
    assert set(labels["reason"].dropna()) == {"no_genotype"}
