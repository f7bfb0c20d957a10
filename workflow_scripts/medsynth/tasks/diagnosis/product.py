"""A row a patient: the truth, what is predicted, and what each modality has added."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from medsynth.metrics.diagnosis.shapley import coalitions, shapley_values
from medsynth.models.patients import PatientData
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TEST
from medsynth.store.models import load_model
from medsynth.store.tables.parquet import write_table
from medsynth.tasks.diagnosis.data import training_data

IMAGE = "image"


def write_product(
    sampling: ModuleType,
    inputs: Any,
    outputs: Any,
    cfg: dict[str, Any] | None,
    form: ImageForm,
    run: Run,
    work: Path,
) -> None:
    """Predict and write the patients whose target is known.

    Columns: patient, fold, split (test: in his fold everybody is), synthetic (no), model_sha256;
    true and prediction, and ``p:CLASS`` or, of survival, months, event and log_risk; the same by
    one modality alone, ``MODALITY:p:CLASS`` or ``MODALITY:log_risk``; ``there:MODALITY``;
    ``shapley:MODALITY``, what the modality adds to the probability of the predicted class, or to
    the log risk, and ``without_all``, what it is without any.

    Args:
        sampling: the family's module.
        inputs, outputs: of the rule: `weights`, `card`, `manifest`, `shards`, `patients`; `table`.
        cfg, form, work: of no use here.
    """
    model, data = load_model(inputs.weights, inputs.card), training_data(inputs, run.seed, 0)
    modalities = [IMAGE, *model.card["columns"]]
    members = coalitions(len(modalities))
    request = sampling.Request(data, members)
    made_by = {"split": TEST, "synthetic": "no", "model_sha256": digest_file(inputs.weights)}
    parts = [
        _rows(predicted, data, model.card, modalities, members)
        for predicted in sampling.generate(model, request, None, run)
    ]
    table = pd.concat(parts, ignore_index=True).sort_values("patient", ignore_index=True)
    write_table(table.assign(**made_by), outputs.table)


def _rows(
    predicted: Any, data: PatientData, card: Any, modalities: list[str], members: np.ndarray
) -> pd.DataFrame:
    """The rows of one fold."""
    chosen, answers = predicted.patients, predicted.answers
    found: dict[str, Any] = {
        "patient": [data.patients[i] for i in chosen],
        "fold": data.fold[chosen],
    }
    alone = {m: answers[_only(members, k)] for k, m in enumerate(modalities)}
    if card["target"] == "survival":
        assert data.months is not None
        assert data.event is not None
        found |= {"months": data.months[chosen], "event": data.event[chosen]}
        found["log_risk"] = answers[-1, :, 0]
        found |= {f"{m}:log_risk": of[:, 0] for m, of in alone.items()}
        worth = answers[:, :, 0]
    else:
        classes = card["classes"]
        best = answers[-1].argmax(1)
        found["true"] = [data.classes[i] for i in data.labels[chosen]]
        found["prediction"] = [classes[i] for i in best]
        for k, name in enumerate(classes):
            found[f"p:{name}"] = answers[-1, :, k]
            found |= {f"{m}:p:{name}": of[:, k] for m, of in alone.items()}
        worth = answers[:, np.arange(len(chosen)), best]
    found["without_all"] = worth[0]
    for m, value in zip(modalities, shapley_values(worth), strict=True):
        found[f"shapley:{m}"] = value
    found |= {f"there:{m}": predicted.there[:, k] for k, m in enumerate(modalities)}
    return pd.DataFrame(found)


def _only(members: np.ndarray, k: int) -> int:
    """The row of the coalition of one modality."""
    return int(np.flatnonzero((members.sum(1) == 1) & members[:, k])[0])
