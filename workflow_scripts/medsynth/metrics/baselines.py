"""What a metric has to beat: what real images reach, and images that show nothing."""

from __future__ import annotations

from collections.abc import Mapping

from medsynth.metrics.intervals import Metric, metric


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
    doubt = None
    if name := not_beaten(compared):
        doubt = f"not shown to be better than {name} ({null[name]:.3g})"
        if not_beaten({**compared, "interval": None}):
            doubt = f"not better than {name} ({null[name]:.3g})"
    reasons = metric(found["value"], found["better"], None, doubt, blind, found["reason"])
    return {**compared, "reason": reasons["reason"]}


def not_beaten(found: Metric) -> str | None:
    """The name of the best null if the metric, at the worse end of its interval, is no better."""
    if found["value"] is None or not found.get("null"):
        return None
    sign = 1 if found["better"] == "lower" else -1
    name, best = min(found["null"].items(), key=lambda item: sign * item[1])
    worst = max(sign * end for end in [found["value"], *(found["interval"] or [])])
    return name if worst >= sign * best else None


def with_accuracy(found: Metric, accuracy: Metric) -> Metric:
    """An agreement with the classifier, together with how often the classifier is right at all.

    Args:
        found: the agreement.
        accuracy: the classifier's balanced accuracy on held-out real images, with ``chance``.
    """
    interval, chance = accuracy["interval"], accuracy["chance"]
    at_chance = interval is None or chance is None or interval[0] <= chance
    nothing = (
        "means nothing: on held-out real images the classifier is not shown to be above chance"
        if at_chance
        else None
    )
    reasons = metric(found["value"], found["better"], None, nothing, found["reason"])
    return {**found, "reason": reasons["reason"], "judge": accuracy}
