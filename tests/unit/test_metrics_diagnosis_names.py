"""Columns that are called like the target, and those that only look so."""

from __future__ import annotations

import pytest

from medsynth.metrics.diagnosis.names import named_as_label, named_as_survival

OTHERS = [
    *("age", "Diagnosis Age", "sex", "tumour_size", "tumor_site", "sample_type", "Status", "type"),
    *("TP53_mut", "ATRX_STATUS", "TERT_PROMOTER_STATUS", "MLH1_methylated", "CDKN2A_del", "11p"),
    *("MethylationCluster", "midhinge", "PIDH_mut", "codec", "BCL1P_cnv", "histologic_subtype"),
    *("idhinge", "chr1q", "chr_1_q", "chr_19_gain", "CHRNA1_cnv", "chr10"),
    *("CHR_7_GAIN_CHR_10_LOSS", "mutations", "wildtype_allele_count", "class", "race", "grade"),
]
IDH = ["IDH", "IDH_STATUS", "idh1", "IDH1_mut", "IDH2_mut", "IDHmut", "idh1_r132h_ihc"]
IDH += ["idh1r132h", "IDHR132H"]
CODELETED = ["codel", "1p19q", "1p_19q", "1p/19q co-deletion", "chr1p_loss", "19q", "Non-codel=yes"]
CODELETED += ["del1p", "loss19q", "chr_1_p", "chr19", "Chromosome 1"]


@pytest.mark.parametrize(
    ("headings", "classes", "wanted"),
    [
        (["IDH_STATUS"], ["Mutant", "WT"], IDH),
        ([], ["IDH-wildtype", "other"], IDH),
        (["idh"], ["0", "1"], IDH),
        ([], ["Codel", "Non-codel"], CODELETED),
        (["1p19q"], ["intact", "lost"], CODELETED),
        # Codel says which word of the heading is meant.
        (["IDH_1P19Q_SUBTYPE"], ["Codel", "Non-codel"], CODELETED),
        (["IDH_CODEL_SUBTYPE"], ["IDHwt", "IDHmut-codel"], IDH + CODELETED),
        (["MGMT_PROMOTER_STATUS"], ["Methylated", "Unmethylated"], ["MGMT_methylated", "mgmtMeth"]),
        (["tumor_status"], ["high", "low"], ["Tumor Status"]),  # generic words: the whole heading
        (["diagnosis"], ["astrocytoma", "GBM"], ["history=astrocytoma"]),
    ],
)
def test_a_gene_or_word_of_the_label_is_found_and_generic_words_and_letters_are_not(
    headings, classes, wanted
):
    everything = [*IDH, *CODELETED, "MGMT_methylated", "mgmtMeth", "Tumor Status"]
    columns = [*everything, "history=astrocytoma", *OTHERS]
    assert list(named_as_label(headings, classes, columns)) == wanted


@pytest.mark.parametrize(
    ("headings", "classes", "wanted", "others"),
    [
        (["EGFR_amplified"], ["yes", "no"], ["EGFRvIII", "egfrL858R"], ["EGFRBP", "EGF_level"]),
        (["CD8"], ["hot", "cold"], ["CD8_ihc"], ["CD80", "CD4"]),
        # A gene is known in a class of several words, too, if it is written as one.
        ([], ["EGFR mutant", "HER2 low"], ["EGFR_pct", "her2_pct"], ["pct"]),
        (
            [],
            ["squamous/large cell carcinoma", "adenocarcinoma"],
            ["squamous", "large cell carcinoma", "adenocarcinoma_pct"],
            ["white_cell_count", "T_cell_fraction", "B_cell", "large_vessel_disease"],
        ),
        ([], ["No Finding", "Edema"], ["edema_score"], ["finding_count"]),
        ([], ["left lung", "right lung"], ["left_lung_volume"], ["left_eye", "right_handed"]),
        (["Verlauf"], ["gut", "schlecht"], ["gut", "Verlauf_2"], ["gut_microbiome"]),
        ([], ["A", "B"], [], ["A", "type_B", "vitamin A"]),
    ],
)
def test_ordinary_words_of_a_class_count_together_and_genes_alone(
    headings, classes, wanted, others
):
    assert list(named_as_label(headings, classes, [*others, *wanted])) == wanted


def test_the_reason_names_the_word_and_expression_is_left_to_the_values():
    columns = ["IDH2_mut", "IDH2_rnaseq", "Idh_Status", "IDH_RNA_cluster=IDHwt-R1"]
    assert named_as_label(["IDH_STATUS"], ["Mutant", "WT"], columns) == {
        "IDH2_mut": "its name and the label's share idh",
        "Idh_Status": "its name is the label's",
        "IDH_RNA_cluster=IDHwt-R1": "its name and the label's share idh",
    }
    of_expression = ["TERT_EXPRESSION_STATUS"], ["Expressed", "Not expressed"]
    assert list(named_as_label(*of_expression, ["TERT_mRNA", "IDH1_mRNA"])) == ["TERT_mRNA"]


def test_names_of_survival_are_found_and_those_of_the_users_own_columns():
    columns = [
        "OS_months",
        "OS.time",
        "vital_status",
        "DaysToDeath",
        "death01",
        "last_contact_days",
        "FollowUpStatus",
        "length_of_follow-up",
    ]
    others = ["family_history_of_death", "MOTHER_DECEASED", "deadline", "followup_scanner_T"]
    others += ["cost", "age", "vital_capacity", "survivin_expression", "dose", "Months", "days"]
    assert list(named_as_survival(["t", "e"], [*columns, *others])) == columns
    own = named_as_survival(["Months", "relapse_event"], ["months", "relapse_site", "cost"])
    assert own == {
        "months": "its name is the survival's",
        "relapse_site": "its name and the survival's share relapse",
    }
