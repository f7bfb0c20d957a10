"""What the cells of clinical tables mean: words of published tables, and ages in any unit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from medsynth.genomics.ages import read_ages
from medsynth.genomics.assays import read_clinical
from medsynth.genomics.glioma import CODELETED, NON_CODELETED, WILDTYPE, call_genotypes
from medsynth.genomics.settings import AssayColumns, Genotypes
from medsynth.genomics.status_words import (
    UnknownWordError,
    codeletion_of,
    genes_named,
    idh_of,
    stain_of,
)
from medsynth.store.tables.header import TableError

MISSING = ["", "  ", "NA", "N/A", "nan", "None", "'--", "--", ".", "?", "Unknown", "not reported"]
MISSING += ["[Discrepancy]", "Not Allowed To Collect", "NS", "NP", "not profiled", "#N/A", "unk"]
MISSING += ["[Not Available]", "[Not Applicable]", "[Not Evaluated]", "Indeterminate", "pending"]
IDH = {
    **dict.fromkeys(
        ["Mutant", "MUTATED", "mutated", "mut", "IDHmut", "IDH-mutant", "IDH mutant", "IDH1 mutant"]
        + ["IDH1/2 mutated", "YES", "Positive", "+", "R132H", "IDH1 R132H", "IDH1 p.R132C mutated"]
        + ["p.Arg172Lys", "IDHmut-codel", "IDHmut-noncodel", "IDHmut-non-codel", "LGG_IDHmut-codel"]
        + ["IDH-mutant codeleted", "IDH mutant, 1p/19q-codeleted", "IDH mutation: present"]
        + ["MT", "mutant IDH1", "Mutant (IDH1 R132H)", "IDH1+", "IDH1 (+)", "+++"],
        True,
    ),
    **dict.fromkeys(
        ["WT", "wt", "wild type", "Wild-Type", "WILDTYPE", "Wildtype", "IDHwt", "IDH-wildtype"]
        + ["IDH1/IDH2 wild-type", "NO", "negative", "not mutated", "No mutation", "GBM_IDHwt"]
        + [
            "unmutated",
            "IDHwt-noncodel",
            "mutation not detected",
            "not mutant",
            "no IDH1/2 mutation",
        ]
        + ["wt IDH", "IDH-", "IDH (-)", "(-)", "-ve"],
        False,
    ),
}
CODELETION = {
    **dict.fromkeys(
        ["Codel", "codel", "codeleted", "Co-deleted", "co-deletion", "1p/19q codeleted", "LOH"]
        + ["1p19q codel", "1p/19q co-deletion", "1p and 19q loss", "codeletion present", "YES"]
        + ["IDHmut-codel", "LGG_IDHmut-codel", "1p loss, 19q loss", "IDH-mutant codeleted"],
        True,
    ),
    **dict.fromkeys(
        ["Non-codel", "noncodel", "non codel", "non-codeleted", "not codeleted", "intact", "no"]
        + ["1p/19q intact", "1p/19q non-codeleted", "IDHmut-noncodel", "IDHmut-non-codel", "no LOH"]
        + ["retained", "1p only", "19q only", "1p loss only", "partial", "1p loss, 19q intact"]
        + ["IDH-mutant non-codeleted", "No loss", "no codeletion", "uncodeleted"],
        False,
    ),
    **dict.fromkeys(["IDHwt", "IDHmut", "GBM_IDHwt", "IDH-wildtype"], None),  # nothing of 1p/19q
}
STAIN = {
    **dict.fromkeys(["positive", "POS", "+", "R132H", "IDH1 R132H positive", "mutant"], True),
    **dict.fromkeys(["R132H+", "IDH1 R132H +", "R132H (+)", "(+)", "++", "+ve", "R132H: +"], True),
    **dict.fromkeys(["negative", "neg.", "R132H negative", "IDH1-R132H: negative", "WT"], False),
    **dict.fromkeys(["R132H-", "IDH1 R132H -", "R132H (-)", "R132H (\u2212)", "(-)", "-ve"], False),
}
# In a karyotype the sign says loss or gain, in a list of assays what they found.
SIGNED_ARMS = ["1p-/19q-", "1p+/19q+", "1p+, 19q loss", "1p19q -", "1p/19q (+)", "codel -"]
STRANGE = ["maybe", "codel?", "1", "0", "2", "-", "G-CIMP", "positive/negative", "IDH", "see note"]
STRANGE += ["\u2212", "3+", "R132H?", "R132H positive?"]


@pytest.mark.parametrize(
    ("meaning", "words", "strange"),
    [
        (idh_of, IDH, [*STRANGE, "codel", "R132H negative", "p.R100Q", "astrocytoma", "WT+"]),
        (codeletion_of, CODELETION, [*STRANGE, "mutant", "WT", "1p loss", "R132H", *SIGNED_ARMS]),
        (stain_of, STAIN, [*STRANGE, "R132C", "R172K", "codel"]),
    ],
)
def test_words_of_published_tables(meaning, words: dict, strange: list[str]) -> None:
    found = {}
    for word in [*words, *MISSING, *strange]:
        try:
            found[word] = meaning(word)
        except UnknownWordError:
            found[word] = "unknown"
    assert found == words | dict.fromkeys(MISSING) | dict.fromkeys(strange, "unknown")


AGES = [
    # heading, cells, years; null for what goes to quarantine
    ("age_at_diagnosis", ["12775", "20000", "33000"], [34.98, 54.76, 90.35]),  # of the GDC
    ("diagnoses.age_at_diagnosis", ["12775"], [34.98]),
    ("age_at_diagnosis", ["35", "60.5"], [35, 60.5]),  # of others
    ("age_at_diagnosis", ["35", "12775"], [None, 34.98]),
    ("age", ["12775", "20000"], [34.98, 54.76]),
    ("age", ["35", "12775", "60"], [35, None, 60]),
    ("AGE", ["35", "0", "-1", "999", "888", "121", "120"], [35, None, None, None, None, None, 120]),
    ("age", ["240"], [None]),  # days or months of a child, or a mistake
    ("age_days", ["12775", "300", "50000"], [34.98, 0.82, None]),
    ("AgeInDays", ["12775"], [34.98]),
    ("days_to_birth", ["-12775"], [34.98]),
    ("age_in_months", ["420", "9"], [35, 0.75]),
    ("case_age_diagnosis_years", ["35", "12775"], [35, None]),
    ("Age (years at diagnosis)", ["35", "12775"], [35, None]),
    ("Age [yrs]", ["35"], [35]),
    ("age", ["51 years 108 days", "51y", "51 yrs", "51-year-old"], [51.3, 51, 51, 51]),
    ("age", ["051Y", "018M", "P51Y3M", "420 months", "12775 days"], [51, 1.5, 51.25, 35, 34.98]),
    ("age_at_diagnosis", ["12775", "51 years"], [34.98, 51]),
    ("age", [">89", "90+", "≥ 90", ">=90 years", "90 or older"], [89, 90, 90, 90, 90]),
    ("age", ["35,5", " 35 ", "35.0", "51 y/o", "51 y.o."], [35.5, 35, 35, 51, 51]),
    # thousands, or a decimal comma
    ("age", ["12,775", "12,775 days", "35,25"], [None, None, 35.25]),
    ("age_days", ["12,775", "12775"], [None, 34.98]),
    # a man of 65, or 65 months; a woman, or weeks; three digits are DICOM's, but not beside a sex
    ("age", ["65M", "45F", "65 m", "65W", "6 D", "65m."], [None] * 6),
    ("age", ["065M", "003W", "010D", "060Y", "51y 3m"], [5.42, 0.06, 0.03, 60, 51.25]),
    ("age", ["065M", "045F"], [None, None]),
    ("age", ["65 mo", "65 months"], [5.42, 5.42]),
    ("age", ["<18", "50-59", "fifty", "~50", "51 years 12", "500 years"], [None] * 6),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "cells", "years"), AGES)
def test_ages_are_in_years_or_in_quarantine(
    heading: str, cells: list[str], years: list[float | None]
) -> None:
    found, faults = read_ages(pd.Series([*cells, None], dtype="str"), heading)
    rounded = [None if pd.isna(age) else round(age, 2) for age in found]
    assert rounded == [*years, None]
    assert faults.notna().tolist() == [*(age is None for age in years), False]
    assert all(cell in fault for cell, fault in zip(cells, faults, strict=False) if pd.notna(fault))


TABLES = {
    "cbioportal_sample": (
        "#Patient Identifier\tSample Identifier\tIDH status\tIDH/codel subtype\n"
        "#STRING\tSTRING\tSTRING\tSTRING\n#1\t1\t1\t1\n"
        "PATIENT_ID\tSAMPLE_ID\tIDH_STATUS\tIDH_CODEL_SUBTYPE\tAGE\n"
        "TCGA-AA-0001\tTCGA-AA-0001-01\tMutant\tIDHmut-codel\t40\n"
        "TCGA-AA-0002\tTCGA-AA-0002-01\tMUTATED\tIDHmut-non-codel\t41\n"
        "TCGA-AA-0003\tTCGA-AA-0003-01\tWT\tIDHwt\t70\n"
        "TCGA-AA-0004\tTCGA-AA-0004-01\tNA\tNA\t70\n"
    ),
    "cbioportal_download": (
        "Study ID\tPatient ID\tSample ID\tDiagnosis Age\tIDH status\tIDH-1P10Q Subtype\n"
        "lgg\tTCGA-AA-0001\tTCGA-AA-0001-01\t40\tMutant\tCodel\n"
        "lgg\tTCGA-AA-0002\tTCGA-AA-0002-01\t41\tMutant\tNon-codel\n"
        "lgg\tTCGA-AA-0003\tTCGA-AA-0003-01\t70\tWT\tNon-codel\n"
        "lgg\tTCGA-AA-0004\tTCGA-AA-0004-01\t70\t\t\n"
    ),
    "glass": (
        "case_barcode,surgery_number,idh_status,codel_status,idh_codel_subtype,"
        "case_age_diagnosis_years\n"
        "TCGA-AA-0001,1,IDHmut,codel,IDHmut-codel,40\n"
        "TCGA-AA-0002,1,IDHmut,noncodel,IDHmut-noncodel,41\n"
        "TCGA-AA-0003,1,IDHwt,noncodel,IDHwt,70\nTCGA-AA-0004,1,,,,70\n"
    ),
    "glass_subtypes": (
        "case_barcode\tidh_codel_subtype\nTCGA-AA-0001\tIDHmut-codel\n"
        "TCGA-AA-0002\tIDHmut-noncodel\nTCGA-AA-0003\tIDHwt\nTCGA-AA-0004\t\n"
    ),
    "ceccarelli": (
        "Case,Age (years at diagnosis),IDH status,1p/19q codeletion\n"
        "TCGA-AA-0001,40,Mutant,codel\nTCGA-AA-0002,41,Mutant,non-codel\n"
        "TCGA-AA-0003,70,WT,non-codel\nTCGA-AA-0004,70,NA,NA\n"
    ),
    "gdc": (
        "case_id\tcase_submitter_id\tage_at_diagnosis\tidh1_r132h_ihc\tcodeletion_fish\n"
        "2e7f0d4c-0a3b\tTCGA-AA-0001\t14610\tpositive\tcodeleted\n"
        "2e7f0d4c-0a3c\tTCGA-AA-0002\t14975\tpositive\tintact\n"
        "2e7f0d4c-0a3d\tTCGA-AA-0003\t25568\tnegative\t'--\n"  # 70 years
        "2e7f0d4c-0a3e\tTCGA-AA-0004\t12775\tnegative\t'--\n"  # 35 years
    ),
    "tcga_biotab": (
        "bcr_patient_uuid\tbcr_patient_barcode\tldh1_mutation_found\tcodeletion_1p19q\tage\n"
        "bcr_patient_uuid\tbcr_patient_barcode\tldh1_mutation_found\tcodeletion_1p19q\tage\n"
        "CDE_ID:\tCDE_ID:2003301\tCDE_ID:\tCDE_ID:\tCDE_ID:\n"
        "A\tTCGA-AA-0001\tYES\tYES\t40\nB\tTCGA-AA-0002\tYES\tNO\t40\n"
        "C\tTCGA-AA-0003\tNO\tNO\t70\nD\tTCGA-AA-0004\tNO\tNO\t40\n"  # IDH2 was not asked for
    ),
    "excel": (
        "\ufeffCase;IDH status;1p/19q;Age\r\nTCGA-AA-0001;Mutant;codel;40,5\r\n"
        "TCGA\u2011AA\u20110002;Mutant;non\u2011codel;41\r\nTCGA-AA-0003;WT\u00a0;;70\r\n"
        "TCGA-AA-0004;;;\r\n"
    ),
    "written_by_r": (
        '"case"\t"idh_status"\t"codel_status"\n"TCGA-AA-0001"\t"Mutant"\t"codel"\n'
        '"TCGA-AA-0002"\t"Mutant"\t"noncodel"\n"TCGA-AA-0003"\t"WT"\t"NA"\n'
        '"TCGA-AA-0004"\t"NA"\t"NA"\n'
    ),
}


@pytest.mark.parametrize("source", TABLES)
def test_published_tables_are_read_as_they_are(tmp_path: Path, source: str) -> None:
    path = tmp_path / "table.txt"
    path.write_text(TABLES[source])
    calls, quarantine, _ = call_genotypes(Genotypes(clinical=path))
    assert quarantine.empty
    assert calls["subtype"].fillna("").tolist() == [CODELETED, NON_CODELETED, WILDTYPE, ""]


AGE_HEADINGS = [
    # headings, cells, years
    ("age_at_diagnosis_days", "12775", 34.98),
    ("Age at diagnosis (days)", "12775", 34.98),
    ("age_in_days", "12775", 34.98),
    ("Age at Diagnosis (years)", "35", 35),
    ("Patient Age", "35", 35),
    ("years_to_birth", "35", 35),
    ("age_at_index\tage_at_diagnosis", "35\t'--", 35),  # the GDC knows one without the other
    ("age_at_index\tage_at_diagnosis", "35\t14610", 40),
    ("age_at_index\tage_at_diagnosis", "fifty\t14610", 40),  # and none is asked for
    ("age_at_index\tage_at_diagnosis", "'--\tfifty", None),
]


@pytest.mark.parametrize(("headings", "cells", "years"), AGE_HEADINGS)
def test_the_age_is_found_under_its_headings(
    tmp_path: Path, headings: str, cells: str, years: float | None
) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_text(f"case\tidh1_ihc\t{headings}\nTCGA-AA-0001\tnegative\t{cells}\n")
    assays, quarantine = read_clinical(path, AssayColumns())
    assert assays["age"].round(2).fillna(-1).tolist() == [years or -1]
    assert quarantine["reason"].tolist() == ["unknown_age"] * (years is None)


ONE_GENE = [
    # heading, cell, IDH as published, the stain
    ("idh_status", "IDH1 wildtype", None, False),
    ("idh_status", "IDH1: negative", None, False),
    ("idh_status", "IDH2 WT", None, None),
    ("idh_status", "IDH1/2 wildtype", False, None),
    ("idh_status", "IDH1 and IDH2 wildtype", False, None),
    ("idh_status", "IDH1 mutant", True, None),
    ("idh_status", "WT", False, None),
    ("IDH1 mutation found", "NO", None, False),
    ("ldh1_mutation_found", "NO", None, False),
    ("ldh1_mutation_found", "YES", True, None),
    ("idh1_idh2_status", "WT", False, None),
    ("idh12_status", "WT", False, None),
]


@pytest.mark.parametrize(("heading", "cell", "idh", "stain"), ONE_GENE)
def test_idh1_alone_not_mutated_is_worth_a_negative_stain(
    tmp_path: Path, heading: str, cell: str, idh: bool | None, stain: bool | None
) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_text(f"case\t{heading}\nTCGA-AA-0001\t{cell}\n")
    assays, quarantine = read_clinical(path, AssayColumns())
    found = assays[["published_idh", "ihc"]].astype(object).where(assays.notna(), None)
    assert found.to_numpy().tolist() == [[idh, stain]]
    assert quarantine.empty


@pytest.mark.parametrize(
    ("text", "genes"),
    [
        ("IDH_1P19Q_SUBTYPE", ""),
        ("IDH-1P10Q Subtype", ""),
        ("idh_codel_subtype", ""),
        ("IDH1 1p/19q", "1"),
        ("IDH1 or IDH2", "12"),
        ("IDH2 R172", "2"),
    ],
)
def test_the_arm_1p_is_no_gene(text: str, genes: str) -> None:
    assert genes_named(text) == genes


def test_a_cohort_that_is_wildtype_throughout_needs_no_1p_19q(tmp_path: Path) -> None:
    (tmp_path / "a.maf").write_text(
        "Hugo_Symbol\tHGVSp_Short\tTumor_Sample_Barcode\nEGFR\tp.A289V\tTCGA-AA-0001-01A\n"
    )
    calls, _, _ = call_genotypes(Genotypes(maf=[tmp_path]))
    assert calls["subtype"].tolist() == [WILDTYPE]


def test_words_that_are_not_known_are_named_in_the_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "clinical.csv"
    path.write_text(
        "case,idh_status,codel_status,age\nTCGA-AA-0001,perhaps,codel,fifty\nP-1,WT,,\n"
        "TCGA-AA-0002,WT,,0\n"
    )
    _, quarantine = read_clinical(path, AssayColumns())
    assert quarantine[["case", "column", "reason", "detail"]].fillna("").to_numpy().tolist() == [
        ["", "case", "no_sample_barcode", "case: 'P-1' is no TCGA barcode"],
        ["TCGA-AA-0001", "idh_status", "unknown_value", "idh_status: 'perhaps' is no known word"],
        ["TCGA-AA-0001", "age", "unknown_age", "age: 'fifty' is not plausible as an age"],
        ["TCGA-AA-0002", "age", "unknown_age", "age: '0' is not plausible in years"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\nTCGA-AA-0001\tx\n", "no heading is known as that of the case"),
        ("case\tb\nTCGA-AA-0001\tx\n", "no heading is known as that of a stain"),
        ("case\tidh_status\nTCGA-AA-0001\tM\xfcnchen\n", "cannot be read"),
        # with the next cell under its heading, a row says something else
        ("case,site,idh_status\nTCGA-AA-0001,left,frontal,WT\n", "its rows have more fields"),
        (
            'case,note,idh_status\nTCGA-AA-0001,"big,Mutant\nTCGA-AA-0002,x,WT\n'
            'TCGA-AA-0003,y",WT\n',
            "a cell holds whole rows",
        ),
    ],
)
def test_a_table_without_known_headings_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError, match=f"clinical.tsv: {message}") as error:
        read_clinical(path, AssayColumns())
    assert "download" not in str(error.value) and "TCGA" not in str(error.value)
