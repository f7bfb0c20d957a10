"""Columns that are called like the target, and those that only look so."""

from __future__ import annotations

import pytest

from medsynth.metrics.diagnosis.names import named_as_label, named_as_survival

OTHERS = [
    *("age", "Diagnosis Age", "sex", "tumour_size", "tumor_site", "sample_type", "Status", "type"),
    *("TP53_mut", "ATRX_STATUS", "TERT_PROMOTER_STATUS", "MLH1_methylated", "CDKN2A_del", "11p"),
    *("MethylationCluster", "midhinge", "PIDH_mut", "codec", "BCL1P_cnv", "histologic_subtype"),
    *("CHR_7_GAIN_CHR_10_LOSS", "mutations", "wildtype_allele_count", "class", "race", "grade"),
]
IDH = ["IDH", "IDH_STATUS", "idh1", "IDH1_mut", "IDH2_mut", "IDHmut", "idh1_r132h_ihc"]
CODELETED = ["codel", "1p19q", "1p_19q", "1p/19q co-deletion", "chr1p_loss", "19q", "Non-codel=yes"]


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
    ]
    others = ["cost", "age", "vital_capacity", "survivin_expression", "dose", "Months", "days"]
    assert list(named_as_survival(["t", "e"], [*columns, *others])) == columns
    own = named_as_survival(["Months", "relapse_event"], ["months", "relapse_site", "cost"])
    assert own == {
        "months": "its name is the survival's",
        "relapse_site": "its name and the survival's share relapse",
    }
