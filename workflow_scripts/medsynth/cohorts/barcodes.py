"""TCGA barcodes in tables: which case, sample and aliquot, and which of a case's samples is used.

https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/: ``TCGA-02-0001-01C-01D-0182-01`` is
case TCGA-02-0001, sample type 01, vial C, portion 01, analyte D, plate 0182, centre 01.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from medsynth.cohorts.tsv import read_columns

PATTERN = (
    r"^(?P<case>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})"
    r"(?:-(?P<type>\d{2})(?P<vial>[A-Z]?)"
    r"(?P<rest>(?:-[A-Z0-9]+)*))?(?:\.\S*)?$"
)
PRIMARY = 1
FIRST_NORMAL = 10  # sample types 01 to 09 are tumours, 10 to 19 normal tissue, 20 and up controls
AMPLIFIED = r"^-\d{2}[GWX]"  # analytes that are DNA after whole-genome amplification


def parse_barcodes(texts: Iterable[str]) -> pd.DataFrame:
    """The parts of barcodes of any length (case to aliquot or slide) and either letter case.

    Returns:
        One row a text, in its order: barcode (upper case), case, sample (case, type and vial),
        type (int; a bare case counts as the primary tumour), vial and rest (text, may be empty).
        All null where the text is no barcode.
    """
    texts = pd.Series(list(texts), dtype="str").str.strip().str.upper()
    parts = texts.str.extract(PATTERN)
    known = parts["case"].notna()
    suffix = parts[["type", "vial"]].fillna("")
    parts["sample"] = parts["case"] + ("-" + suffix["type"]).where(suffix["type"] != "", "")
    parts["sample"] += suffix["vial"]
    parts["type"] = parts["type"].astype("Int64").fillna(PRIMARY).where(known)
    parts[["vial", "rest"]] = parts[["vial", "rest"]].fillna("").where(known)
    return parts.assign(barcode=texts.where(known))


def parse_tumours(texts: Iterable[str]) -> pd.DataFrame:
    """The distinct tumour barcodes among `texts`, the one to use of each case first.

    Primary tumours come before recurrences and metastases, then the first vial, then DNA as it
    was before amplified DNA, then the highest portion and plate (the rules of the Broad's GDAC
    Firehose for replicate samples).
    """
    parts = parse_barcodes(sorted(set(texts)))
    parts = parts[(parts["type"] < FIRST_NORMAL).fillna(False)].drop_duplicates("barcode")
    parts = parts.assign(amplified=parts["rest"].str.contains(AMPLIFIED))
    return parts.sort_values(
        ["case", "type", "vial", "amplified", "rest"],
        ascending=[True, True, True, True, False],
        ignore_index=True,
    )


def read_sample_sheet(path: str | Path) -> dict[str, str]:
    """Sample barcode by file name, from the sample sheet of a GDC cart.

    Files made from a tumour and its normal name both samples; the first tumour is taken.

    Raises:
        TableError: see :func:`medsynth.cohorts.tsv.read_columns`.
    """
    columns = ["File Name", "Sample ID"]
    sheet = read_columns(Path(path), columns, dict.fromkeys(columns, pa.string()))
    named = sheet.assign(sample=sheet["Sample ID"].str.split(",")).explode("sample")
    named["sample"] = named["sample"].str.strip()
    parts = parse_barcodes(named["sample"]).set_index(named.index)
    named = named.assign(normal=~(parts["type"] < FIRST_NORMAL).fillna(False))
    named = named.sort_values("normal", kind="stable").drop_duplicates("File Name")
    return dict(zip(named["File Name"], named["sample"], strict=True))
