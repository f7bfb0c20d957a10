"""What the figures of generated reports allow to be said of the experiment that wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from medsynth.metrics.baselines import not_beaten
from medsynth.metrics.intervals import Metric
from medsynth.tasks.viewing.contract import ShownExperiment
from medsynth.tasks.viewing.metric_tables import SMALL, Titles, baselines_of, shown_metric
from medsynth.tasks.viewing.verdicts import Grade, Verdict, listed, sentence, standing_in_all

# Words can be right where the findings are not: a claim must hold by both.
CLAIMED = ("finding_f1_macro", "rouge_l")
BASELINE = "the baselines"


def verdict(
    experiment: ShownExperiment, experiments: Sequence[ShownExperiment], titles: Titles
) -> Verdict:
    """The verdict on one experiment beside reports without a model and the others' reports."""
    results = experiment.results
    metrics = results["metrics"]
    found = {name: metrics[name] for name in CLAIMED}
    figures = "; ".join(_figure(name, entry, titles) for name, entry in found.items())
    judged = {name: entry for name, entry in found.items() if entry["interval"]}
    if not judged:
        said = sentence("no figure of the reports with an interval")
        return Verdict("unknown", said, figures, BASELINE)
    unbeaten = {name: other for name, e in judged.items() if (other := not_beaten(e))}
    lost = [name for name in unbeaten if _is_below(judged[name])]
    beaten = [titles[name][0] for name in judged if name not in unbeaten]
    same = results["different"]["generated"] == 1
    standing = {
        other.name: standing_in_all([(metrics[n], other.results["metrics"][n]) for n in CLAIMED])
        for other in experiments
        if other is not experiment
    }
    better, worse = (
        [name for name, stands in standing.items() if stands == kind]
        for kind in ("better", "worse")
    )
    text = sentence(
        f"beats all reports without a model in {listed(beaten)}" if beaten else "",
        *(
            f"{_lost(name in lost)} {other} in {titles[name][0]}"
            for name, other in unbeaten.items()
        ),
        "writes the same report for every image" if same else "",
        f"better than {listed(better)}" if better else "",
        f"worse than {listed(worse)}" if worse else "",
        f"on {results['n_real']:,} reports, too few to speak of quality"
        if results["n_real"] < SMALL
        else "",
    )
    grade: Grade = "worse" if lost else "unproven" if unbeaten or same else "better"
    return Verdict(grade, text, figures, BASELINE)


def _is_below(entry: Metric) -> bool:
    interval = entry["interval"]
    return interval is not None and interval[1] < max(entry["null"].values())


def _lost(is_below: bool) -> str:
    return "worse than the" if is_below else "not shown to beat the"


def _figure(name: str, entry: Metric, titles: Titles) -> str:
    shown = shown_metric(name, entry, titles)
    interval = shown.interval if entry["interval"] else "no interval"
    return f"{shown.title} {shown.text} ({interval}), {baselines_of(shown)}"
