"""Clinical tables: R132H stain, FISH and PCR-LOH of 1p/19q, published IDH and 1p/19q, and age."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from medsynth.genomics.ages import read_ages
from medsynth.genomics.barcodes import FIRST_NORMAL, parse_barcodes
from medsynth.genomics.settings import AUTO, AssayColumns
from medsynth.genomics.status_words import (
    UnknownWordError,
    arm_of,
    codeletion_of,
    genes_named,
    idh_of,
    says_nothing,
    stain_of,
)
from medsynth.store.tables.delimited import read_table
from medsynth.store.tables.header import TableError, squeeze

# Headings of TCGA's and the GDC's clinical tables, Ceccarelli et al. 2016, cBioPortal and GLASS,
# without letter case, blanks and signs; the first that the table has is used, of ages every one:
# the GDC leaves age_at_diagnosis empty where it knows age_at_index.
AGES = ["ageatdiagnosis", "diagnosisage", "agediagnosis", "caseagediagnosis", "ageatdx"]
AGES += ["diagnosesageatdiagnosis", "ageatinitialpathologicdiagnosis", "ageatindex"]
AGES += ["demographicageatindex", "patientage", "age"]
AGE_UNITS = ["", "days", "indays", "years", "inyears", "yrs", "yr", "months", "inmonths"]
HEADINGS = {
    "case": ["casesubmitterid", "casessubmitterid"]
    + ["bcrpatientbarcode", "bcrsamplebarcode", "samplesubmitterid", "samplebarcode", "sampleid"]
    + ["casebarcode", "patientbarcode", "tcgabarcode", "barcode", "patientid", "caseid", "case"]
    + ["patient", "sample", "submitterid"],
    "ihc": ["idh1r132hihc", "idh1ihc", "idhihc", "ihcidh1", "ihcidh1r132h", "r132hihc"],
    "fish": ["codeletionfish", "1p19qfish", "fish1p19q"],
    "pcr_loh": ["codeletionpcrloh", "1p19qloh", "loh1p19q", "1p19qpcr"],
    "idh": ["idhstatus", "idhmutationstatus", "idhmutation", "idh1idh2status", "idh12status"]
    + ["idh1mutationfound", "ldh1mutationfound", "idh", "idhcodelsubtype", "idhcodelstatus"],
    "codeletion": ["1p19qcodeletion", "1p19qcodeletionstatus", "1p19qstatus", "1p19q"]
    + ["codeletion1p19q", "codelstatus", "codeletion", "idh1p19qsubtype", "idh1p10qsubtype"]
    + ["idhcodelsubtype", "idhcodelstatus"],
    "age": [age + unit for age in AGES for unit in AGE_UNITS]
    + ["ageyearsatdiagnosis", "agedaysatdiagnosis", "yearstobirth", "daystobirth"],
}
MEANINGS: dict[str, Callable[[str], bool | None]] = {
    "ihc": stain_of,
    "fish": codeletion_of,
    "pcr_loh": codeletion_of,
    "idh": idh_of,
    "codeletion": codeletion_of,
}
# How the assays are called among the evidence of a case
NAMES = {"idh": "published_idh", "codeletion": "published_codeletion"}
ASSAYS = [NAMES.get(assay, assay) for assay in MEANINGS]
QUARANTINE = ["table", "source", "case", "column", "reason", "detail"]
LONGEST_WORD = 60  # letters of a cell in the quarantine table


def read_clinical(path: str | Path, columns: AssayColumns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assays by case, and the rows that cannot be used.

    Several rows of a case may add to each other. Where they stand for several tumour samples, the
    primary's (lowest sample type) decides; normal samples are passed over. That IDH1 is not
    mutated is worth a negative stain, which leaves IDH2 open as well; of IDH2 alone, nothing.

    Args:
        path: CSV or TSV, with ``#`` lines above its header or without.
        columns: the table's own names of the columns.

    Returns:
        assays: index case; nullable booleans :data:`ASSAYS` (null: not done, not in the table, or
            in quarantine) and age (years).
        quarantine: :data:`QUARANTINE`; reasons no_sample_barcode, unknown_value, unknown_age and
            contradiction; the detail names the word.

    Raises:
        TableError: the file cannot be read or lacks a column.
    """
    path = Path(path)
    table = read_table(path)
    names = _columns(path, table, columns)
    (case_column,) = names.pop("case")
    # TCGA's "biotab" files repeat their header and number its meanings.
    repeated = (table[case_column] == case_column) | table[case_column].str.startswith("CDE_ID:")
    table = table[~repeated]
    parts = parse_barcodes(table[case_column]).set_index(table.index)
    unnamed = table.loc[parts["case"].isna(), case_column]
    bad = [
        _bad(None, case_column, "no_sample_barcode", f"{text[:LONGEST_WORD]!r} is no TCGA barcode")
        for text in unnamed
    ]
    tumour = (parts["type"] < FIRST_NORMAL).fillna(False)
    table, parts = table[tumour], parts[tumour]
    assays = pd.DataFrame(index=pd.Index(sorted(parts["case"].unique()), name="case"))
    for assay, meaning in MEANINGS.items():
        values = pd.Series(assay in names or None, table.index, dtype="boolean")
        genes = pd.Series("", table.index)
        for name in names.get(assay, ()):
            both_arms = len(names[assay]) == 2
            arm, strange = _values(table[name], arm_of if both_arms else meaning)
            bad += [
                _bad(case, name, "unknown_value", f"{text[:LONGEST_WORD]!r} is no known word")
                for case, text in zip(parts["case"][strange], table[name][strange], strict=True)
            ]
            values &= arm  # with one arm intact it is no codeletion, whatever the other is
            if assay == "idh":
                genes = table[name].map(genes_named).replace("", genes_named(name))
                genes = genes.where(~arm.fillna(True), "")
        found = parts.assign(value=values)[values.notna() & ~genes.isin(["1", "2"])]
        found = found[found["type"] == found.groupby("case")["type"].transform("min")]
        by_case = found.groupby("case")["value"]
        agreed = by_case.nunique() == 1
        column = " ".join(names.get(assay, ()))
        bad += [
            _bad(case, column, "contradiction", "rows of the case say both")
            for case in agreed.index[~agreed]
        ]
        values = by_case.first().where(agreed).reindex(assays.index).astype("boolean")
        assays[NAMES.get(assay, assay)] = values
        negative = assays.index.isin(parts["case"][genes == "1"])
        assays["ihc"] = assays["ihc"].mask(negative & assays["ihc"].isna(), False)
    assays["age"] = pd.Series(dtype="float64")
    for name in names.get("age", ()):
        cells = table[name].where(~table[name].map(says_nothing))
        years, faults = read_ages(cells, name)
        told = parts["case"].map(assays["age"]).notna()
        years = years.groupby(parts["case"]).min().reindex(assays.index)
        assays["age"] = assays["age"].fillna(years)
        bad += [
            _bad(parts.loc[row, "case"], name, "unknown_age", fault)
            for row, fault in faults[~told].dropna().items()
        ]
    quarantine = pd.DataFrame(bad, columns=QUARANTINE, dtype="str")
    return assays, quarantine.assign(table="clinical", source=path.name)


def _columns(path: Path, table: pd.DataFrame, columns: AssayColumns) -> dict[str, tuple[str, ...]]:
    """The table's own headings of the case, the assays and the age, those that it has."""
    known: dict[str, str] = {}
    for heading in table.columns:
        known.setdefault(squeeze(heading), heading)
    names: dict[str, tuple[str, ...]] = {}
    for part, name in columns.model_dump().items():
        if name == AUTO:
            found = [known[heading] for heading in HEADINGS[part] if heading in known]
            if part == "case":  # among UUIDs and numbers of studies
                found.sort(key=lambda heading: parse_barcodes(table[heading])["case"].isna().all())
            names |= {part: tuple(found if part == "age" else found[:1])} if found else {}
        elif name:
            names[part] = name if isinstance(name, tuple) else (name,)
    missing = sorted({name for group in names.values() for name in group} - set(table.columns))
    if missing:
        raise TableError(
            f"{path}: no column {', '.join(missing)}; say in genotypes.columns how this table "
            "calls its columns, null for what it lacks",
            "missing_column",
        )
    if "case" not in names or not set(names) & set(MEANINGS):
        what = "the case" if "case" not in names else "a stain, FISH, PCR-LOH, IDH or 1p/19q"
        raise TableError(
            f"{path}: no heading is known as that of {what}; say in genotypes.columns how this "
            "table calls its columns",
            "missing_column",
        )
    return names


def _values(cells: pd.Series, meaning: Callable[[str], bool | None]) -> tuple[pd.Series, pd.Series]:
    """What the cells mean (nullable), and which of them hold a word that is not known."""
    meanings, strange = {}, set()
    for text in cells.unique():
        try:
            meanings[text] = meaning(text)
        except UnknownWordError:
            strange.add(text)
    return cells.map(meanings).astype("boolean"), cells.isin(strange)


def _bad(case: str | None, column: str, reason: str, detail: str) -> dict[str, str | None]:
    return {"case": case, "column": column, "reason": reason, "detail": f"{column}: {detail}"}
