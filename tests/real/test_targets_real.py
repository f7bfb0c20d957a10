"""Which columns of real tables are refused by their names as the target of a diagnosis."""

from __future__ import annotations

import pandas as pd
import pytest

from medsynth.metrics.diagnosis.names import named_as_label, named_as_survival
from tests.unit.real_data import need

OF = {
    "IDH_STATUS": {"IDH_1P19Q_SUBTYPE", "IDH_CODEL_SUBTYPE", "IDH1_mut"},
    "IDH_1P19Q_SUBTYPE": {"IDH_CODEL_SUBTYPE"},
    "MGMT_PROMOTER_STATUS": set(),
    "ATRX_STATUS": {"ATRX_mut"},
    "TERT_PROMOTER_STATUS": set(),
    "histological_type": set(),
    "neoplasm_histologic_grade": {"GRADE"},
    "tumor_location": set(),
    "gender": set(),
    "TRANSCRIPTOME_SUBTYPE": set(),
    "CHR_19_20_CO_GAIN": set(),
    "BRAF_V600E_STATUS": {"BRAF_KIAA1549_FUSION"},
}
CLUSTERS = {"IDH_SPECIFIC_DNA_METHYLATION_CLUSTER"}  # made of the IDH status


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    of_gliomas = need("tcga-tables") / "lgggbm_tcga_pub.data_clinical_sample.tmb2020.txt"
    return [
        pd.read_csv(need("tcga-lgg-mri") / "patients.csv"),
        pd.read_csv(of_gliomas, sep="\t", comment="#"),
        pd.read_csv(need("tcga-gbmlgg-multimodal") / "patients_slides.csv.gz"),
    ]


@pytest.mark.parametrize("heading", OF)
def test_a_label_refuses_the_columns_of_its_gene_and_no_others(tables, heading):
    (first, *_) = [table for table in tables if heading in table]
    classes = first[heading].dropna().astype(str).unique()
    columns = {str(c) for table in tables for c in table} - {heading}
    assert {*named_as_label([heading], list(classes), columns)} - CLUSTERS == OF[heading]


def test_survival_refuses_its_own_columns_and_no_others(tables):
    columns = {str(c) for table in tables for c in table}
    found = named_as_survival(["survival_months", "censorship"], columns)
    assert set(found) == {"survival_months", "censorship", "death01"}
