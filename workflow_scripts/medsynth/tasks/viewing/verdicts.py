"""Verdicts: what the figures of an experiment allow to be said of it, and no more.

A figure carries a claim by its 95 % interval only: two figures differ where their intervals do not
overlap, and one beats a baseline where all of its interval does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medsynth.metrics.intervals import Better, Interval, Metric, loss

Grade = Literal["floor", "better", "unproven", "worse", "unknown"]
BADGES: dict[Grade, str] = {
    "floor": "At the real floor",
    "better": "Beats {baseline}",
    "unproven": "Not shown",
    "worse": "Worse",
    "unknown": "No verdict",
}


@dataclass(frozen=True)
class Verdict:
    """What is to be said of an experiment.

    Attributes:
        grade: ``floor``: beats its baselines, and its intervals reach what real images get;
            ``better``: beats its baselines; ``unproven``: not shown to; ``worse``: shown not to;
            ``unknown``: there is no figure with an interval.
        text: the same in a sentence, with its exceptions.
        figures: the figures that it rests on.
        baseline: what it must beat at least, in a word.
    """

    grade: Grade
    text: str
    figures: str
    baseline: str

    @property
    def badge(self) -> str:
        return BADGES[self.grade].format(baseline=self.baseline)


def standing(mine: Metric, other: Metric) -> Literal["better", "worse", ""]:
    """How one metric stands to another where their intervals do not overlap, "" if they do."""
    if not (mine["interval"] and other["interval"]):
        return ""
    (a_low, a_high), (b_low, b_high) = mine["interval"], other["interval"]
    if a_low <= b_high and b_low <= a_high:
        return ""
    assert mine["value"] is not None and other["value"] is not None  # they have intervals
    return "better" if loss(mine, mine["value"]) < loss(mine, other["value"]) else "worse"


def standing_in_all(pairs: Sequence[tuple[Metric, Metric]]) -> Literal["better", "worse", ""]:
    """How an experiment stands to another in every one of these metrics, "" if they disagree."""
    found = {standing(mine, other) for mine, other in pairs}
    return found.pop() if len(found) == 1 else ""


def reaches(interval: Interval, better: Better, floor: float) -> bool:
    """Whether the better end of a metric's interval is as good as the floor."""
    low, high = interval
    return low <= floor if better == "lower" else high >= floor


def listed(names: Sequence[str], joint: str = "and") -> str:
    """Names in a sentence: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} {joint} {last}" if first else last


def sentence(*clauses: str) -> str:
    """Clauses as one sentence; empty ones are left out."""
    text = "; ".join(filter(None, clauses))
    return f"{text[:1].upper()}{text[1:]}."
