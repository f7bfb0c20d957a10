"""What the figures of translated slices allow to be said of the experiment that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medsynth.metrics.baselines import GAIN
from medsynth.metrics.intervals import Metric
from medsynth.tasks.viewing.contract import ShownExperiment
from medsynth.tasks.viewing.metric_tables import SMALL, Titles, shown_metric
from medsynth.tasks.viewing.verdicts import Grade, Verdict, listed, sentence, standing_in_all

BASELINE = "doing nothing"


def verdict(
    experiment: ShownExperiment, experiments: Sequence[ShownExperiment], measures: Titles
) -> Verdict:
    """The verdict on one experiment beside doing nothing and the others on its cohort.

    Args:
        measures: title and meaning of the figures that may have a gain over doing nothing.
    """
    metrics = experiment.results["metrics"]
    figures = "; ".join(_figure(n, metrics, measures) for n in measures if n + GAIN in metrics)
    signs = {n: s for n in measures if (s := _sign(metrics.get(n + GAIN))) is not None}
    if not signs:
        said = sentence(f"no gain over {BASELINE} with an interval")
        return Verdict("unknown", said, figures, BASELINE)

    def titled(sign: int) -> list[str]:
        return [measures[name][0] for name, found in signs.items() if found == sign]

    others: dict[str, list[str]] = {"better": [], "worse": [], "": []}
    for other in experiments:
        theirs = other.results["metrics"]
        pairs = [(metrics[n], theirs[n]) for n in signs if n in theirs]
        if other is not experiment and pairs:
            others[standing_in_all(pairs)].append(other.name)
    better, unclear, worse = titled(1), titled(0), titled(-1)
    text = sentence(
        f"beats {BASELINE} in {listed(better)}" if better else "",
        f"not shown to beat {BASELINE} in {listed(unclear)}" if unclear else "",
        f"worse than {BASELINE} in {listed(worse)}" if worse else "",
        _by_direction(experiment.results["per_class"], signs, measures),
        f"better than {listed(others['better'])}" if others["better"] else "",
        f"worse than {listed(others['worse'])}" if others["worse"] else "",
        f"not told apart from {listed(others[''], 'or')}" if others[""] else "",
        _few(experiment.results),
    )
    grade: Grade = "worse" if worse else "unproven" if unclear else "better"
    return Verdict(grade, text, figures, BASELINE)


def _sign(gain: Metric | None) -> int | None:
    """1 where the interval of a gain is above 0, -1 below, 0 around it; None without one."""
    if not gain or not gain["interval"]:
        return None
    low, high = gain["interval"]
    return 1 if low > 0 else -1 if high < 0 else 0


def _figure(name: str, metrics: Mapping[str, Any], measures: Titles) -> str:
    mine = shown_metric(name, metrics[name], measures)
    gain = shown_metric(name + GAIN, metrics[name + GAIN], measures)
    return f"{mine.title} {mine.text}, gain {gain.text} ({gain.interval})"


def _by_direction(
    directions: Mapping[str, Mapping[str, Any]], signs: Mapping[str, int], measures: Titles
) -> str:
    """Whether what holds of all slices together holds in each direction."""
    doubtful = [
        f"{direction.replace('_', ' ')} ({measures[name][0]})"
        for direction, metrics in directions.items()
        for name, sign in signs.items()
        if sign == 1 and _sign(metrics.get(name + GAIN)) != 1
    ]
    if doubtful:
        return f"not shown for {listed(doubtful)}"
    return "in each direction" if 1 in signs.values() and len(directions) > 1 else ""


def _few(results: Mapping[str, Any]) -> str:
    few = min(results["n_real"], results["n_generated"])
    return f"on {few:,} slices, too few to speak of quality" if few < SMALL else ""
