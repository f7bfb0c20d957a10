"""Survival of 388 gliomas from tables: Cox's model beside the published sum of age, IDH wild type
and glioblastoma, on the same pairs of patients. Prints the table of docs/results.md.

There are no images, which the fusion needs; the linear models and folds are those of diagnoses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from medsynth.cohorts.splits import split_patients
from medsynth.metrics.diagnosis.baselines import predict_survival
from medsynth.metrics.diagnosis.comparison import compared
from medsynth.metrics.diagnosis.concordance import concordance, of_survival
from medsynth.metrics.intervals import Metric
from medsynth.runtime.seeding import numpy_rng
from medsynth.runtime.settings import Split
from medsynth.store.manifests import USED
from medsynth.tasks.diagnosis.evaluation import says_age_or_sex
from tests.real.test_survival_real import TABLE, published, read

SEEDS = (1, 2, 3)  # of folds and resamples
FOLDS, RESAMPLES = 5, 1000
SHOWN = {
    "cindex": "Cox of all tables",
    "cindex_published": "published sum",
    "cindex_over_published": "gain of Cox over the sum",
    "cindex_clinical": "Cox of clinical data",
    "cindex_age_sex": "Cox of age and sex",
}


class Gliomas:
    """The patients whose survival is known: numbers, months, event, and what is published."""

    def __init__(self) -> None:
        frame, _ = read(happened="0", censored="1")
        known = frame[frame["months"].notna()]
        self.months = known["months"].to_numpy()
        self.event = known["event"].to_numpy(dtype=bool)
        self.published = published(known)
        columns = [c for c in known if ":" in c]
        of = {
            "all": columns,
            "clinical": [c for c in columns if c.startswith("clinical:")],
            "age_sex": [c for c in columns if says_age_or_sex(c)],
        }
        self.given = {name: known[own].to_numpy(float) for name, own in of.items()}
        code = known[[c for c in columns if "oncotree_code=" in c]].idxmax(axis=1)
        self.diagnoses = known[["patient"]].assign(label=code, status=USED)

    def folds(self, seed: int) -> np.ndarray:
        """Of each patient, dealt diagnosis by diagnosis, (n,)."""
        splits = split_patients(self.diagnoses, Split(folds=FOLDS), seed)
        fold: np.ndarray = splits.set_index("patient")["fold"][self.diagnoses["patient"]].to_numpy()
        return fold

    def judged(self, seed: int) -> dict[str, Metric]:
        """Harrell's c of pairs within a fold, of every prediction."""
        folds = self.folds(seed)
        told = {
            name: predict_survival(x, self.months, self.event, folds)
            for name, x in self.given.items()
        }
        told = {"all": told.pop("all"), "published": self.published, **told}
        pairs = of_survival(self.months, self.event, folds)
        rng = numpy_rng(seed, "cindex")
        return compared(told, [pairs], "cindex", RESAMPLES, rng, "nobody died")


def shown(found: Metric) -> str:
    assert found["interval"]
    return "{:.3f} ({:.3f} to {:.3f})".format(found["value"], *found["interval"])


def rows() -> Iterator[dict[str, Any]]:
    if not TABLE.is_file():
        print(f"no {TABLE}: MEDSYNTH_REAL_DATA names the folder of real data; no survival")
        return
    gliomas = Gliomas()
    of_all = of_survival(gliomas.months, gliomas.event, np.zeros(len(gliomas.months)))
    bar = concordance(gliomas.published, of_all)
    print(f"{len(gliomas.event)} patients, {gliomas.event.sum()} deaths; published sum {bar:.3f}")
    found = [gliomas.judged(seed) for seed in SEEDS]
    print("| c-index |", " | ".join(f"seed {seed}" for seed in SEEDS), "|")
    print("|---" * (1 + len(SEEDS)) + "|")
    for name, words in SHOWN.items():
        print(f"| {words} |", " | ".join(shown(of[name]) for of in found), "|", flush=True)
    ours, peer = (
        float(np.mean([of[name]["value"] for of in found]))
        for name in ("cindex", "cindex_published")
    )
    yield {
        "name": "c-index, Cox of tables / published sum",
        "unit": "1",
        "ours": ours,
        "peer": peer,
        "ratio": ours / peer,
        "goal": f"> 1 ({len(SEEDS)} seeds)",
    }
