"""Which step of a training was kept, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medsynth.tasks.viewing.numbers import number, patients

FIGURES = {"kid": "KID", "mae_hu": "MAE (HU)"}  # others are called as in the curves


def said(name: str) -> str:
    """A figure, or a curve, for people."""
    return FIGURES.get(name, name.replace("_", " "))


def choice(facts: Mapping[str, Any] | None) -> str:
    """What a card's part `validation` says; None of a family that has none."""
    if facts is None:
        return "The weights are those of the last step: no step was chosen by validation images."
    start = f"The weights are those of step {facts['step']:,} of {facts['of']:,}"
    if "reason" in facts:
        return f"{start}: {facts['reason']}."
    error, lowest, figure = facts["standard_error"], facts["lowest"], facts["figure"]
    value = number(facts["value"])
    value += f" (standard error {number(error)})" if error is not None else ""
    tie = ""
    if lowest["step"] != facts["step"]:
        tie = f", which ties with the lowest, {number(lowest['value'])} at step {lowest['step']:,}"
    beside = [f"{said(name)} {number(v)}" for name, v in facts["beside"].items()]
    baselines = [f"{name} {number(v)}" for name, v in facts["baselines"].items()]
    return (
        f"{start}, chosen of {facts['looks']} by their {said(figure)} on {facts['images']:,}"
        f" validation images of {patients(facts['patients'])}, who were not trained on: {value}"
        f"{tie}. Beside it: {'; '.join([*baselines, *beside])}."
    )
