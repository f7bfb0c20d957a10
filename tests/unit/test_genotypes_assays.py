"""Barcodes, assays of the clinical table, and which of several assays decides."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from medsynth.config.loading import load_config
from medsynth.config.mistakes import ConfigError
from medsynth.genomics.assays import read_clinical
from medsynth.genomics.barcodes import cases_within, parse_barcodes, parse_tumours
from medsynth.genomics.glioma import CODELETED, NON_CODELETED, WILDTYPE, call_genotypes
from medsynth.genomics.settings import AssayColumns, Genotypes
from medsynth.store.tables.header import TableError
from medsynth.store.wording import REASONS

COLUMNS = AssayColumns(case="id", ihc="stain", fish="fish", pcr_loh="loh", age="age")
HEAD = "id\tstain\tfish\tloh\tage\n"
CODE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=4)


@st.composite
def barcodes(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A barcode of any length, and its parts."""
    case = f"TCGA-{draw(CODE)[:2]}-{draw(CODE)}"
    levels = draw(st.integers(0, 4))
    kind = draw(st.integers(1, 20)) if levels else None
    vial = draw(st.sampled_from("ABZ")) if levels > 1 else ""
    tails = ["-00-DX1", "-11D", f"-11D-{draw(CODE)}-08", "-21"]
    rest = draw(st.sampled_from(tails)) if levels > 2 else ""
    sample = case if kind is None else f"{case}-{kind:02d}{vial}"
    suffix = ".23b6e12e-dfc1" if levels > 3 else ""
    parts = {"case": case, "sample": sample, "type": kind or 1, "vial": vial, "rest": rest}
    return sample + rest + suffix, parts


@examples(max_examples=100, deadline=None)
@given(st.lists(barcodes(), max_size=5), st.booleans())
def test_barcodes_of_any_length_are_taken_apart(
    made: list[tuple[str, dict[str, object]]], lower: bool
) -> None:
    texts = [f" {text.lower() if lower else text} " for text, _ in made]
    found = parse_barcodes(texts)
    columns = ["case", "sample", "type", "vial", "rest"]
    assert found[columns].to_dict("records") == [parts for _, parts in made]
    assert found["barcode"].tolist() == [parts["sample"] + parts["rest"] for _, parts in made]


@pytest.mark.parametrize(
    ("text", "case", "kind", "barcode"),
    [
        ("tcga-02-0001-01c-01d-0182-01", "TCGA-02-0001", 1, "TCGA-02-0001-01C-01D-0182-01"),
        ("TCGA.02.0001.01", "TCGA-02-0001", 1, "TCGA-02-0001-01"),
        ("TCGA_02_0001_11A", "TCGA-02-0001", 11, "TCGA-02-0001-11A"),
        ("TCGA-02-0001-TP", "TCGA-02-0001", 1, "TCGA-02-0001-01"),
        ("TCGA-02-0001-R1-01D-WGS-Q6KZ6X", "TCGA-02-0001", 2, "TCGA-02-0001-02-01D-WGS-Q6KZ6X"),
        ("TCGA-02-0001-NB", "TCGA-02-0001", 10, "TCGA-02-0001-10"),
        ("TCGA-02-0001-01Z-00-DX1_v2", "TCGA-02-0001", 1, "TCGA-02-0001-01Z-00-DX1"),
        ("TCGA_02_0001_01Z_00_DX1_v2", "TCGA-02-0001", 1, "TCGA-02-0001-01Z-00-DX1"),
        ("tcga-02-0001-01z-00-dx1-v2.5f3a", "TCGA-02-0001", 1, "TCGA-02-0001-01Z-00-DX1"),
        ("TCGA-02-0001-01A-01-TS1.svs", "TCGA-02-0001", 1, "TCGA-02-0001-01A-01-TS1"),
        ("TCGA-02-0001_S1", "TCGA-02-0001", 1, "TCGA-02-0001"),
        ("TCGA-02-0001_11A-01-TS1", "TCGA-02-0001", 11, "TCGA-02-0001-11A-01-TS1"),
        ("TCGA-02-0001.11A", "TCGA-02-0001", 11, "TCGA-02-0001-11A"),
        ("TCGA-02-0001 11A", "TCGA-02-0001", 11, "TCGA-02-0001-11A"),
        ("TCGA-02-0001_11", "TCGA-02-0001", 1, "TCGA-02-0001"),  # the eleventh picture
        ("TCGA\u201102\u20110001\u201101A", "TCGA-02-0001", 1, "TCGA-02-0001-01A"),
        ("\u200bTCGA\u201302\u20130001 ", "TCGA-02-0001", 1, "TCGA-02-0001"),
    ],
)
def test_barcodes_are_read_in_every_way_of_writing(
    text: str, case: str, kind: int, barcode: str
) -> None:
    found = parse_barcodes([text]).iloc[0]
    assert found[["case", "type", "barcode"]].tolist() == [case, kind, barcode]


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("LGG-TCGA-02-0001-Tumor", "TCGA-02-0001"),
        ("case tcga-02-0001, tcga-02-0001-10a", "TCGA-02-0001"),
        ("TCGA-02-0001 or TCGA-02-0002", None),
        ("TCGA-02-00012", None),
        ("TUMOR", None),
    ],
)
def test_the_case_within_an_unreadable_name_is_found(text: str, case: str | None) -> None:
    assert cases_within([text]) == [case]


@pytest.mark.parametrize(
    "text",
    [
        "TCGA-AA_0001",
        "TCGA-AA-0001-XY",
        "TCGA-AA-0001-01AB",
        "",
        "TCGA",
        "TCGA-AA-001",
        "TCGA-AA-0001-1",
        "xTCGA-AA-0001",
        "TCGA-AA-0001-01A-",
        "uuid",
    ],
)
def test_other_texts_are_no_barcodes(text: str) -> None:
    assert parse_barcodes([text]).isna().all(axis=None)


def test_the_sample_to_use_comes_first() -> None:
    order = [
        "TCGA-AA-0001",  # a bare case counts as the primary
        "TCGA-AA-0001-01A-12D-A27L-08",
        "TCGA-AA-0001-01A-11D-A27K-08",
        "TCGA-AA-0001-01A-12W-A27L-08",  # amplified
        "TCGA-AA-0001-01B-11D-A27K-08",
        "TCGA-AA-0001-02A-11D-A27K-08",
        "TCGA-AA-0001-06A",
        "TCGA-AA-0002-02A",
    ]
    normals = ["TCGA-AA-0001-10A", "TCGA-AA-0001-11A", "TCGA-AA-0003-20A", "uuid"]
    for seed in range(5):
        mixed = [*order, *normals, order[1].lower()]
        random.Random(seed).shuffle(mixed)
        assert parse_tumours(mixed)["barcode"].tolist() == order


def clinical(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "clinical.tsv"
    path.write_text(head + "\n".join(rows) + "\n")
    return path


def calls_of(folder: Path, *rows: str, **others: object) -> pd.DataFrame:
    settings = Genotypes(clinical=clinical(folder, *rows), columns=COLUMNS, **others)
    calls, _, _ = call_genotypes(settings)
    return calls.set_index("case")


def test_assays_of_a_case_add_up_and_the_primary_decides(tmp_path: Path) -> None:
    assays, quarantine = read_clinical(
        clinical(
            tmp_path,
            "tcga-aa-0001\tPositive\t\t\t40",
            "TCGA-AA-0001-01A-01-TS1\t'--\tcodeleted\tNo LOH\t41",
            "TCGA-AA-0002-02A\tnegative\tcodeleted\t\t",
            "TCGA-AA-0002-01A\tpositive\t\t\tx",
            "TCGA-AA-0003-10A\tpositive\tintact\t\t30",
        ),
        COLUMNS,
    )
    assert quarantine[["case", "column", "reason"]].to_numpy().tolist() == [
        ["TCGA-AA-0002", "age", "unknown_age"]
    ]
    found = assays.loc["TCGA-AA-0001", ["ihc", "fish", "pcr_loh", "age"]]
    assert found.tolist() == [True, True, False, 40]
    assert assays.loc["TCGA-AA-0002", ["ihc", "fish"]].tolist() == [True, True]
    assert assays.index.tolist() == ["TCGA-AA-0001", "TCGA-AA-0002"]


def test_arms_in_two_columns(tmp_path: Path) -> None:
    lines = ["Loss\tLOH", "lost\tintact", "intact\t", "loss\t", "\t'--", "loss\tfoo"]
    rows = [f"TCGA-AA-{n:04d}\t{line}" for n, line in enumerate(lines)]
    columns = AssayColumns(case="id", ihc=None, fish=["p", "q"])
    path = clinical(tmp_path, *rows, head="id\tp\tq\n")
    assays, quarantine = read_clinical(path, columns)
    known = {"TCGA-AA-0000": True, "TCGA-AA-0001": False, "TCGA-AA-0002": False}
    assert assays["fish"].dropna().to_dict() == known
    assert assays["pcr_loh"].isna().all()
    assert quarantine[["case", "reason"]].to_numpy().tolist() == [["TCGA-AA-0005", "unknown_value"]]
    assert AssayColumns(**columns.model_dump(mode="json")) == columns


def test_unusable_rows_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    long = "x" * 70_000
    path = clinical(
        tmp_path,
        "TCGA-AA-0001\tmaybe\tintact\t\t",
        f"TCGA-AA-0002\t{long}\t\t\t",
        "TCGA-AA-0003\tpositive\t\t\t",
        "TCGA-AA-0003\tnegative\t\t\t",
        "P-17\tpositive\t\t\t",
    )
    assays, quarantine = read_clinical(path, COLUMNS)
    assert assays["ihc"].isna().all()
    assert assays["fish"].dropna().to_dict() == {"TCGA-AA-0001": False}
    found = quarantine.set_index("reason")["case"]
    assert found["unknown_value"].tolist() == ["TCGA-AA-0001", "TCGA-AA-0002"]
    assert found["contradiction"] == "TCGA-AA-0003"
    assert pd.isna(found["no_sample_barcode"])
    assert quarantine["detail"].str.len().max() < 200
    assert set(quarantine["reason"]) <= set(REASONS)
    settings = Genotypes(clinical=path, columns=COLUMNS)
    with pytest.raises(
        TableError, match="none of its 4 cases can be used.*2 unknown_value in stain"
    ) as e:
        call_genotypes(settings)
    assert "maybe" not in str(e.value)  # the words are for the quarantine table only
    assert "stain: 'maybe' is no known word" in set(quarantine["detail"])


def test_clinical_table_of_any_form_is_read(tmp_path: Path) -> None:
    rows = ["#comment", "id,stain,fish,loh,age", 'TCGA-AA-0001,positive,"intact",,', ""]
    path = tmp_path / "clinical.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())
    assays, _ = read_clinical(path, COLUMNS)
    assert assays.loc["TCGA-AA-0001", ["ihc", "fish"]].tolist() == [True, False]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no header line"),
        (b"id\tstain\n", "no column age, fish, loh; say in genotypes.columns"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_clinical_mistakes_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_bytes(data)
    with pytest.raises(TableError, match=rf"clinical\.tsv: {message}"):
        read_clinical(path, COLUMNS)


def test_negative_stain_alone(tmp_path: Path) -> None:
    rows = [
        "TCGA-AA-0001\tnegative\t\t\t55",
        "TCGA-AA-0002\tnegative\t\t\t54.9",
        "TCGA-AA-0003\tnegative\t\t\t",
        "TCGA-AA-0004\t\t\t\t80",
        "TCGA-AA-0005\tpositive\t\tloh\t80",
    ]
    calls = calls_of(tmp_path, *rows)
    assert calls["subtype"].dropna().to_dict() == {
        "TCGA-AA-0001": WILDTYPE,
        "TCGA-AA-0005": CODELETED,
    }
    assert calls["reason"].dropna().to_dict() == {
        "TCGA-AA-0002": "idh_incomplete",
        "TCGA-AA-0003": "idh_incomplete",
        "TCGA-AA-0004": "idh_missing",
    }
    assert calls.loc["TCGA-AA-0001", "idh_source"] == "ihc"
    never = calls_of(tmp_path, *rows, ihc_wildtype_age=None)
    assert never.loc["TCGA-AA-0001", "reason"] == "idh_incomplete"


def test_order_and_conflicts_of_assays(tmp_path: Path) -> None:
    rows = [
        "TCGA-AA-0001\tpositive\tcodeleted\tno loh\t",
        "TCGA-AA-0002\tpositive\t\tloh\t",
        "TCGA-AA-0003\tpositive\t1p only\tno loh\t",
        "TCGA-AA-0004\tpositive\t\t\t",
    ]
    calls = calls_of(tmp_path, *rows)
    assert calls["subtype"].tolist()[:3] == [CODELETED, CODELETED, NON_CODELETED]
    assert calls["codeletion_source"].tolist()[:3] == ["fish", "pcr_loh", "fish"]
    assert calls["conflict"].dropna().to_dict() == {"TCGA-AA-0001": "pcr_loh"}
    assert calls.loc["TCGA-AA-0004", ["reason", "missing"]].tolist() == [
        "codeletion_missing",
        "sequencing copy_number fish pcr_loh",
    ]
    turned = calls_of(tmp_path, *rows, codeletion_order=["pcr_loh", "fish"])
    assert turned.loc["TCGA-AA-0001", ["subtype", "conflict"]].tolist() == [NON_CODELETED, "fish"]
    alone = calls_of(tmp_path, *rows, codeletion_order=["pcr_loh"])
    assert alone["conflict"].isna().all()
    excluded = calls_of(tmp_path, *rows, conflicts="exclude")
    assert excluded.loc["TCGA-AA-0001", "reason"] == "assay_conflict"
    assert excluded["subtype"].notna().tolist() == [False, True, True, False]


@pytest.mark.parametrize("order", [["sequencing", "ihc"], ["ihc", "sequencing"], ["ihc"]])
@pytest.mark.parametrize("conflicts", ["prefer", "exclude"])
def test_every_combination_of_evidence_gives_a_class_or_a_reason(
    tmp_path: Path, order: list[str], conflicts: str
) -> None:
    """Exhaustive: mutation, stain, FISH, PCR-LOH and age in all combinations."""
    mutations = ["p.R132H", "p.R132C", "silent", None]
    words = [["positive", "negative", ""], ["codeleted", "intact", ""], ["loh", "no loh", ""]]
    maf = ["Hugo_Symbol\tVariant_Classification\tHGVSp_Short\tTumor_Sample_Barcode"]
    rows, truth = [], {}
    combinations = itertools.product(mutations, *words, ["60", "30", ""])
    for number, (mutation, stain, fish, loh, age) in enumerate(combinations):
        case = f"TCGA-AA-{number:04d}"
        if mutation:
            change = "p.G105D" if mutation == "silent" else mutation
            maf.append(f"IDH1\tMissense_Mutation\t{change}\t{case}-01A")
        rows.append(f"{case}\t{stain}\t{fish}\t{loh}\t{age}")
        truth[case] = (mutation, stain, fish, loh, age)
    (tmp_path / "a.maf").write_text("\n".join(maf) + "\n")
    calls = calls_of(
        tmp_path, *rows, maf=[tmp_path / "a.maf"], idh_order=order, conflicts=conflicts
    )
    assert (calls["subtype"].isna() == calls["reason"].notna()).all()
    assert set(calls["reason"].dropna()) <= set(REASONS)
    for case, row in calls.iterrows():
        mutation, stain, fish, loh, age = truth[case]
        if row["subtype"] == WILDTYPE:
            assert stain != "positive" or mutation == "silent"
            assert not (mutation or "").startswith("p.R") or order == ["ihc"]
            if mutation is None or order == ["ihc"]:
                assert stain == "negative" and age == "60"
        elif pd.notna(row["subtype"]):
            assert row["idh"] == "mutant" and (fish or loh)
            codeleted = fish == "codeleted" if fish else loh == "loh"
            assert row["subtype"] == (CODELETED if codeleted else NON_CODELETED)
            if conflicts == "exclude":
                assert pd.isna(row["conflict"])
        if row["reason"] == "assay_conflict" and row["idh"] == "wildtype":  # 1p/19q is no matter
            assert {"sequencing", "ihc"} & set(row["conflict"].split())
        if stain == "negative" and mutation == "p.R132C":
            assert "ihc" not in str(row["conflict"])
    assert set(calls["subtype"].dropna()) == {WILDTYPE, CODELETED, NON_CODELETED}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "nothing tells IDH"),
        ({"segments": ["a.seg"]}, "nothing tells IDH"),
        ({"clinical": "c", "columns": {"ihc": None, "idh": None}}, "nothing tells IDH"),
        ({"clinical": "c", "codeletion_order": ["fish", "fish"]}, "each assay once"),
        ({"clinical": "c", "idh_order": []}, "each assay once"),
        ({"clinical": "c", "conflicts": "guess"}, "prefer"),
    ],
)
def test_settings_that_cannot_give_a_class_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Genotypes(**settings)


def test_coverage_is_a_word_or_a_panel_file() -> None:
    assert Genotypes(clinical="c", coverage="unknown").coverage == "unknown"
    panel = Genotypes(clinical="c", coverage="panel.bed")
    assert panel.coverage == Path("panel.bed")
    assert Genotypes(**panel.model_dump(mode="json")) == panel


def test_a_panel_file_that_is_absent_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.maf").touch()
    tables = {"maf": [str(tmp_path / "a.maf")], "segments": [str(tmp_path / "a.maf")]}
    genotypes = tables | {"coverage": str(tmp_path / "panel.bed")}
    slides = {"kind": "slides", "root": str(tmp_path), "index": {"label": {"kind": "genotype"}}}
    config = {"cohorts": {"glioma": slides | {"genotypes": genotypes}}}
    with pytest.raises(ConfigError, match=r"1 mistake.*\n.*glioma\.genotypes\.coverage"):
        load_config(config)
