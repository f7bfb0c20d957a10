"""Predictions beside each modality alone, linear models of tables, age and sex, and guessing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.patients.columns import OF
from medsynth.metrics.baselines import with_chance
from medsynth.metrics.classification import held_out_metrics
from medsynth.metrics.diagnosis.baselines import predict_classes, predict_survival, prevalence
from medsynth.metrics.diagnosis.comparison import compared
from medsynth.metrics.diagnosis.concordance import of_class, of_survival
from medsynth.metrics.intervals import Metric, counted, metric
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.privacy.fewest import FEWEST
from medsynth.store.tables.parquet import read_table

AGE_SEX = re.compile(r"(^|[\W_])(age|sex|gender|female|male)([\W_]|$)")
SPLIT = "each fold's, by a model of the others"


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Concordance within folds of all patients: the fusion's, and that of what it must beat.

    Of classes it is the mean of the areas under their ROC curves (auroc), of survival Harrell's c
    (cindex). Baselines of a fold are fitted to the other folds' patients, as the fusion is.

    Args:
        inputs: of the rule: `table`, `patients`, `card`.
        cfg: see :class:`Evaluation`.
        identity: experiment, cohort, family.
    """
    settings, card = Evaluation(**cfg), json.loads(Path(inputs.card).read_text())
    table = read_table(inputs.table)
    numbers = read_table(inputs.patients).set_index("patient").loc[table["patient"]]
    columns = [f"{of}{OF}{c}" for of, own in card["columns"].items() for c in own]
    demographic = [c for c in columns if says_age_or_sex(c)]
    given = {"elastic_net": columns, "age_sex": demographic}
    matrices = {name: numbers[own].to_numpy(float) for name, own in given.items() if own}
    modalities = ["image", *card["columns"]]
    judge = _of_survival if card["target"] == "survival" else _of_classes
    found = judge(table, matrices, modalities, card, settings, run.seed)
    return {
        **identity,
        "target": card["target"],
        "split": SPLIT,
        "extractor": None,
        "n_real": len(table),
        "n_generated": len(table),
        "folds": int(table["fold"].nunique()),
        "modalities": modalities,
        "age_sex": [c.partition(OF)[2] for c in demographic],
        "patients_of_several_classes": card["patients_of_several_classes"],
        "columns_judged": card["columns_judged"],
        "shapley": {m: _added(table[f"shapley:{m}"], table[f"there:{m}"]) for m in modalities},
        **found,
    }


def _added(shapley: pd.Series, there: pd.Series) -> dict[str, Any]:
    """What a modality adds, in the mean of all patients; withheld where few have it."""
    patients = int(there.sum())
    if patients < FEWEST:
        return {"mean": None, "mean_size": None, "patients": patients}
    means = {"mean": float(shapley.mean()), "mean_size": float(shapley.abs().mean())}
    return means | {"patients": patients}


def says_age_or_sex(column: str) -> bool:
    """Whether its heading does, as ``Diagnosis Age``; of TABLE:HEADING=WORD the word may not."""
    heading = column.partition(OF)[2].partition("=")[0]
    return bool(AGE_SEX.search(heading.casefold()))


def _of_classes(
    table: pd.DataFrame,
    matrices: dict[str, np.ndarray],
    modalities: list[str],
    card: dict[str, Any],
    settings: Evaluation,
    seed: int,
) -> dict[str, Any]:
    """auroc of all, accuracy beside the most frequent class, and auroc of each of several."""
    classes, folds = card["classes"], table["fold"].to_numpy()
    labels = table["true"].map({c: k for k, c in enumerate(classes)}).to_numpy()

    def of(prefix: str) -> np.ndarray:
        return np.asarray(table[[f"{prefix}p:{c}" for c in classes]], dtype=np.float64)

    told = {"fusion": of("")} | {m: of(f"{m}:") for m in modalities}
    told |= {name: predict_classes(x, labels, folds, len(classes)) for name, x in matrices.items()}
    told["majority"] = prevalence(labels, folds, len(classes))
    pairs = [of_class(labels == k, folds) for k in range(len(classes))]
    # Of two classes one is the mirror of the other.
    judged = range(1, 2) if len(classes) == 2 else range(len(classes))
    mean = compared(
        {name: scores[:, list(judged)] for name, scores in told.items()},
        [pairs[k] for k in judged], "auroc", settings.bootstrap, numpy_rng(seed, "auroc"),
        "no two patients of a fold are of different classes",
    )  # fmt: skip
    patients = table["patient"].to_numpy()
    hits = {n: held_out_metrics(told[n], labels, patients, classes) for n in ("fusion", "majority")}
    accuracies = hits["fusion"]["metrics"]
    majority = hits["majority"]["metrics"]["accuracy"]["value"]
    accuracies["accuracy"]["chance"] = majority
    by_class: dict[str, dict[str, Metric]] = {}
    members = np.bincount(labels, minlength=len(classes))
    if 0 < (fewest := int(members.min())) < FEWEST:
        withheld = (
            f"withheld, since beside the accuracy it would tell of {counted(fewest, 'patient')} of"
            f" a class; at least {FEWEST} are needed"
        )
        none = metric(None, "higher", None, withheld)
        accuracies["balanced_accuracy"] = with_chance(none, 1 / len(classes))
    # Of one class that is withheld the others' figures and the mean would tell, so all are.
    shown = len(classes) > 2 and min(*members, *(len(labels) - members)) >= FEWEST
    for k, name in enumerate(classes if shown else ()):
        scores = {n: s[:, k] for n, s in told.items() if n != "majority"}
        own = compared(
            scores, [pairs[k]], "auroc", settings.bootstrap, numpy_rng(seed, "auroc", name),
            f"no patient with and without {name} in one fold",
        )  # fmt: skip
        by_class[name] = {n: m for n, m in own.items() if "_over_" not in n}
    return {
        "metrics": {n: m for n, m in mean.items() if "majority" not in n} | accuracies,
        "per_class": by_class,
        "patients_by_class": {c: int(n) for c, n in zip(classes, members, strict=True)},
    }


def _of_survival(
    table: pd.DataFrame,
    matrices: dict[str, np.ndarray],
    modalities: list[str],
    card: dict[str, Any],
    settings: Evaluation,
    seed: int,
) -> dict[str, Any]:
    """cindex of all; the linear model is Cox's."""
    months, event = table["months"].to_numpy(), table["event"].to_numpy(dtype=bool)
    folds = table["fold"].to_numpy()
    told = {"fusion": table["log_risk"].to_numpy()}
    told |= {m: table[f"{m}:log_risk"].to_numpy() for m in modalities}
    told |= {name: predict_survival(x, months, event, folds) for name, x in matrices.items()}
    metrics = compared(
        told, [of_survival(months, event, folds)], "cindex", settings.bootstrap,
        numpy_rng(seed, "cindex"), "in no fold it is known of two patients who died first",
    )  # fmt: skip
    return {
        "metrics": metrics,
        "per_class": {},
        "events": int(event.sum()),
        "censored": int((~event).sum()),
    }
