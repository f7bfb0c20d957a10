"""Assays of the pathology report: R132H stain, FISH and PCR-LOH of 1p/19q, and the age."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from medsynth.cohorts.barcodes import FIRST_NORMAL, parse_barcodes
from medsynth.cohorts.tsv import TableError, header_of
from medsynth.runtime.config.slides import AssayColumns

UNKNOWN = {"", "'--", "--", "na", "nan", "unknown", "not reported", "not done", "not available"}
UNKNOWN |= {"indeterminate", "inconclusive"}
# Of one arm, where each has its own column
LOSS = {
    **dict.fromkeys(["lost", "loss", "deleted", "loh", "yes"], True),
    **dict.fromkeys(["intact", "no loss", "retained", "no loh", "partial", "normal", "no"], False),
}
# Only the loss of both whole arms is a codeletion; of one arm, or of a part, is none.
CODELETION = {
    **dict.fromkeys(["codeleted", "codel", "codeletion", "loh"], True),
    **dict.fromkeys(["intact", "not codeleted", "non-codel", "retained", "no loh"], False),
    **dict.fromkeys(["1p only", "19q only", "partial"], False),
}
MEANINGS = {
    "ihc": {"positive": True, "negative": False},
    "fish": CODELETION,
    "pcr_loh": CODELETION,
}
QUARANTINE = ["table", "source", "case", "reason", "detail"]


def read_clinical(path: str | Path, columns: AssayColumns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assays by case, and the rows that cannot be used.

    Several rows of a case may add to each other. Where they stand for several tumour samples, the
    primary's (lowest sample type) decides; normal samples are passed over.

    Args:
        path: CSV, or TSV by its suffix, with ``#`` lines above its header or without.
        columns: the table's own names of the columns.

    Returns:
        assays: index case; nullable booleans ihc, fish, pcr_loh (null: not done, not in the table,
            or in quarantine) and age (years).
        quarantine: :data:`QUARANTINE`; reasons no_sample_barcode, unknown_value and contradiction.

    Raises:
        TableError: the file cannot be read or lacks a column.
    """
    path = Path(path)
    table = _read(path)
    named = {key: name for key, name in columns.model_dump().items() if name}
    names = {key: name if isinstance(name, tuple) else (name,) for key, name in named.items()}
    if missing := [name for group in names.values() for name in group if name not in table]:
        raise TableError(
            f"{path}: no column {', '.join(missing)}; say in genotypes.columns how this table "
            "calls its columns, null for what it lacks",
            "missing_column",
        )
    parts = parse_barcodes(table[columns.case]).set_index(table.index)
    unnamed = parts["case"][parts["case"].isna()]
    bad = _rows(unnamed, "no_sample_barcode", f"no TCGA barcode in column {columns.case}")
    tumour = (parts["type"] < FIRST_NORMAL).fillna(False)
    table, parts = table[tumour], parts[tumour]
    assays = pd.DataFrame(index=pd.Index(sorted(parts["case"].unique()), name="case"))
    for assay, meanings in MEANINGS.items():
        values = pd.Series(assay in names or None, table.index, dtype="boolean")
        words = LOSS if len(names.get(assay, ())) == 2 else meanings
        for name in names.get(assay, ()):
            cells = table[name].str.strip().str.lower()
            arm = cells.map(words).astype("boolean")
            strange = arm.isna() & ~cells.isin(UNKNOWN)
            bad += _rows(
                parts["case"][strange], "unknown_value", f"{name}: none of {', '.join(words)}"
            )
            values &= arm  # with one arm intact it is no codeletion, whatever the other is
        found = parts.assign(value=values)[values.notna()]
        found = found[found["type"] == found.groupby("case")["type"].transform("min")]
        by_case = found.groupby("case")["value"]
        agreed = by_case.nunique() == 1
        bad += _rows(agreed.index[~agreed], "contradiction", f"{assay}: rows say both")
        assays[assay] = by_case.first().where(agreed).reindex(assays.index).astype("boolean")
    ages = table[columns.age] if columns.age else pd.Series("", table.index, dtype="str")
    ages = pd.to_numeric(ages, errors="coerce").groupby(parts["case"]).min()
    assays["age"] = ages.reindex(assays.index).astype("float64")
    quarantine = pd.DataFrame(bad, columns=QUARANTINE, dtype="str")
    return assays, quarantine.assign(table="clinical", source=path.name)


def _read(path: Path) -> pd.DataFrame:
    """All cells as text; empty ones are empty text."""
    comma = ".csv" in path.suffixes
    try:
        return pd.read_csv(
            path,
            sep="," if comma else "\t",
            quoting=0 if comma else 3,
            skiprows=header_of(path)[0],
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
        )
    except (EOFError, OSError, UnicodeDecodeError, ParserError, EmptyDataError) as error:
        # Not chained: the parser's message may quote a row.
        raise TableError(
            f"{path}: cannot be read ({type(error).__name__}); download or export it again"
        ) from None


def _rows(cases: pd.Series | pd.Index, reason: str, detail: str) -> list[dict[str, str]]:
    return [{"case": case, "reason": reason, "detail": detail} for case in cases]
