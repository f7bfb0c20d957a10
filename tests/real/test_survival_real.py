"""Survival of real gliomas: its counts, the published bar, and a reversed censoring."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.metrics.diagnosis.concordance import concordance, of_survival
from tests.checkout import ROOT

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
TABLE = DATA / "tcga-gbmlgg-multimodal" / "patients_slides.csv.gz"
pytestmark = pytest.mark.skipif(
    not TABLE.is_file(), reason=f"no {TABLE} (MEDSYNTH_REAL_DATA); 388 gliomas of TCGA"
)


def read(happened: str, censored: str):
    of = {"path": TABLE, "key": "case_id"}
    tables = {
        "clinical": of | {"columns": ["age", "is_female", "oncotree_code"]},
        "genes": of | {"columns": ["*_mut", "*_cnv"]},
    }
    survival = of | {"months": "survival_months", "event": "censorship"}
    survival |= {"happened": happened, "censored": censored}
    patients = pd.read_csv(TABLE, usecols=["case_id"])["case_id"]
    return read_patients(patients, PatientTables(tables=tables, survival=survival))


def test_age_idh_and_glioblastoma_order_the_patients_as_published():
    frame, counts = read(happened="0", censored="1")
    assert (counts["survival"]["events"], counts["survival"]["censored"]) == (126, 262)
    known = frame[frame["months"].notna()]
    age = known["clinical:age"]
    scaled = ((age - age.mean()) / age.std()).fillna(0)
    score = scaled + (1 - known["genes:IDH1_mut"]) + known["clinical:oncotree_code=GBM"]
    months, event = known["months"].to_numpy(), known["event"].to_numpy(dtype=bool)
    pairs = of_survival(months, event, np.zeros(len(known)))
    assert concordance(score.to_numpy(), pairs) == pytest.approx(0.84, abs=0.005)


def test_reversed_censoring_is_counted_and_doubted():
    _, counts = read(happened="1", censored="0")
    assert counts["survival"]["events"] == 262
    assert "sounds as if 1 meant censored" in counts["survival"]["doubt"]
