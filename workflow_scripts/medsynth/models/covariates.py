"""Covariates as conditions: how they become a vector, and whose are drawn for generated images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from medsynth.runtime.seeding import numpy_rng
from medsynth.store.errors import MedsynthError
from medsynth.store.tables.absence import known_words
from medsynth.store.tables.covariates import MOST_CATEGORIES, UNKNOWN

Described = Mapping[str, Mapping[str, Any]]  # a card's part `covariates`


class CovariateError(MedsynthError):
    """A covariate cannot be a condition, or has not the value that is asked for."""


def describe(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a card must say of covariates, so that :func:`encode` reads them as in training.

    Args:
        rows: of the training split.
        names: columns of it.

    Returns:
        by name the sorted ``categories``, or, of numbers, ``mean`` and ``std`` (population's) of
        the known ones.

    Raises:
        CovariateError: no such column, of no image known, or more than 20 categories.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        if name not in rows:
            raise CovariateError(
                f"condition {name!r} is no column of the manifest; correct train.conditions"
            )
        values = _known(rows[name])
        if values.isna().all():
            raise CovariateError(
                f"condition {name!r} is known of no training image; leave it out of"
                " train.conditions"
            )
        if pd.api.types.is_numeric_dtype(values):
            found[name] = {"mean": float(values.mean()), "std": float(values.std(ddof=0)) or 1.0}
            continue
        categories = sorted(values.dropna().unique())
        if len(categories) > MOST_CATEGORIES:
            raise CovariateError(
                f"condition {name!r} has {len(categories)} values, and at most {MOST_CATEGORIES}"
                " can be categories; leave it out of train.conditions, or make fewer of it"
            )
        found[name] = {"categories": categories}
    return found


def _known(values: pd.Series) -> pd.Series:
    """Numbers, or words, of which "unknown" is null."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype(float)
    return known_words(values)


def width(covariates: Described) -> int:
    """Length of the vector of an image."""
    return sum(len(one.get("categories", ["value"])) + 1 for one in covariates.values())


def encode(rows: pd.DataFrame, covariates: Described) -> np.ndarray:
    """Vectors (n, d) float32: categories one-hot, numbers standardised, each with a last column
    that is 1 where it is not known, and the others 0.

    Raises:
        CovariateError: a column is missing, or a category is none of the training's.
    """
    parts = []
    for name, one in covariates.items():
        if name not in rows:
            raise CovariateError(f"the model is conditioned on {name}; say of each image which")
        values = _known(rows[name])
        if "categories" in one:
            if strange := sorted(set(values.dropna()) - set(one["categories"])):
                raise CovariateError(_no_value(name, strange[0], one))
            columns = [values == category for category in one["categories"]]
        else:
            columns = [((values - one["mean"]) / one["std"]).fillna(0)]
        parts += [np.asarray(c, np.float32) for c in [*columns, values.isna()]]
    return np.stack(parts, axis=1)


def without_strange(rows: pd.DataFrame, covariates: Described) -> pd.DataFrame:
    """The rows, with categories that the training never saw as unknown, which they are to it."""
    for name, one in covariates.items():
        if "categories" in one and name in rows:
            values = _known(rows[name])
            rows = rows.assign(**{name: values.where(values.isin(one["categories"]))})
    return rows


def _no_value(name: str, value: Any, one: Mapping[str, Any]) -> str:
    known = ", ".join(one["categories"]) if "categories" in one else "numbers"
    return f"no value {value!r} of {name}; the model knows {known} and {UNKNOWN}"


def appended(
    labels: np.ndarray, n_classes: int, rows: pd.DataFrame, covariates: Described
) -> np.ndarray:
    """Labels as rows of 0 and 1, followed by the vectors of their covariates, (n, k + d) float32.

    Args:
        labels: (n,) indices or (n, k) rows.
        rows: of the manifest.
    """
    hot = labels if labels.ndim == 2 else np.eye(n_classes, dtype=np.float32)[labels]
    return np.concatenate([hot, encode(rows, covariates)], axis=1)


def asked_for(asked: Mapping[str, Any], covariates: Described) -> dict[str, Any]:
    """Values as the manifest has them; "unknown" is null.

    Raises:
        CovariateError: no such covariate of the model, or no such value.
    """
    found: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in covariates:
            there = ", ".join(covariates) or "none"
            raise CovariateError(f"the model is not conditioned on {name!r}; it is on: {there}")
        one = covariates[name]
        if str(value).casefold() == UNKNOWN:
            found[name] = np.nan if "mean" in one else None
        elif "categories" in one:
            # Numbers and yes or no are words of a table: 1 is "1", true may be "True" in it.
            spelt = {category.casefold(): category for category in one["categories"]}
            found[name] = spelt.get(str(value).casefold(), str(value))
        else:
            try:
                found[name] = float(str(value))  # of True none
            except ValueError:
                raise CovariateError(_no_value(name, value, one)) from None
            if not np.isfinite(found[name]):
                raise CovariateError(_no_value(name, value, one))
    if found:
        encode(pd.DataFrame([found]), {name: covariates[name] for name in found})
    return found


def with_drawn(
    request: pd.DataFrame,
    training: pd.DataFrame | None,
    covariates: Described,
    asked: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """The request with the covariates of each image, in the columns of the manifest.

    Those that are not asked for are those of a training image of the same label, all of one and the
    same, or of any, where the label was never seen: a function of (seed, label, number within it).

    Args:
        training: rows of the manifest; None where they are not at hand.

    Raises:
        CovariateError: see :func:`asked_for`, or some are not asked for and cannot be drawn.
    """
    fixed = asked_for(asked, covariates)
    if drawn := [name for name in covariates if name not in fixed]:
        if training is None:
            raise CovariateError(
                f"the model is conditioned on {', '.join(covariates)}; give {', '.join(drawn)},"
                f" too, or say {UNKNOWN}"
            )
        of_label = training.groupby("label").indices
        everybody = np.arange(len(training))
        chosen = [
            numpy_rng(seed, "covariates", label, k).choice(of_label.get(label, everybody))
            for label, k in zip(request["label"], request.groupby("label").cumcount(), strict=True)
        ]
        found = training[drawn].iloc[chosen].set_axis(request.index)
        request = request.assign(**{name: found[name] for name in drawn})
    columns = {
        name: pd.Series(
            value, request.index, dtype="float64" if "mean" in covariates[name] else "str"
        )
        for name, value in fixed.items()
    }
    return request.assign(**columns)
