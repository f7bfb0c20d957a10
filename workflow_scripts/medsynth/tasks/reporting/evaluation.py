"""Generated reports against those of the held-out patients, beside reports without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.metrics.intervals import Metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import by_subgroup, divide
from medsynth.metrics.text.evaluation import (
    beside_baselines,
    evaluate_reports,
    figures_of,
    measure,
)
from medsynth.metrics.text.findings import findings_of, macro_f1
from medsynth.runtime.run import Run
from medsynth.store.manifests import TEST, TRAIN, multi_hot
from medsynth.store.shards import ImageStore
from medsynth.store.tables.findings import JOINT
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.reporting.baselines import medoid, most_frequent, nearest, of_others
from medsynth.tasks.reporting.data import described
from medsynth.text.labeler import FINDINGS, keywords_of


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Figures of the texts with value, interval and what each baseline reaches; and by finding.

    Baselines are the training split's most frequent and most typical report, that of the training
    image with the nearest pixels, and the true report of another held-out patient. The ceiling is
    the true report of another one whose report states the same findings: what the right findings in
    other words reach.

    Where the labels of the cohort are the labeler's findings, ``labeler_f1`` is how well it reads
    them out of the true reports, beside what words alone reach.

    Args:
        inputs: of the rule: `manifest`, `shards`, `texts` and `table`.
        cfg: see :class:`Evaluation`.
        identity: experiment, cohort, family.

    Raises:
        SubgroupError: see :func:`.metrics.subgroups.divide`.
    """
    settings = Evaluation(**cfg)
    manifest, texts = read_table(inputs.manifest), read_table(inputs.texts)
    made = read_table(inputs.table).set_index("source_item")
    folder, seed = Path(inputs.shards[0]).parent, run.seed
    real, training = (ImageStore(described(manifest, texts, s), folder) for s in (TEST, TRAIN))
    rows = real.manifest
    divisions = divide(rows, settings, inputs.manifest)
    patients = rows["patient"].to_numpy(dtype=str)
    truth, learned = rows["text"].tolist(), training.manifest["text"].tolist()
    generated = made.loc[rows["item_id"], "text"].tolist()
    n = len(truth)
    baselines = {
        "most frequent report": [most_frequent(learned)] * n,
        "medoid report": [medoid(learned, seed)] * n,
        "nearest image's report": [learned[k] for k in nearest(real, training, seed)],
    }
    others = of_others(patients, [""] * n, seed)
    if (others >= 0).all():
        baselines["another patient's report"] = [truth[k] for k in others]

    def judged(chosen: np.ndarray) -> dict[str, Any]:
        kept = np.flatnonzero(chosen)

        def of(given: list[str]) -> list[str]:
            return [given[k] for k in kept]

        beside = {name: of(given) for name, given in baselines.items()}
        return evaluate_reports(of(generated), of(truth), patients[kept], beside, settings, seed)

    def metrics_of(chosen: np.ndarray) -> dict[str, Metric]:
        found: dict[str, Metric] = judged(chosen)["metrics"]
        return found

    found = judged(np.ones(n, bool))
    labeler = _labeler(rows["label"], truth, patients, settings, seed)
    return {
        **identity,
        "split": TEST,
        "extractor": None,
        "n_real": n,
        "n_generated": n,
        "metrics": found["metrics"] | labeler,
        "per_class": found["per_class"],
        "ceiling": _ceiling(truth, patients, seed),
        "different": {"generated": len(set(generated)), "real": len(set(truth))},
        "without_end": int((~made.loc[rows["item_id"], "ended"]).sum()),
        **by_subgroup(divisions, patients, metrics_of, settings),
    }


def _ceiling(truth: list[str], patients: np.ndarray, seed: int) -> dict[str, Any]:
    """What true reports of the same findings reach, and of how many reports there is another."""
    findings = findings_of(truth)
    others = of_others(patients, ["".join(row) for row in np.where(findings, "1", "0")], seed)
    having = np.flatnonzero(others >= 0)
    if not len(having):
        return {"n": 0}
    measured = measure(
        [truth[k] for k in others[having]], [truth[k] for k in having], findings[having]
    )
    reached = figures_of(measured)
    return {"n": len(having), "rouge_l": reached["rouge_l"], "bleu": reached["bleu"]}


def _labeler(
    labels: pd.Series, truth: list[str], patients: np.ndarray, settings: Evaluation, seed: int
) -> dict[str, Metric]:
    """The labeler's own F1, the mean of the cohort's classes; {} where these are no findings."""
    classes = sorted({name for label in labels.dropna() for name in label.split(JOINT)})
    if not classes or not set(classes) <= set(FINDINGS) or labels.isna().any():
        return {}
    columns = [FINDINGS.index(name) for name in classes]
    right = multi_hot(labels, classes) > 0
    half = len(classes)

    def of(rows: np.ndarray) -> float:
        return macro_f1(rows[:, :half], rows[:, half:])

    read, words = (
        np.concatenate([found[:, columns], right], 1)
        for found in (findings_of(truth), findings_of(truth, keywords_of))
    )
    null = {"words alone": of(words)}
    return {"labeler_f1": beside_baselines("labeler", read, of, null, patients, settings, seed)}
