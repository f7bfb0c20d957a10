"""What the figures of generated images allow to be said of the experiment that made them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from medsynth.metrics.baselines import above_chance, not_beaten
from medsynth.metrics.intervals import Metric
from medsynth.tasks.viewing.contract import ShownExperiment
from medsynth.tasks.viewing.metric_tables import SMALL, Titles, baselines_of, shown_metric
from medsynth.tasks.viewing.verdicts import (
    Grade,
    Verdict,
    listed,
    reaches,
    sentence,
    standing_in_all,
)

# A claim must hold by each of these that is there: KID is unbiased, FID is what others report.
DISTANCES = ("kid", "fid")
MOST_NAMED = 3  # classes of which the same is said, before they are counted instead
BASELINE = "noise"
NULLS = {"noise": "noise", "constant": "a constant image", "bicubic": "bicubic enlargement"}


def verdict(
    experiment: ShownExperiment, experiments: Sequence[ShownExperiment], titles: Titles
) -> Verdict:
    """The verdict on one experiment beside noise, real images and the others on its cohort."""
    results = experiment.results
    metrics = results["metrics"]
    found = {n: metrics[n] for n in DISTANCES if n in metrics and metrics[n].get("null")}
    figures = "; ".join(_figure(name, entry, titles) for name, entry in found.items())
    judged = {name: entry for name, entry in found.items() if entry["interval"]}
    if not judged:
        reasons = [metrics[n]["reason"] or "" for n in DISTANCES if n in metrics]
        why = dict.fromkeys(part for reason in reasons for part in reason.split("; "))
        said = sentence("no distance to real images with an interval", *why)
        lost = any(not_beaten(entry) for entry in found.values())
        return Verdict("unproven" if lost else "unknown", said, figures, BASELINE)

    unbeaten = [titles[name][0] for name, entry in judged.items() if not_beaten(entry)]
    others = _standings(experiment, experiments, judged)
    nulls = [NULLS.get(name, name) for name in next(iter(judged.values()))["null"]]
    wins = ([] if unbeaten else nulls) + others["better"]
    at_floor = [
        name
        for name, entry in judged.items()
        if reaches(entry["interval"], entry["better"], entry["floor"])
    ]
    text = sentence(
        f"not shown to beat {listed(nulls, 'or')} by {listed(unbeaten)}" if unbeaten else "",
        f"beats {listed(wins)}" if wins else "",
        _exceptions(metrics, titles),
        f"worse than {listed(others['worse'])}" if others["worse"] else "",
        f"not told apart from {listed(others[''], 'or')}, where intervals overlap or disagree"
        if others[""]
        else "",
        _floor(judged, at_floor, titles),
        _control(results),
        _few(results),
    )
    real = len(at_floor) == len(judged) and not _few(results)
    grade: Grade = "unproven" if unbeaten else "floor" if real else "better"
    return Verdict(grade, text, figures, BASELINE)


def _figure(name: str, entry: Metric, titles: Titles) -> str:
    shown = shown_metric(name, entry, titles)
    interval = shown.interval if entry["interval"] else "no interval"
    return f"{shown.title} {shown.text} ({interval}), {baselines_of(shown)}"


def _standings(
    experiment: ShownExperiment, experiments: Sequence[ShownExperiment], judged: Collection[str]
) -> dict[str, list[str]]:
    """The other experiments by how this one stands to them in all distances that both have."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "": []}
    mine = experiment.results
    for other in experiments:
        theirs = other.results
        # Another extractor is another scale, and the bias of FID is that of the number of images.
        if other is experiment or theirs["extractor"] != mine["extractor"]:
            continue
        same_n = _compared(mine) == _compared(theirs)
        shared = [n for n in judged if n in theirs["metrics"] and (same_n or n != "fid")]
        if shared:
            pairs = [(mine["metrics"][n], theirs["metrics"][n]) for n in shared]
            found[standing_in_all(pairs)].append(other.name)
    return found


def _compared(results: Mapping[str, Any]) -> int:
    """How many images a side were compared."""
    return int(results.get("n", min(results["n_real"], results["n_generated"])))


def _exceptions(metrics: Mapping[str, Metric], titles: Titles) -> str:
    """Other figures in which images that show nothing are not beaten."""
    by_nulls: dict[str, list[str]] = {}
    for name, entry in metrics.items():
        if name not in DISTANCES and not_beaten(entry):
            nulls = listed([NULLS.get(null, null) for null in entry["null"]], "or")
            by_nulls.setdefault(nulls, []).append(titles.get(name, (name, ""))[0])
    return "; ".join(
        f"not shown to beat {nulls} in {listed(names, 'or')}" for nulls, names in by_nulls.items()
    )


def _floor(judged: Collection[str], at_floor: Sequence[str], titles: Titles) -> str:
    if len(at_floor) == len(judged):
        return "reaches the real-vs-real floor within its intervals"
    if at_floor:
        within, without = (
            listed([titles[n][0] for n in judged if (n in at_floor) is here])
            for here in (True, False)
        )
        return f"within the real-vs-real floor by {within}, not by {without}"
    return "not yet within the real-vs-real floor"


def _control(results: Mapping[str, Any]) -> str:
    """Whether the images show the classes, or the findings, that were asked for."""
    name, each, plural, figure = "label", "class", "classes", "label_agreement"
    asked = results["per_class"]
    if "per_finding" in results:
        name, each, plural, figure = "finding", "finding", "findings", "finding_agreement"
        asked = results["per_finding"]
    entries = {of: metrics[figure] for of, metrics in asked.items() if figure in metrics}
    if not entries:
        return ""
    unjudged = [of for of, m in entries.items() if "judge" in m and not above_chance(m["judge"])]
    if len(unjudged) == len(entries):
        return f"control of {plural} unknown, their judge is not shown to be above chance"
    doubtful = [of for of, m in entries.items() if of in unjudged or not above_chance(m)]
    if len(doubtful) > MOST_NAMED:
        doubtful = [f"{len(doubtful)} of {len(entries)} {plural}"]
    if doubtful:
        return f"{name} agreement not shown to be above chance for {listed(doubtful)}"
    return f"{name} agreement above chance in every {each}"


def _few(results: Mapping[str, Any]) -> str:
    few = _compared(results)
    return f"on {few:,} images a side, too few to speak of quality" if few < SMALL else ""
