"""Mutations, copy numbers and assays of the demo's glioma cases, as the GDC gives them.

Per case a MAF, a segment file of the tumour and one of the blood; a sample sheet, because segment
files name their sample by a UUID; clinical.tsv with the assays; and patients.tsv with age, sex,
survival and a few genes, some of them missing (see :mod:`.patients`). The genotype decides:

* IDH-mutant: one hotspot mutation; codeleted: 1p and 19q at the level of one lost copy as well;
* IDH-wildtype: no hotspot; gain of 7, loss of 10;
* traps: silent IDH1 mutations, half of 1p lost without codeletion, one genome gained as a whole.

Chromosome ends: UCSC, goldenPath/hg38/database/chromInfo.txt.gz; centromeres: its cytoBand.txt.gz.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.demo.cases import Case, glioma_cases
from medsynth.demo.identifiers import gdc_uuid
from medsynth.demo.patients import patient_row
from medsynth.runtime.seeding import numpy_rng

Segment = tuple[int, int, int, float]  # chromosome, start, end, mean
CHROMOSOME_ENDS = {
    **{1: 248_956_422, 2: 242_193_529, 3: 198_295_559, 4: 190_214_555, 5: 181_538_259},
    **{6: 170_805_979, 7: 159_345_973, 8: 145_138_636, 9: 138_394_717, 10: 133_797_422},
    **{11: 135_086_622, 12: 133_275_309, 13: 114_364_328, 14: 107_043_718, 15: 101_991_189},
    **{16: 90_338_345, 17: 83_257_441, 18: 80_373_285, 19: 58_617_616, 20: 64_444_167},
    **{21: 46_709_983, 22: 50_818_468},
}
CENTROMERES = {1: 123_400_000, 19: 26_200_000}

# Columns of gdc-1.0.0-aliquot-merged-masked, in their order.
MAF_COLUMNS = """
Hugo_Symbol Entrez_Gene_Id Center NCBI_Build Chromosome Start_Position End_Position Strand
Variant_Classification Variant_Type Reference_Allele Tumor_Seq_Allele1 Tumor_Seq_Allele2 dbSNP_RS
dbSNP_Val_Status Tumor_Sample_Barcode Matched_Norm_Sample_Barcode Match_Norm_Seq_Allele1
Match_Norm_Seq_Allele2 Tumor_Validation_Allele1 Tumor_Validation_Allele2
Match_Norm_Validation_Allele1 Match_Norm_Validation_Allele2 Verification_Status Validation_Status
Mutation_Status Sequencing_Phase Sequence_Source Validation_Method Score BAM_File Sequencer
Tumor_Sample_UUID Matched_Norm_Sample_UUID HGVSc HGVSp HGVSp_Short Transcript_ID Exon_Number
t_depth t_ref_count t_alt_count n_depth n_ref_count n_alt_count all_effects Allele Gene Feature
Feature_type One_Consequence Consequence cDNA_position CDS_position Protein_position Amino_acids
Codons Existing_variation DISTANCE TRANSCRIPT_STRAND SYMBOL SYMBOL_SOURCE HGNC_ID BIOTYPE
CANONICAL CCDS ENSP SWISSPROT TREMBL UNIPARC RefSeq SIFT PolyPhen EXON INTRON DOMAINS GMAF AFR_MAF
AMR_MAF ASN_MAF EAS_MAF EUR_MAF SAS_MAF AA_MAF EA_MAF CLIN_SIG SOMATIC PUBMED MOTIF_NAME MOTIF_POS
HIGH_INF_POS MOTIF_SCORE_CHANGE IMPACT PICK VARIANT_CLASS TSL HGVS_OFFSET PHENO ExAC_AF
ExAC_AF_Adj ExAC_AF_AFR ExAC_AF_AMR ExAC_AF_EAS ExAC_AF_FIN ExAC_AF_NFE ExAC_AF_OTH ExAC_AF_SAS
nontcga_ExAC_AF nontcga_ExAC_AF_Adj nontcga_ExAC_AF_AFR nontcga_ExAC_AF_AMR nontcga_ExAC_AF_EAS
nontcga_ExAC_AF_FIN nontcga_ExAC_AF_NFE nontcga_ExAC_AF_OTH nontcga_ExAC_AF_SAS GENE_PHENO CONTEXT
tumor_bam_uuid normal_bam_uuid case_id GDC_FILTER COSMIC hotspot callers
""".split()

# Place (hg38) and bases of the mutations of IDH: ClinVar; dbSNP rs11554137 for the silent one.
PLACES = {
    ("IDH1", "p.R132H"): ("chr2", 208_248_388, "C", "T"),
    ("IDH1", "p.R132C"): ("chr2", 208_248_389, "G", "A"),
    ("IDH2", "p.R172K"): ("chr15", 90_088_606, "C", "T"),
    ("IDH1", "p.G105="): ("chr2", 208_248_468, "G", "A"),
}

PASSENGERS = {
    "IDH-wildtype": [("EGFR", "p.A289V"), ("PTEN", "p.R130Q"), ("TTN", "p.P100L")],
    "IDH-mutant non-codeleted": [("TP53", "p.R273C"), ("ATRX", "p.R1426W"), ("TTN", "p.E30K")],
    "IDH-mutant codeleted": [("CIC", "p.R215W"), ("NOTCH1", "p.R365C"), ("TTN", "p.S7F")],
}


def write_genomics(folder: str | Path, cases: int, seed: int) -> None:
    """Write maf/, segments/ (with gdc_sample_sheet.tsv), clinical.tsv and patients.tsv."""
    folder = Path(folder)
    sheet, clinical = [], []
    rows = [patient_row(case, seed) for case in glioma_cases(cases)]
    _write_tsv(rows, folder / "patients.tsv")
    for number, case in enumerate(glioma_cases(cases)):
        clinical.append(_assays(case, number))
        if case.evidence != "sequencing":
            continue
        rng = numpy_rng(seed, "genomics", case.barcode)
        _write_maf(folder / "maf", case, number, seed)
        for kind, sample_type in (("01A", "Primary Tumor"), ("10A", "Blood Derived Normal")):
            segments = _segments(case, number, tumour=kind == "01A", rng=rng)
            sheet.append(
                _write_segments(folder / "segments", case, kind, sample_type, segments, seed)
            )
    _write_tsv(sheet, folder / "segments" / "gdc_sample_sheet.tsv")
    _write_tsv(clinical, folder / "clinical.tsv")


def _mutations(case: Case, number: int) -> list[tuple[str, str, str]]:
    """Gene, classification and protein change."""
    rows = [(gene, "Missense_Mutation", change) for gene, change in PASSENGERS[case.subtype]]
    if case.variant:
        rows.append((case.variant[0], "Missense_Mutation", case.variant[1]))
    elif number % 2:
        rows.append(("IDH1", "Silent", "p.G105="))
    return rows


def _write_maf(folder: Path, case: Case, number: int, seed: int) -> None:
    aliquots = [gdc_uuid(seed, case.barcode, "wxs", kind) for kind in ("01A", "10A")]
    lines = [
        "#version gdc-1.0.0",
        "#annotation.spec gdc-1.0.0-aliquot-merged-masked",
        "#sort.order BarcodesAndCoordinate",
        "#filedate 20200101",
        f"#normal.aliquot {aliquots[1]}",
        f"#tumor.aliquot {aliquots[0]}",
        "\t".join(MAF_COLUMNS),
    ]
    for gene, classification, change in _mutations(case, number):
        values = {
            "Hugo_Symbol": gene,
            "NCBI_Build": "GRCh38",
            "Variant_Classification": classification,
            "Variant_Type": "SNP",
            "HGVSp_Short": change,
            "Tumor_Sample_Barcode": f"{case.barcode}-01A-11D-A000-08",
            "Matched_Norm_Sample_Barcode": f"{case.barcode}-10A-01D-A000-08",
            "Tumor_Sample_UUID": aliquots[0],
            "Matched_Norm_Sample_UUID": aliquots[1],
            "Mutation_Status": "Somatic",
            "callers": "muse;mutect2;varscan2",
        }
        if (gene, change) in PLACES:
            chromosome, position, reference, allele = PLACES[gene, change]
            values |= {"Chromosome": chromosome, "Strand": "+"}
            values |= dict.fromkeys(["Start_Position", "End_Position"], str(position))
            values |= dict.fromkeys(["Reference_Allele", "Tumor_Seq_Allele1"], reference)
            values |= {"Tumor_Seq_Allele2": allele}
        lines.append("\t".join(values.get(column, "") for column in MAF_COLUMNS))
    file_id, name = gdc_uuid(seed, case.barcode, "maf"), gdc_uuid(seed, case.barcode, "maf name")
    path = folder / file_id / f"{name}.wxs.aliquot_ensemble_masked.maf.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


def _segments(case: Case, number: int, tumour: bool, rng: np.random.Generator) -> list[Segment]:
    """Chromosome, start, end and mean: one segment an arm or chromosome."""
    purity = rng.uniform(0.5, 0.9)
    lost, gained = np.log2(1 - purity / 2), np.log2(1 + purity / 2)
    level = 0.3 if tumour and number == 5 else 0.0  # the genome gained as a whole
    means: dict[tuple[int, str], float] = {}
    if tumour and case.subtype == "IDH-mutant codeleted":
        means = {(1, "p"): lost, (19, "q"): lost}
    elif tumour and case.subtype == "IDH-wildtype":
        means = {(7, "q"): gained, (10, "q"): lost}
    rows: list[Segment] = []
    for chromosome, end in CHROMOSOME_ENDS.items():
        middle = CENTROMERES.get(chromosome, 0)
        arms = [("p", 10_000, middle), ("q", middle or 10_000, end - 10_000)]
        for arm, start, stop in arms:
            if stop > start:
                mean = means.get((chromosome, arm), 0.0)
                rows.append((chromosome, start, stop, mean + level + rng.normal(0, 0.02)))
    if tumour and case.subtype == "IDH-mutant non-codeleted" and number % 2:
        chromosome, start, stop, mean = rows[0]
        half = (start + stop) // 2
        rows[:1] = [(chromosome, start, half, mean + lost), (chromosome, half + 1, stop, mean)]
    return rows


def _write_segments(
    folder: Path, case: Case, kind: str, sample_type: str, segments: list[Segment], seed: int
) -> dict[str, str]:
    """Write one file; returns its row of the sample sheet."""
    aliquot, file_id = (gdc_uuid(seed, case.barcode, kind, key) for key in ("snp6", "segments"))
    name = f"DEMO_{case.barcode[8:]}_{kind}.nocnv_grch38.seg.v2.txt"
    rows = [
        {
            "GDC_Aliquot": aliquot,
            "Chromosome": chromosome,
            "Start": start,
            "End": end,
            "Num_Probes": (end - start) // 2000,
            "Segment_Mean": f"{mean:.4f}",
        }
        for chromosome, start, end, mean in segments
    ]
    _write_tsv(rows, folder / file_id / name)
    return {
        "File ID": file_id,
        "File Name": name,
        "Data Category": "Copy Number Variation",
        "Data Type": "Masked Copy Number Segment",
        "Project ID": "TCGA-LGG",
        "Case ID": case.barcode,
        "Sample ID": f"{case.barcode}-{kind}",
        "Sample Type": sample_type,
    }


def _assays(case: Case, number: int) -> dict[str, str]:
    """Assays of the case that needs them and of every fourth; '-- is the GDC's null."""
    known = case.evidence == "assays" or (case.evidence == "sequencing" and number % 4 == 0)
    stained = case.variant == ("IDH1", "p.R132H")
    codeleted = case.subtype == "IDH-mutant codeleted"
    return {
        "case_submitter_id": case.barcode,
        "project_id": "TCGA-LGG",
        "idh1_r132h_ihc": ("positive" if stained else "negative") if known else "'--",
        "codeletion_fish": ("codeleted" if codeleted else "intact") if known else "'--",
    }


def _write_tsv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
