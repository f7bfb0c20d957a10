"""What rows of mutation tables say of IDH: words, numbers and places in the genome."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from pathlib import Path

import pandas as pd
import pytest

from medsynth.genomics.glioma import call_genotypes
from medsynth.genomics.mutations.hotspots import HOTSPOTS, PLACES, residue_of, translate
from medsynth.genomics.mutations.variant_words import (
    CUT,
    OTHER,
    SUBSTITUTION,
    SYNONYMOUS,
    UNTRANSLATED,
    class_of,
)
from medsynth.genomics.mutations.variants import Row, judge
from medsynth.genomics.settings import Genotypes
from medsynth.store.wording import REASONS

UNCLEAR = "unclear"


def verdict(row: Row) -> str | None:
    """The variant, UNCLEAR, or null for none."""
    found = judge(row)
    return UNCLEAR if found.unclear else found.variant


CHANGES = [
    # gene, protein change, variant
    ("IDH1", "p.R132H", "IDH1 p.R132H"),
    ("IDH1", "R132H", "IDH1 p.R132H"),
    ("IDH1", "r132h", "IDH1 p.R132H"),
    ("IDH1", "P.ARG132HIS", "IDH1 p.R132H"),
    ("IDH1", "p.Arg132His", "IDH1 p.R132H"),
    ("IDH1", "p.(Arg132His)", "IDH1 p.R132H"),
    ("IDH1", "p.[Arg132Cys]", "IDH1 p.R132C"),
    ("IDH1", "NP_005887.2:p.Arg132Ser", "IDH1 p.R132S"),
    ("IDH1", "ENSP00000260985.2:p.Arg132Leu", "IDH1 p.R132L"),
    ("IDH1", "NM_005896.3:c.395G>A (p.R132H)", "IDH1 p.R132H"),
    ("IDH1", "NM_005896.4(IDH1):c.395G>A (p.Arg132His)", "IDH1 p.R132H"),
    ("IDH1", "NM_005896.3:c.395G>A", "IDH1 p.R132H"),
    ("IDH1", "c.394C>T", "IDH1 p.R132C"),
    ("IDH1", "IDH1:NM_005896:exon4:c.G395A:p.R132H,IDH1:NM_1:c.G395A:p.R132H", "IDH1 p.R132H"),
    ("IDH1", "IDH1 R132G", "IDH1 p.R132G"),
    ("IDH1", "p.G105=;p.R132H", "IDH1 p.R132H"),
    ("IDH2", "p.R172K", "IDH2 p.R172K"),
    ("IDH2", "p.Arg140Gln", "IDH2 p.R140Q"),
    ("IDH2", "IDH2:NM_001289910:exon4:c.G359A:p.R120K,IDH2:NM_002168:exon4:c.G515A:p.R172K",
     "IDH2 p.R172K"),
    ("IDH2", "c.516G>T", "IDH2 p.R172S"),
    # known, and no mutation of a hotspot
    ("IDH1", "p.G105D", None),
    ("IDH1", "p.Arg100Gln", None),
    ("IDH1", "p.R132*", None),
    ("IDH1", "p.Arg132Ter", None),
    ("IDH1", "p.R132Hfs*5", None),
    ("IDH1", "p.Y135_G136del", None),
    ("IDH1", "p.X138_splice", None),
    ("IDH2", "p.V217delinsEGM", None),
    ("IDH2", "p.R132H", None),
    ("IDH2", "p.R120=", None),
    ("IDH1", "p.Arg132%3D", None),
    # not to be judged
    ("IDH1", "", UNCLEAR),
    ("IDH1", ".", UNCLEAR),
    ("IDH1", "NA", UNCLEAR),
    ("IDH1", "p.?", UNCLEAR),
    ("IDH1", "codon 132", UNCLEAR),
    ("IDH1", "p.R132X", UNCLEAR),
    ("IDH1", "p.R132del", UNCLEAR),
    ("IDH1", "p.R132_G133delinsHS", UNCLEAR),
    ("IDH1", "p.G131_R132insK", UNCLEAR),
    ("IDH1", "p.Q132H", UNCLEAR),  # there is no Q
    ("IDH2", "p.R120K", UNCLEAR),  # R172 in NM_001289910
    ("IDH2", "p.R42K", UNCLEAR),  # R172 in NM_001290114
    ("IDH2", "p.R88Q", UNCLEAR),
    ("IDH2", "NM_001289910.1:c.359G>A", UNCLEAR),
    ("IDH2", "c.125G>A", UNCLEAR),
    ("IDH2", "p.R120del", UNCLEAR),
    ("IDH2", "p.G119_R120delinsVK", UNCLEAR),
]  # fmt: skip


@pytest.mark.parametrize("variant_class", ["", "Translocated", "in_frame_del"])
@pytest.mark.parametrize(("gene", "change", "variant"), CHANGES)
def test_protein_changes_are_read_in_every_form(
    gene: str, change: str, variant: str | None, variant_class: str
) -> None:
    assert verdict(Row(gene, variant_class, (change,))) == variant


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Missense_Mutation", SUBSTITUTION),
        ("missense_mutation", SUBSTITUTION),
        ("Missense", SUBSTITUTION),
        ("MISSENSE", SUBSTITUTION),
        ("missense_variant", SUBSTITUTION),
        ("missense_variant&splice_region_variant", SUBSTITUTION),
        ("nonsynonymous SNV", SUBSTITUTION),
        ("NON_SYNONYMOUS_CODING", SUBSTITUTION),
        ("Silent", SYNONYMOUS),
        ("synonymous_variant", SYNONYMOUS),
        ("splice_region_variant,synonymous_variant", SYNONYMOUS),
        ("synonymous SNV", SYNONYMOUS),
        ("Intron", UNTRANSLATED),
        ("3'UTR", UNTRANSLATED),
        ("5_prime_UTR_variant", UNTRANSLATED),
        ("FIVE_PRIME_UTR", UNTRANSLATED),
        ("upstream_gene_variant", UNTRANSLATED),
        ("UTR_3_PRIME", UNTRANSLATED),
        ("Silent_Mutation", SYNONYMOUS),
        ("Substitution - Missense", SUBSTITUTION),
        ("Nonsense_Mutation", CUT),
        ("stop_gained", CUT),
        ("Frame_Shift_Del", CUT),
        ("frameshift insertion", CUT),
        ("In_Frame_Ins", OTHER),
        ("Splice_Site", OTHER),
        ("Splice_Region", OTHER),
        ("", None),
        ("mutated", None),
        ("synonymous_variant&strange", None),
    ],
)
def test_variant_classes_of_all_vocabularies(word: str, kind: str | None) -> None:
    assert class_of(word) == kind


@pytest.mark.parametrize(
    ("variant_class", "change", "variant"),
    [
        ("Silent", "", None),
        ("synonymous_variant", ".", None),
        ("Intron", "", None),
        ("Silent", "p.R132=", None),
        ("", "p.(=)", None),
        ("", "p.Arg132=", None),
        ("", "p.R132R", None),
        ("Splice_Region", "p.G105=", None),
        ("Missense_Mutation", "p.R132", "IDH1 p.R132?"),
        ("missense_variant", "p.Arg132Cys", "IDH1 p.R132C"),
        # what contradicts itself
        ("Silent", "p.R132H", UNCLEAR),
        ("3'UTR", "p.R132H", UNCLEAR),
        ("Nonsense_Mutation", "p.R132H", UNCLEAR),
        ("Missense_Mutation", "p.R132=", UNCLEAR),
        # no change, and a class that changes something or is not known
        ("Missense_Mutation", "", UNCLEAR),
        ("Splice_Site", "", UNCLEAR),
        ("Frame_Shift_Del", ".", UNCLEAR),
        ("something new", "", UNCLEAR),
    ],
)
def test_class_and_change_together(variant_class: str, change: str, variant: str | None) -> None:
    assert verdict(Row("IDH1", variant_class, (change,))) == variant


R132H = Row("IDH1", "", (), "2", 209_113_112, 209_113_112, "GRCh37", "C", ("C", "T"))
R172K = Row("IDH2", "", (), "15", 90_631_838, 90_631_838, "37", "C", ("T",))


@pytest.mark.parametrize(
    ("row", "variant"),
    [
        (R132H, "IDH1 p.R132H"),
        (replace(R132H, build=""), "IDH1 p.R132H"),  # no other build has IDH1 there
        (replace(R132H, chromosome="chr2", build="hg19"), "IDH1 p.R132H"),
        (replace(R132H, start=208_248_388, end=nan, build="GRCh38"), "IDH1 p.R132H"),
        (replace(R132H, start=208_248_388, end=208_248_388, build="hg38"), "IDH1 p.R132H"),
        (replace(R132H, start=208_248_389, end=208_248_389, build="38", reference="G",
                 alleles=("A",)), "IDH1 p.R132C"),
        (replace(R132H, start=209_113_111, end=209_113_111, reference="A", alleles=("G",)), None),
        (replace(R132H, end=209_113_113, reference="CG", alleles=("TA",)), "IDH1 p.R132Y"),
        (R172K, "IDH2 p.R172K"),
        (replace(R172K, start=90_088_606, end=90_088_606, build="GRCh38.p13"), "IDH2 p.R172K"),
        (replace(R172K, start=90_088_606, end=90_088_606, build="38"), "IDH2 p.R172K"),
        (replace(R172K, start=90_631_934, end=90_631_934), "IDH2 p.R140Q"),
        (replace(R172K, start=90_088_702, end=90_088_702, build="hg38"), "IDH2 p.R140Q"),
        # the number of another transcript, its class, and words nobody knows give way to the place
        (replace(R172K, changes=("p.R120K",), variant_class="Missense_Mutation"), "IDH2 p.R172K"),
        (replace(R172K, changes=("p.R42K",), alleles=()), "IDH2 p.R172K"),
        (replace(R132H, variant_class="Intron"), "IDH1 p.R132H"),
        (replace(R132H, variant_class="strange", changes=("strange",)), "IDH1 p.R132H"),
        # without alleles, or with those of the other strand, the change says what was made
        (replace(R132H, alleles=(), changes=("p.R132L",)), "IDH1 p.R132L"),
        (replace(R132H, reference="G", alleles=("A",), changes=("p.R132H",)), "IDH1 p.R132H"),
        (replace(R132H, alleles=(), variant_class="missense_variant"), "IDH1 p.R132?"),
        # elsewhere in the gene
        (replace(R132H, start=209_113_192, end=209_113_192, variant_class="Splice_Site"), None),
        (replace(R132H, start=209_108_317, end=209_108_317, variant_class="strange"), None),
        (replace(R132H, start=209_108_317, end=209_108_317, changes=("p.R132H",)), UNCLEAR),
        # bases of the other build, another chromosome: the place tells nothing
        (replace(R132H, build="GRCh38"), UNCLEAR),
        (replace(R132H, build="GRCh38", changes=("p.R132H",)), "IDH1 p.R132H"),
        (replace(R132H, chromosome="X", variant_class="Missense_Mutation"), UNCLEAR),
        # at the codon, and not to be judged
        (replace(R132H, alleles=(), reference=""), UNCLEAR),
        (replace(R132H, end=209_113_114, reference="CGA", alleles=("-",),
                 variant_class="In_Frame_Del"), UNCLEAR),
        (replace(R132H, variant_class="Silent"), UNCLEAR),
        (replace(R132H, alleles=(), variant_class="Silent"), None),
        (replace(R132H, reference="CG", alleles=("C",), variant_class="Frame_Shift_Del"), None),
        # without an end the reference says how far the row goes (VCF)
        (replace(R132H, start=209_113_110, end=nan, reference="CAC", alleles=("CAT",)),
         "IDH1 p.R132H"),
        (replace(R132H, start=209_113_109, end=nan, reference="CCACG", alleles=("C",)), UNCLEAR),
        # counted from 0, the end behind the last base (BED)
        (replace(R132H, start=209_113_111), "IDH1 p.R132H"),
        (replace(R132H, start=209_113_112, end=209_113_113, reference="G", alleles=("A",)),
         "IDH1 p.R132C"),
        (replace(R172K, start=90_631_836, end=90_631_837, alleles=("A",)), "IDH2 p.R172S"),
        # an end that is not that of the alleles
        (replace(R132H, start=209_113_106), UNCLEAR),
        (replace(R132H, start=209_113_106, changes=("p.R132H",)), "IDH1 p.R132H"),
        # several alleles in a cell, and cells that name none
        (replace(R132H, alleles=("C/T",)), "IDH1 p.R132H"),
        (replace(R132H, alleles=("T,<*>",)), "IDH1 p.R132H"),
        (replace(R132H, alleles=("NA", "T")), "IDH1 p.R132H"),
        (replace(R132H, alleles=(".", "T")), "IDH1 p.R132H"),
        # no somatic mutation, as others found
        (replace(R132H, status="Germline"), UNCLEAR),
        (replace(R132H, validation="Invalid"), UNCLEAR),
        (replace(R132H, validation="Wildtype"), UNCLEAR),
        (replace(R132H, validation="Untested"), "IDH1 p.R132H"),
        # rows that say that there is none
        (replace(R132H, status="Wildtype"), None),
        (replace(R132H, status="None"), None),
        (replace(R132H, status="Somatic"), "IDH1 p.R132H"),
    ],
)  # fmt: skip
def test_the_place_in_the_genome_decides(row: Row, variant: str | None) -> None:
    assert verdict(row) == variant


def test_the_hotspots_are_arginines_within_their_genes_on_both_builds() -> None:
    for hotspot in HOTSPOTS:
        assert translate(hotspot.codon) == "R"
        _, spans = PLACES[hotspot.gene]
        for build, first in hotspot.first.items():
            assert spans[build][0] < first < spans[build][1]
    distances = {h.gene: {h.first["hg19"] - h.first["hg38"]} for h in HOTSPOTS}
    for hotspot in HOTSPOTS:  # the genes moved as a whole between the builds
        distances[hotspot.gene].add(hotspot.first["hg19"] - hotspot.first["hg38"])
    assert all(len(distance) == 1 for distance in distances.values())
    r172 = HOTSPOTS[2]
    exchanges = [(0, "C", "T"), (0, "C", "A"), (1, "C", "T"), (1, "C", "A"), (2, "T", "A")]
    made = [residue_of(r172, r172.first["hg19"] + n, old, new) for n, old, new in exchanges]
    assert made == ["R", "S", "K", "M", "W"]  # AGA is an arginine as AGG is


GDC = "Hugo_Symbol NCBI_Build Chromosome Start_Position Variant_Classification HGVSp_Short"
GDC += " Tumor_Sample_Barcode"


HEADINGS = [
    (GDC, "IDH1 GRCh38 chr2 208248388 Missense_Mutation p.R132H {}-01A-11D"),
    (GDC.upper(), "idh1 GRCh38 chr2 208248388 missense_variant p.arg132his {}-01A-11D"),
    ("Gene Protein_Change Tumor_Sample_Barcode", "IDH1 p.R132H {}-01"),
    ("Gene.refGene ExonicFunc.refGene AAChange.refGene Sample",
     "IDH1 nonsynonymous_SNV IDH1:NM_005896:exon4:c.G395A:p.R132H {}"),
    ("Entrez_Gene_Id HGVSp Tumor_Sample_Barcode", "3417 p.Arg132His {}-01"),
    ("Hugo_Symbol Entrez_Gene_Id Amino_Acid_Change Tumor_Sample_Barcode",
     " 3417 R132H {}-01"),
    ("hugoGeneSymbol mutationType proteinChange sampleId", "IDH1 Missense R132H {}-01"),
    ("gene_symbol chrom pos ref alt aliquot_barcode", "IDH1 2 209113112 C T {}-TP-01D-WXS"),
    ("Hugo_Symbol Chromosome Start_Position Reference_Allele Tumor_Seq_Allele2 NCBI_Build"
     " Tumor_Sample_Barcode", "Unknown 2 209113112 C T 37 {}-01"),
    ("Hugo_Symbol HGVSp_Short HGVSp Tumor_Sample_Barcode", "IDH1 . p.Arg132His {}-01"),
    ("Hugo_Symbol Chromosome Start_Position Reference_Allele Tumor_Seq_Allele2"
     " Tumor_Sample_Barcode", "None chr2 208248388 C T {}-01A"),
    ('"Gene" "Chromosome" "Start" "Ref" "Alt" "Sample"',
     '"" "2" "2.09113112e+08" "C" "T" "{}-01A"'),
    ("sample chr start end reference alt gene effect",
     "{}-01 chr2 209113112 209113112 C T IDH1 Missense_Mutation"),
    ("Gene_name Sample_name Mutation_AA Mutation_Description",
     "IDH1 {}-01 p.R132H Substitution_-_Missense"),
    ("Gene HGVSc Tumor_Sample_Barcode", "ENSG00000138413.9 c.395G>A {}-01"),
    ("Gene Protein_Change Tumor_Sample_Barcode", "IDH1;IDH1-AS1 R132H {}-01"),
]  # fmt: skip


def test_headings_of_other_sources_are_known(tmp_path: Path) -> None:
    for number, (header, row) in enumerate(HEADINGS):
        row = row.format(f"TCGA-AA-{number:04d}")
        lines = [header, row, row.replace("IDH1", "X")]
        text = "\n".join(line.replace(" ", "\t") for line in lines) + "\n"
        (tmp_path / f"{number}.maf").write_text(text)
    calls, quarantine, _ = call_genotypes(Genotypes(maf=[tmp_path]))
    found = dict(zip(calls["case"], calls["idh_variant"], strict=True))
    assert found == {f"TCGA-AA-{n:04d}": "IDH1 p.R132H" for n in range(len(HEADINGS))}
    assert quarantine.empty


def test_a_place_that_a_spreadsheet_rounded_is_none(tmp_path: Path) -> None:
    header = "Hugo_Symbol\tChromosome\tStart_Position\tTumor_Sample_Barcode\n"
    for place in ("2.09E+08", "2.0911E+08"):
        (tmp_path / "a.maf").write_text(f"{header}IDH1\t2\t{place}\tTCGA-AA-0001-01A\n")
        calls, _, _ = call_genotypes(Genotypes(maf=[tmp_path]))
        assert calls["reason"].tolist() == ["idh_unclear"]


COLUMNS = "Hugo_Symbol\tVariant_Classification\tHGVSp_Short\tTumor_Sample_Barcode"
OTHER_GENE = "TP53\tMissense_Mutation\tp.R248W\t{}"


def calls_of(folder: Path, *rows: str, sheet: str = "", **others: object) -> tuple:
    (folder / "a.maf").write_text("\n".join([COLUMNS, *rows]) + "\n")
    if sheet:
        (folder / "gdc_sample_sheet.2024-01-01.tsv").write_text(f"File Name\tSample ID\n{sheet}\n")
    settings = Genotypes(maf=[folder / "a.maf"], **others)
    calls, quarantine, _ = call_genotypes(settings)
    assert set(quarantine["reason"]) | set(calls["reason"].dropna()) <= set(REASONS)
    return calls.set_index("case"), quarantine


ROWS = [
    # a row, what becomes of its owner, and of the row
    ("IDH1\tMissense\tp.R132H\t{}-01A", "mutant", None, None),
    ("IDH1\tSilent\tp.R132=\t{}-01A", "wildtype", None, None),
    ("IDH1\tmissense_variant\tp.G105D\t{}-01A", "wildtype", None, None),
    ("IDH1\tMissense\t\t{}-01A", None, "idh_unclear", "unclear_mutation"),
    ("IDH1\tstrange\t\t{}-01A", None, "idh_unclear", "unclear_mutation"),
    ("IDH1\tMissense\t\t{}-02A", None, "idh_unclear", "unclear_mutation"),
    ("IDH1\tMissense\tp.R132H\t{}-10A", None, "idh_unreadable", "normal_sample"),
    ("IDH1\tSilent\tp.R132=\t{}-10A", "wildtype", None, None),
    ("IDH1\tMissense\tp.R132H\tLGG-{}-T", None, "idh_unreadable",
     "no_sample_barcode"),
    ("IDH1\tMissense\tp.R132H\tP-17", "wildtype", None, "no_sample_barcode"),  # nobody's
    ("IDH1\tMissense\tp.R132H\t", "wildtype", None, "no_sample_barcode"),
]  # fmt: skip


def test_no_row_of_idh_is_lost_to_a_wildtype(tmp_path: Path) -> None:
    cases = [f"TCGA-AA-{number:04d}" for number in range(len(ROWS))]
    rows = [row.format(case) for case, (row, *_) in zip(cases, ROWS, strict=True)]
    rows += [OTHER_GENE.format(f"{case}-01A") for case in cases]
    calls, quarantine = calls_of(tmp_path, *rows)
    found = calls[["idh", "reason"]].astype(object).where(calls.notna(), None)
    # Of a mutant nothing says 1p/19q.
    expected = [[idh, "codeletion_missing" if idh == "mutant" else why] for _, idh, why, _ in ROWS]
    assert found.to_numpy().tolist() == expected
    assert sorted(quarantine["reason"]) == sorted(why for *_, why in ROWS if why)
    # A mutation in another row of the sample stands, whatever happens to this one.
    rows += [f"IDH1\tMissense\tp.R132C\t{case}-01A" for case in cases]
    calls, _ = calls_of(tmp_path, *rows)
    assert set(calls["idh"]) == {"mutant"}


def test_an_unclear_mutation_is_no_wildtype_by_stain_and_age(tmp_path: Path) -> None:
    clinical = tmp_path / "clinical.tsv"
    clinical.write_text("case\tidh1_ihc\tage\nTCGA-AA-0001\tnegative\t70\n")
    row = "IDH1\tMissense_Mutation\t.\tTCGA-AA-0001-01A"
    calls, quarantine = calls_of(tmp_path, row, clinical=clinical)
    assert calls.loc["TCGA-AA-0001", "reason"] == "idh_unclear"
    assert "class 'Missense_Mutation'" in quarantine.loc[0, "detail"]


def test_the_sample_sheet_beside_a_file_says_whose_tumour_it_is(tmp_path: Path) -> None:
    samples = ["TUMOR", "tumor", "2e7f0d4c-0a3b-4c86-a65f-000000000001", ""]
    sheet = ["File Name\tSample ID"]
    for number, sample in enumerate(samples):
        case, name = f"TCGA-AA-{number:04d}", f"{number}.maf"
        row = f"IDH1\tMissense_Mutation\tp.R132H\t{sample}"
        (tmp_path / name).write_text(f"{COLUMNS}\n{row}\n")
        # The sheet names the file as it was before it was unpacked.
        sheet.append(f"{name}.gz\t{case}-10A, {case}-01A")
    (tmp_path / "gdc_sample_sheet.2024-01-01.tsv").write_text("\n".join(sheet) + "\n")
    files = [tmp_path / f"{number}.maf" for number in range(len(samples))]
    calls, quarantine, _ = call_genotypes(Genotypes(maf=files))
    assert set(calls["idh"]) == {"mutant"}
    assert calls["idh_sample"].tolist() == [f"TCGA-AA-{n:04d}-01A" for n in range(len(samples))]
    assert quarantine.empty


def test_a_sheet_that_names_somebody_else_gives_nobody_the_rows(tmp_path: Path) -> None:
    rows = [OTHER_GENE.format("TCGA-AA-0002-01A"), "IDH1\tMissense_Mutation\tp.R132H\tTUMOR"]
    calls, quarantine = calls_of(tmp_path, *rows, sheet="a.maf\tTCGA-AA-0001-01A")
    assert calls["idh"].to_dict() == {"TCGA-AA-0002": "wildtype"}
    assert quarantine["reason"].tolist() == ["no_sample_barcode"]


def test_each_call_says_what_it_rests_on(tmp_path: Path) -> None:
    clinical = tmp_path / "clinical.csv"
    clinical.write_text(
        "Case,IDH1 IHC,IDH status,Age (years at diagnosis)\n"
        "TCGA-AA-0003,positive,,40\nTCGA-AA-0004,negative,,60\nTCGA-AA-0005,,WT,\n"
    )
    rows = ["IDH1\tMissense\tR132H\tTCGA-AA-0001-01", OTHER_GENE.format("TCGA-AA-0002-01")]
    calls, _ = calls_of(tmp_path, *rows, clinical=clinical)
    rests_on = ["mutation", "silent_exome", "positive_stain", "negative_stain_and_age", "published"]
    assert calls["idh_rests_on"].tolist() == rests_on
    panel = tmp_path / "panel.txt"
    panel.write_text("IDH1\nIDH2\n")
    calls, _ = calls_of(tmp_path, *rows, coverage=panel)
    assert calls["idh_rests_on"].tolist() == ["mutation", "silent_panel"]
    calls, _ = calls_of(tmp_path, *rows, coverage="unknown")
    assert pd.isna(calls.loc["TCGA-AA-0002", "idh_rests_on"])
