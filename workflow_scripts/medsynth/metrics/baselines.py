"""What a metric has to beat: real images, images that show nothing, guessing, doing nothing."""

from __future__ import annotations

from collections.abc import Mapping

from medsynth.metrics.intervals import Metric, loss, metric

# Beside a metric of translated images, by the end of the name: that of the source, the difference,
# and that of the source with the mean difference of the domains added.
DO_NOTHING, GAIN, MEAN_SHIFT = "_do_nothing", "_gain", "_mean_shift"


def without_baseline(metrics: Mapping[str, Metric]) -> list[str]:
    """The metrics with a value beside which nothing shows what noise, guessing or a copy reach."""

    def stands_beside(name: str) -> bool:
        measure = name.removesuffix(DO_NOTHING).removesuffix(GAIN).removesuffix(MEAN_SHIFT)
        found = metrics[name]
        return bool(
            found.get("null")
            or found.get("chance") is not None
            or {measure + DO_NOTHING, measure + GAIN} <= metrics.keys()
        )

    return [n for n, m in metrics.items() if m["value"] is not None and not stands_beside(n)]


def with_baselines(found: Metric, floor: float, null: Mapping[str, float]) -> Metric:
    """The metric with its floor and nulls; its reason says where it does not beat them.

    Args:
        found: a metric with a value.
        floor: the value of real training images.
        null: the value of noise and of a constant image, by name.
    """
    compared: Metric = {**found, "floor": floor, "null": dict(null)}
    blind = None
    if name := not_beaten({**compared, "value": floor, "interval": None}):
        blind = f"does not tell real images ({floor:.3g}) from {name} ({null[name]:.3g}) here"
    return with_nulls(compared, null, blind)


def with_nulls(found: Metric, null: Mapping[str, float], more: str | None = None) -> Metric:
    """The metric with what it has to beat; its reason says where it does not, and what more."""
    compared: Metric = {**found, "null": dict(null)}
    doubt = None
    if name := not_beaten(compared):
        doubt = f"not shown to be better than {name} ({null[name]:.3g})"
        if not_beaten({**compared, "interval": None}):
            doubt = f"not better than {name} ({null[name]:.3g})"
    reasons = metric(found["value"], found["better"], None, doubt, more, found["reason"])
    return {**compared, "reason": reasons["reason"]}


def not_beaten(found: Metric) -> str | None:
    """The name of the best null if the metric, at the worse end of its interval, is no better."""
    if found["value"] is None or not found.get("null"):
        return None
    losses = {name: loss(found, reached) for name, reached in found["null"].items()}
    best = min(losses, key=losses.__getitem__)
    worst = max(loss(found, end) for end in [found["value"], *(found["interval"] or [])])
    return best if worst >= losses[best] else None


def above_chance(found: Metric) -> bool:
    """Whether all of the interval is above what guessing reaches; false where one is not known."""
    interval, chance = found["interval"], found.get("chance")
    return interval is not None and chance is not None and interval[0] > chance


def with_chance(found: Metric, chance: float | None) -> Metric:
    """The metric with what guessing reaches; its reason says where it is not shown to beat that."""
    compared: Metric = {**found, "chance": chance}
    doubt = None
    if found["interval"] and chance is not None and not above_chance(compared):
        doubt = f"not above chance ({chance:.3g})"
    reasons = metric(found["value"], found["better"], None, doubt, found["reason"])
    return {**compared, "reason": reasons["reason"]}


def with_accuracy(found: Metric, accuracy: Metric) -> Metric:
    """An agreement with the classifier, together with how often the classifier is right at all.

    Args:
        found: the agreement.
        accuracy: the classifier's balanced accuracy on held-out real images, with ``chance``.
    """
    nothing = None
    if not above_chance(accuracy):
        nothing = (
            "means nothing: on held-out real images the classifier is not shown to be above chance"
        )
    reasons = metric(found["value"], found["better"], None, nothing, found["reason"])
    return {**found, "reason": reasons["reason"], "judge": accuracy}
