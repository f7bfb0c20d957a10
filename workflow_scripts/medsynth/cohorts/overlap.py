"""Whom a model rests on, kept beside its weights, and the proof that it is judged on others.

These are who was trained on and who was not, but chose the step that is kept (validation). The list
is written by the training itself from the rows it read, and names the weights it belongs to. The
gate therefore does not depend on what the cohort's manifest says after the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from medsynth.store.manifests import TEST, TRAIN, VALIDATE, by_file, in_split, used

KEYS = {"patients": "patient", "images": "source_sha256"}
_SEEN = [f"{name}_seen" for name in KEYS]


def training_patients(
    manifest: pd.DataFrame,
    model_sha256: str,
    of_inputs: Sequence[pd.DataFrame] = (),
    validation: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The people of a training; those of a model that it rests on are among them.

    Args:
        manifest: the rows it was trained on.
        model_sha256: digest of the weights it published.
        of_inputs: the people of the models that it rests on.
        validation: the rows that the step was chosen by.

    Returns:
        DataFrame(patient, source_sha256, split, model_sha256), sorted; split is what the raw file
        did, train or validate, a row for each.
    """
    columns = [*KEYS.values(), "split"]
    own = [by_file(manifest).assign(split=TRAIN)]
    if validation is not None:
        own.append(by_file(validation).assign(split=VALIDATE))
    people = pd.concat([one[columns] for one in (*own, *of_inputs)])
    people = people.drop_duplicates().sort_values(columns)
    return people.assign(model_sha256=model_sha256).reset_index(drop=True)


def people_of_folds(
    folds: Mapping[int, tuple[pd.DataFrame, pd.DataFrame]],
    model_sha256: str,
    of_inputs: Sequence[pd.DataFrame] = (),
) -> pd.DataFrame:
    """The people of a model that is one for each fold, as :func:`training_patients`, with fold.

    Args:
        folds: by fold, the rows that its part was trained on, and those its step was chosen by.
    """
    parts = [
        training_patients(train, model_sha256, of_inputs, validation).assign(fold=fold)
        for fold, (train, validation) in folds.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"fold": "Int64"})


def judged_rows(
    manifest: pd.DataFrame, made: pd.DataFrame
) -> list[tuple[int | None, pd.DataFrame]]:
    """The real rows that a product is judged by, with their fold.

    They are those of the test split, or, of predictions with a column fold, of the patients who
    are predicted in each fold.
    """
    if "fold" not in made:
        return [(None, in_split(manifest, TEST))]
    rows = used(manifest)
    return [
        (int(fold), rows[rows["patient"].isin(of["patient"])]) for fold, of in made.groupby("fold")
    ]


def overlap_of(
    judged: Sequence[tuple[int | None, pd.DataFrame]], people: pd.DataFrame, model_sha256: str
) -> dict[str, int | bool]:
    """:func:`training_overlap` fold by fold, added up.

    Args:
        judged: as :func:`judged_rows` gives them.
        people: of a model that is one for each fold, or of one that is not: it counts in all.
    """
    parts = []
    for fold, real in judged:
        of_fold = fold is not None and "fold" in people
        of_this = people[people["fold"] == fold] if of_fold else people
        parts.append(training_overlap(real, of_this, model_sha256))
    counts = {key: sum(int(part[key]) for part in parts) for key in _SEEN}
    flags = {key: all(part[key] for part in parts) for key in ("list_of_these_weights", "ok")}
    return {**counts, **flags}


def training_overlap(
    real: pd.DataFrame, trained: pd.DataFrame, model_sha256: str
) -> dict[str, int | bool]:
    """The gate: none of a metric's real images, and nobody they show, had a part in the model.

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
