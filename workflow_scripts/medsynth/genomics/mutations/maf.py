"""IDH mutations from mutation tables: MAF files of the GDC and of MC3, and their relatives.

Format: https://docs.gdc.cancer.gov/Data/File_Formats/MAF_Format/; the headings of cBioPortal
(https://docs.cbioportal.org/file-formats/#mutation-data), GLASS and ANNOVAR are known as well.
"""

from __future__ import annotations

import re
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from medsynth.genomics.barcodes import parse_barcodes
from medsynth.genomics.mutations.hotspots import GENES, PLACES, gene_at
from medsynth.genomics.mutations.variants import Row, judge
from medsynth.store.tables.header import TableError, header_of, squeeze, unquoted
from medsynth.store.tables.tsv import read_batches

# Headings without letter case, blanks and signs. Where several of a kind are there, those of
# "change" and "allele" add to each other, of the others the first that is not empty counts.
HEADINGS = {
    "gene": ["hugosymbol", "hugogenesymbol", "genesymbol", "symbol", "genename", "generefgene"]
    + ["entrezgeneid", "gene", "geneid"],
    "sample": ["tumorsamplebarcode", "tumoursamplebarcode", "samplebarcode", "aliquotbarcode"]
    + ["tumorbarcode", "tumorsample", "tumorsamplename", "sampleid", "samplename", "sample"]
    + ["casebarcode", "caseid"],
    "class": ["variantclassification", "mutationtype", "oneconsequence", "consequence", "effect"]
    + ["exonicfuncrefgene", "variantclassificationvep", "mutationdescription"],
    "change": ["hgvspshort", "proteinchange", "aminoacidchange", "aachange", "aachangerefgene"]
    + [
        "aminoacidchangewu",
        "aamutation",
        "mutationaa",
        "hgvsp",
        "hgvspro",
        "protein",
        "hgvsc",
        "cdnachange",
    ]
    + ["mutationcds", "codingchange"],
    "chromosome": ["chromosome", "chrom", "chr", "contig"],
    "start": ["startposition", "startpos", "start", "position", "pos", "chromstart"],
    "end": ["endposition", "endpos", "end", "stop", "chromend"],
    "build": ["ncbibuild", "build", "genomebuild", "referencegenome"],
    "reference": ["referenceallele", "refallele", "reference", "ref"],
    "allele": [
        "tumorseqallele2",
        "tumorseqallele1",
        "variantallele",
        "alternateallele",
        "alt",
        "var",
    ]
    + ["altallele"],
    "status": ["mutationstatus"],
    "validation": ["validationstatus", "verificationstatus"],
}
NEEDED = {"gene": "Hugo_Symbol", "sample": "Tumor_Sample_Barcode"}
# Cells of a row that names no gene
NAMELESS = ["", ".", "-", "--", "---", "0", "na", "n/a", "nan", "null", "none", "unknown"]
COLUMNS = ["sample", "gene", "variant", "unclear", "row"]


def read_maf(path: str | Path) -> tuple[pd.DataFrame, set[str]]:
    """What one mutation table (plain or gzipped, tabs) says of IDH, and who was sequenced.

    Returns:
        :data:`COLUMNS` of the rows of IDH1 and IDH2 that are not silent: sample as written, gene,
        variant (``IDH1 p.R132H``, null if none), unclear (why the row cannot be judged, or null)
        and row (its words); and the samples of all rows as written.

    Raises:
        TableError: see :func:`read_batches`; no column tells of the gene, the sample or the change.
    """
    path = Path(path)
    columns = _columns(path)
    wanted = sorted({name for names in columns.values() for name in names})
    found, samples = [], set()
    for batch in read_batches(path, wanted, dict.fromkeys(wanted, pa.string())):
        samples.update(batch.column(columns["sample"][0]).unique().to_pylist())
        found += batch.filter(_may_be_idh(batch, columns)).to_pylist()
    rows = []
    for cells in found:
        cells = {name: unquoted(cell) for name, cell in cells.items()}
        row = _row(cells, columns)
        if row and any(verdict := judge(row)):
            sample = cells[columns["sample"][0]]
            rows.append((sample, row.gene, verdict.variant, verdict.unclear, str(row)))
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str"), {unquoted(s) for s in samples}


def call_idh(mutations: pd.DataFrame, tumours: pd.DataFrame, covered: bool | None) -> pd.DataFrame:
    """IDH status of the sequenced cases.

    Mutant are hotspot mutations (:mod:`.hotspots`) in any aliquot of the sample. A
    case is called from its first sample that tells anything.

    Args:
        mutations: sample (any barcode) and variant, as :func:`read_maf` gives them.
        tumours: the sequenced samples (:func:`medsynth.genomics.barcodes.parse_tumours`).
        covered: whether the hotspots were sequenced, null if unknown (:func:`covers_idh`).

    Returns:
        Index case; idh ("mutant", "wildtype", null), idh_variant, idh_sample, and idh_reason where
        idh is null: idh_not_covered, idh_coverage_unknown.
    """
    hits = mutations[mutations["variant"].notna()]
    samples = parse_barcodes(hits["sample"]).set_index(hits.index)["sample"]
    variants = hits["variant"].groupby(samples).min()

    calls = tumours[["case", "sample"]].drop_duplicates("sample")
    calls = calls.rename(columns={"sample": "idh_sample"})
    calls["idh_variant"] = calls["idh_sample"].map(variants)
    silent = np.array("wildtype" if covered else None)
    calls["idh"] = np.where(calls["idh_variant"].notna(), "mutant", silent)
    why = "idh_coverage_unknown" if covered is None else "idh_not_covered"
    calls["idh_reason"] = np.where(calls["idh"].isna(), why, np.array(None))
    calls = calls.sort_values("idh", key=pd.isna, kind="stable").drop_duplicates("case")
    return calls.set_index("case").sort_index()


def _columns(path: Path) -> dict[str, list[str]]:
    """The table's own headings of what :data:`HEADINGS` lists, the first to use first."""
    comments, header = header_of(path)
    by_heading: dict[str, str] = {}
    for name in header:
        by_heading.setdefault(squeeze(name), name)
    columns = {
        part: [by_heading[heading] for heading in headings if heading in by_heading]
        for part, headings in HEADINGS.items()
    }
    missing = [name for part, name in NEEDED.items() if not columns[part]]
    if not (columns["change"] or (columns["chromosome"] and columns["start"])):
        missing.append("HGVSp_Short (or Chromosome and Start_Position)")
    if missing:
        raise TableError(
            f"{path}: no column {', '.join(missing)}, nor another heading of that meaning, in line"
            f" {comments + 1}, where the header should be; fields are divided by tabs",
            "missing_column",
        )
    return columns


def _may_be_idh(batch: pa.RecordBatch, columns: dict[str, list[str]]) -> pa.Array:
    """Rows that name one of the genes, or that name none and lie on its chromosome."""
    names = "|".join(name for group in GENES.values() for name in group)
    pattern = rf"(?i)(^|[^A-Za-z0-9])({names})($|[^A-Za-z0-9-])"
    mask = pa.array(np.zeros(batch.num_rows, bool))
    nameless = pa.array(np.ones(batch.num_rows, bool))
    for name in columns["gene"]:
        cells = pc.fill_null(batch.column(name), "")
        mask = pc.or_(mask, pc.match_substring_regex(cells, pattern))
        empty = pc.is_in(pc.utf8_lower(pc.utf8_trim(cells, '" ')), pa.array(NAMELESS))
        nameless = pc.and_(nameless, empty)
    for name in columns["chromosome"][:1]:
        chromosomes = "|".join(chromosome for chromosome, _ in PLACES.values())
        cells = pc.fill_null(batch.column(name), "")
        there = pc.match_substring_regex(cells, rf'(?i)^[\s"]*(chr)?({chromosomes})(\.0)?[\s"]*$')
        mask = pc.or_(mask, pc.and_(nameless, there))
    return mask


def _row(cells: dict[str, str], columns: dict[str, list[str]]) -> Row | None:
    """The row, or null if it is of another gene."""

    def first(part: str) -> str:
        return next((cells[name] for name in columns[part] if cells[name]), "")

    def number(part: str) -> float:
        digits, _, exponent = first(part).lower().replace(",", "").partition("e")
        try:
            # Spreadsheets write 2.09E+08, which is no place any more.
            exact = not exponent or len(re.sub(r"\D", "", digits)) > int(exponent)
            return float(f"{digits}e{exponent or 0}") if exact else nan
        except ValueError:
            return nan

    named = {
        gene
        for name in columns["gene"]
        for word in re.split(r"[^A-Z0-9-]+", cells[name].upper())
        for gene, names in GENES.items()
        if word in names
    }
    place = first("chromosome"), number("start"), first("build")
    gene = min(named) if named else gene_at(*place)
    if gene is None:
        return None
    return Row(
        gene=gene,
        variant_class=first("class"),
        changes=tuple(cells[name] for name in columns["change"]),
        chromosome=place[0],
        start=place[1],
        end=number("end"),
        build=place[2],
        reference=first("reference"),
        alleles=tuple(cells[name] for name in columns["allele"]),
        status=first("status"),
        validation=first("validation"),
    )
