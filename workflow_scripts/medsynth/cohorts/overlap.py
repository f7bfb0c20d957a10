"""Whom a model was trained on, kept beside its weights, and the proof that it is judged on others.

The list is written by the training itself from the rows it read, and names the weights it belongs
to. The gate therefore does not depend on what the cohort's manifest says after the training.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from medsynth.store.manifests import by_file

KEYS = {"patients": "patient", "images": "source_sha256"}


def training_patients(
    manifest: pd.DataFrame, model_sha256: str, of_inputs: Sequence[pd.DataFrame] = ()
) -> pd.DataFrame:
    """The people of a training; who was trained on by a model that it rests on is one of them.

    Args:
        manifest: the rows the training read.
        model_sha256: digest of the weights it published.
        of_inputs: the people of the models that it rests on.

    Returns:
        DataFrame(patient, source_sha256, model_sha256), one row for each raw file, sorted.
    """
    keys = list(KEYS.values())
    people = pd.concat([by_file(manifest)[keys], *(one[keys] for one in of_inputs)])
    people = people.drop_duplicates().sort_values(keys)
    return people.assign(model_sha256=model_sha256).reset_index(drop=True)


def training_overlap(
    real: pd.DataFrame, trained: pd.DataFrame, model_sha256: str
) -> dict[str, int | bool]:
    """The gate: none of a metric's real images, and nobody they show, was trained on.

    Args:
        real: manifest rows the metric compares with.
        trained: as :func:`training_patients` made it.
        model_sha256: digest of the weights in use.

    Returns:
        {"patients_seen", "images_seen", "list_of_these_weights", "ok"}.
    """
    real = by_file(real)
    # Sets: at 10^6 rows pandas' isin takes five times as long.
    counts = {
        f"{name}_seen": len(set(real[key].dropna()) & set(trained[key]))
        for name, key in KEYS.items()
    }
    same = set(trained["model_sha256"].unique()) == {model_sha256}
    return counts | {"list_of_these_weights": same, "ok": same and not any(counts.values())}
