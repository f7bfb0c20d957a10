"""TCGA barcodes in tables and in file names: case, sample, aliquot or slide, and which is used.

https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/: ``TCGA-02-0001-01C-01D-0182-01`` is
case TCGA-02-0001, sample type 01, vial C, portion 01, analyte D, plate 0182, centre 01;
``TCGA-02-0001-01Z-00-DX1`` is the first diagnostic slide of the case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from medsynth.genomics.settings import SAMPLE_SHEETS
from medsynth.store.tables.tsv import read_columns

# https://gdc.cancer.gov/resources-tcga-users/tcga-code-tables/sample-type-codes, and R1, M1 of the
# GLASS consortium (recurrences and metastases, counted).
SHORT_LETTER_CODES = {
    **{"TP": "01", "TR": "02", "TB": "03", "TRBM": "04", "TAP": "05", "TM": "06", "TAM": "07"},
    **{"THOC": "08", "TBM": "09", "NB": "10", "NT": "11", "NBC": "12", "NEBV": "13", "NBM": "14"},
    **{f"R{n}": "02" for n in range(1, 10)},
    **{f"M{n}": "06" for n in range(1, 10)},
}
# Of upper-case text. R writes points for the hyphens, file systems underscores, some only behind
# the case. After the barcode
# may stand what archives add: a revision (_v2), a UUID, a suffix, the number of a copy.
CASE = r"TCGA(?P<sep>[-._])(?P<site>[A-Z0-9]{2})(?P=sep)(?P<participant>[A-Z0-9]{4})(?![A-Z0-9])"
PATTERN = re.compile(
    rf"^{CASE}"
    r"(?:(?:(?P=sep)|[-._ ](?=\d{2}[A-Z](?![A-Z0-9])))"
    rf"(?:(?P<type>\d{{2}})(?P<vial>[A-Z]?)|(?P<code>{'|'.join(SHORT_LETTER_CODES)}))"
    r"(?![A-Z0-9])(?P<rest>(?:(?P=sep)(?!V\d+(?![A-Z0-9]))[A-Z0-9]+)*)"
    r"|(?P=sep)(?P<slide>[BDMT][SX][A-Z0-9]+))?"
    r"(?:[-._]V\d+)?(?:[^A-Z0-9-].*)?$"
)
DASHES = "[\u2010-\u2014\u2212]"  # of word processors
UNSEEN = "[\u200b\u2060\ufeff]"
PRIMARY = 1
FIRST_NORMAL = 10  # sample types 01 to 09 are tumours, 10 to 19 normal tissue, 20 and up controls
AMPLIFIED = r"^-\d{2}[GWX]"  # analytes that are DNA after whole-genome amplification


def parse_barcodes(texts: Iterable[str]) -> pd.DataFrame:
    """The parts of barcodes of any length (case to aliquot or slide), in any way of writing.

    Letters may be small, the hyphens points or underscores, the sample type the GDC's short letter
    code; what follows the barcode (:data:`PATTERN`) is passed over.

    Returns:
        One row a text, in its order: barcode (in the GDC's own way of writing), case, sample
        (case, type and vial), type (int; a bare case counts as the primary tumour), vial and rest
        (text, may be empty). All null where the text is no barcode.
    """
    clean = pd.Series(list(texts), dtype="str").str.upper()
    clean = clean.str.replace(DASHES, "-", regex=True).str.replace(UNSEEN, "", regex=True)
    clean = clean.str.strip()
    parts = clean.str.extract(PATTERN)
    known = parts["participant"].notna()
    parts["case"] = "TCGA-" + parts["site"] + "-" + parts["participant"]
    parts["type"] = parts["type"].fillna(parts["code"].map(SHORT_LETTER_CODES))
    suffix = parts[["type", "vial"]].fillna("")
    parts["sample"] = parts["case"] + ("-" + suffix["type"]).where(suffix["type"] != "", "")
    parts["sample"] += suffix["vial"]
    parts["type"] = parts["type"].astype("Int64").fillna(PRIMARY).where(known)
    parts["rest"] = parts["rest"].str.replace(r"[._]", "-", regex=True)
    parts["rest"] = parts["rest"].fillna("-" + parts["slide"])
    parts[["vial", "rest"]] = parts[["vial", "rest"]].fillna("").where(known)
    parts["barcode"] = parts["sample"] + parts["rest"]
    return parts[["case", "type", "vial", "rest", "sample", "barcode"]]


def cases_within(texts: Iterable[str]) -> list[str | None]:
    """Of texts that are no barcodes, the case that they name somewhere: null for none or several.

    It tells whose rows a table lost; it identifies nobody.
    """

    def case(text: str) -> str | None:
        found = {
            f"TCGA-{match['site']}-{match['participant']}"
            for match in re.finditer(rf"(?<![A-Z0-9]){CASE}", text.upper())
        }
        return found.pop() if len(found) == 1 else None

    return [case(str(text)) for text in texts]


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
    """Sample barcode by file name (without .gz), from the sample sheet of a GDC cart.

    Files made from a tumour and its normal name both samples; the first tumour is taken. Files of
    several cases are left out: the sheet does not say which of their rows is whose.

    Raises:
        TableError: see :func:`medsynth.store.tables.tsv.read_columns`.
    """
    columns = ["File Name", "Sample ID"]
    sheet = read_columns(Path(path), columns, dict.fromkeys(columns, pa.string()))
    named = sheet.assign(sample=sheet["Sample ID"].str.split("[,;]")).explode("sample")
    named["sample"] = named["sample"].str.strip()
    named["name"] = named["File Name"].str.removesuffix(".gz")
    parts = parse_barcodes(named["sample"]).set_index(named.index)
    named = named.assign(case=parts["case"], normal=~(parts["type"] < FIRST_NORMAL).fillna(False))
    named = named[named.groupby("name")["case"].transform("nunique") <= 1]
    named = named.sort_values("normal", kind="stable").drop_duplicates("name")
    return dict(zip(named["name"], named["sample"], strict=True))


def sheets_beside(paths: Iterable[Path]) -> list[Path]:
    """The GDC's sample sheets below the folders among `paths`, and beside the files among them."""
    found = {
        sheet
        for path in paths
        for sheet in (
            path.rglob(SAMPLE_SHEETS) if path.is_dir() else path.parent.glob(SAMPLE_SHEETS)
        )
    }
    return sorted(found)
