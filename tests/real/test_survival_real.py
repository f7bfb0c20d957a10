"""Survival of real gliomas: its counts, the published bar, and a reversed censoring.

`python -m tests.benchmarks survival` judges models of the same patients beside that bar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.metrics.diagnosis.concordance import concordance, of_survival
from tests.unit.real_data import REAL

TABLE = REAL / "tcga-gbmlgg-multimodal" / "patients_slides.csv.gz"
pytestmark = pytest.mark.skipif(
    not TABLE.is_file(), reason=f"no {TABLE} (MEDSYNTH_REAL_DATA); 388 gliomas of TCGA"
)


def read(happened: str, censored: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    of = {"path": TABLE, "key": "case_id"}
    tables = {
        "clinical": of | {"columns": ["age", "is_female", "oncotree_code"]},
        "genes": of | {"columns": ["*_mut", "*_cnv"]},
    }
    survival = of | {"months": "survival_months", "event": "censorship"}
    survival |= {"happened": happened, "censored": censored}
    patients = pd.read_csv(TABLE, usecols=["case_id"])["case_id"]
    return read_patients(patients, PatientTables(tables=tables, survival=survival))


def published(frame: pd.DataFrame) -> np.ndarray:
    """Age, IDH wild type and glioblastoma, added up, (n,)."""
    age = frame["clinical:age"]
    scaled = ((age - age.mean()) / age.std()).fillna(0)
    score = scaled + (1 - frame["genes:IDH1_mut"]) + frame["clinical:oncotree_code=GBM"]
    return score.to_numpy()


def test_age_idh_and_glioblastoma_order_the_patients_as_published():
    frame, counts = read(happened="0", censored="1")
    assert (counts["survival"]["events"], counts["survival"]["censored"]) == (126, 262)
    known = frame[frame["months"].notna()]
    months, event = known["months"].to_numpy(), known["event"].to_numpy(dtype=bool)
    pairs = of_survival(months, event, np.zeros(len(known)))
    assert concordance(published(known), pairs) == pytest.approx(0.84, abs=0.005)


def test_reversed_censoring_is_counted_and_doubted():
    _, counts = read(happened="1", censored="0")
    assert counts["survival"]["events"] == 262
    assert "sounds as if 1 meant censored" in counts["survival"]["doubt"]
