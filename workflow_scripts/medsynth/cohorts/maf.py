"""IDH mutations from MAF files of the GDC and of the MC3 project.

Format: https://docs.gdc.cancer.gov/Data/File_Formats/MAF_Format/
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from medsynth.cohorts.barcodes import parse_barcodes
from medsynth.cohorts.tsv import TableError, damaged, read_batches

COLUMNS = ["Hugo_Symbol", "Variant_Classification", "HGVSp_Short", "Tumor_Sample_Barcode"]
GENES = ["IDH1", "IDH2"]
HOTSPOTS = {"IDH1": r"p\.R132[A-Z]", "IDH2": r"p\.R(?:140|172)[A-Z]"}

# First and last base (1-based) of the codons that WHO 2021 names for gliomas: IDH1 R132, IDH2 R172
CODONS = {
    "hg19": [("2", 209_113_111, 209_113_113), ("15", 90_631_837, 90_631_839)],
    "hg38": [("2", 208_248_387, 208_248_389), ("15", 90_088_605, 90_088_607)],
}


def read_maf(path: str | Path) -> tuple[pd.DataFrame, set[str]]:
    """The IDH mutations of one MAF file (.maf, .tsv, or either gzipped), and who was sequenced.

    Returns:
        The rows of IDH1 and IDH2, :data:`COLUMNS` as text; and the barcodes of all rows.

    Raises:
        TableError: see :func:`read_batches`.
    """
    found, samples = [], set()
    for batch in read_batches(Path(path), COLUMNS, dict.fromkeys(COLUMNS, pa.string())):
        samples.update(batch.column("Tumor_Sample_Barcode").unique().to_pylist())
        found.append(batch.filter(pc.is_in(batch.column("Hugo_Symbol"), pa.array(GENES))))
    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    return pa.Table.from_batches(found, schema).to_pandas(), samples


def call_idh(mutations: pd.DataFrame, tumours: pd.DataFrame, covered: bool | None) -> pd.DataFrame:
    """IDH status of the sequenced cases.

    Mutant are missense mutations of IDH1 R132 and of IDH2 R140 and R172, the residues whose change
    makes the enzyme produce 2-hydroxyglutarate, in any aliquot of the sample. A case is called
    from its first sample that tells anything.

    Args:
        mutations: :data:`COLUMNS`, at least those of IDH1 and IDH2.
        tumours: the sequenced samples (:func:`medsynth.cohorts.barcodes.parse_tumours`).
        covered: whether the hotspots were sequenced, null if unknown (:func:`covers_idh`).

    Returns:
        Index case; idh ("mutant", "wildtype", null), idh_variant, idh_sample, and idh_reason where
        idh is null: idh_not_covered, idh_coverage_unknown.
    """
    missense = mutations["Variant_Classification"] == "Missense_Mutation"
    changes = mutations["HGVSp_Short"].astype("str")
    residue = pd.Series(False, mutations.index)
    for gene, change in HOTSPOTS.items():
        residue |= (mutations["Hugo_Symbol"] == gene) & changes.str.fullmatch(change, na=False)
    hits = mutations[missense & residue]
    samples = parse_barcodes(hits["Tumor_Sample_Barcode"]).set_index(hits.index)["sample"]
    variants = (hits["Hugo_Symbol"] + " " + hits["HGVSp_Short"]).groupby(samples).min()

    calls = tumours[["case", "sample"]].drop_duplicates("sample")
    calls = calls.rename(columns={"sample": "idh_sample"})
    calls["idh_variant"] = calls["idh_sample"].map(variants)
    silent = "wildtype" if covered else None
    calls["idh"] = np.where(calls["idh_variant"].notna(), "mutant", silent)
    why = "idh_coverage_unknown" if covered is None else "idh_not_covered"
    calls["idh_reason"] = np.where(calls["idh"].isna(), why, None)
    calls = calls.sort_values("idh", key=pd.isna, kind="stable").drop_duplicates("case")
    return calls.set_index("case").sort_index()


def covers_idh(coverage: str | Path, build: str) -> bool | None:
    """Whether the sequencing saw IDH1 R132 and IDH2 R172, so that no mutation means wildtype.

    Args:
        coverage: "exome" (it did), "unknown", or the file of a targeted panel: a BED file, or the
            genes as a list (one a line) or as cBioPortal writes them (``gene_list:`` and tabs).
        build: "hg19" or "hg38", of a BED file.

    Returns:
        Null if unknown.

    Raises:
        TableError: the panel file cannot be read or names neither genes nor regions.
    """
    if coverage in ("exome", "unknown"):
        return True if coverage == "exome" else None
    path = Path(coverage)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, error) from error
    header = ("#", "track", "browser", "stable_id:", "description:")
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith(header)]
    if not rows:
        raise TableError(f"{path}: no gene and no region; give a BED file or a list of genes")
    regions = [r for r in rows if len(r) > 2 and r[1].strip().isdigit() and r[2].strip().isdigit()]
    if not regions:
        genes = {word for row in rows for cell in row for word in cell.upper().split()}
        return genes.issuperset(GENES)
    if len(regions) < len(rows):
        raise TableError(f"{path}: {len(rows) - len(regions)} lines are no region of a BED file")
    # BED starts are 0-based, its ends are exclusive
    spans = [(r[0].lower().removeprefix("chr"), int(r[1]) + 1, int(r[2])) for r in regions]
    return all(
        any(name == chrom and start <= first and last <= end for name, start, end in spans)
        for chrom, first, last in CODONS[build]
    )
