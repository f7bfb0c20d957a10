"""Generated reports against the true ones, beside texts that never looked at the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from medsynth.metrics.baselines import not_beaten
from medsynth.metrics.intervals import Metric, bootstrap_interval, metric, share_interval
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.text.findings import f1, findings_of, macro_f1, micro_f1
from medsynth.metrics.text.overlap import bleu, bleu_counts, rouge_l, words
from medsynth.runtime.seeding import numpy_rng
from medsynth.text.labeler import FINDINGS


class Measured(NamedTuple):
    """What each text is worth, n rows each; see the functions that made them.

    findings: those of the text and of its reference side by side, (n, 2 len(FINDINGS)) bool.
    """

    rouge: np.ndarray
    bleu: np.ndarray
    findings: np.ndarray


def measure(texts: Sequence[str], references: Sequence[str], truth: np.ndarray) -> Measured:
    """Each text against its own reference.

    Args:
        truth: the findings of the references.
    """
    pairs = zip(texts, references, strict=True)
    rouge = np.array([rouge_l(words(text), words(reference)) for text, reference in pairs])
    findings = np.concatenate([findings_of(texts), truth], 1)
    return Measured(rouge, bleu_counts(texts, references), findings)


def _sides(findings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = findings.shape[1] // 2
    return findings[:, :half], findings[:, half:]


# Figure -> the part of Measured that it is made of, and how.
FIGURES: dict[str, tuple[str, Callable[[np.ndarray], float]]] = {
    "finding_f1_macro": ("findings", lambda rows: macro_f1(*_sides(rows))),
    "finding_f1_micro": ("findings", lambda rows: micro_f1(*_sides(rows))),
    "rouge_l": ("rouge", lambda rows: float(rows.mean())),
    "bleu": ("bleu", bleu),
}


def figures_of(measured: Measured) -> dict[str, float]:
    """The value of every figure."""
    return {name: of(getattr(measured, part)) for name, (part, of) in FIGURES.items()}


def beside_baselines(
    figure: str,
    rows: np.ndarray,
    of: Callable[[np.ndarray], float],
    baselines: dict[str, float],
    patients: np.ndarray,
    settings: Evaluation,
    seed: int,
) -> Metric:
    """A figure in [0, 1] of rows (n, ...), with the values of the baselines as its `null`.

    Args:
        figure: its name, by which resamples are drawn.
        patients: whose each row is; they are resampled whole.
    """
    interval, none = bootstrap_interval(
        of,
        [rows],
        settings.bootstrap,
        numpy_rng(seed, figure),
        patients=[patients],
        bounds=(0, 1),
    )
    if interval and of(rows) in (0, 1):  # in every resample, too, which says nothing of others
        interval = share_interval(np.full(len(np.unique(patients)), of(rows) == 1))
    found: Metric = {**metric(of(rows), "higher", interval, none), "null": baselines}
    if name := not_beaten(found):
        doubt = f"not shown to be better than {name} ({baselines[name]:.3g})"
        found["reason"] = metric(None, "higher", None, doubt, none)["reason"]
    return found


def evaluate_reports(
    texts: Sequence[str],
    references: Sequence[str],
    patients: np.ndarray,
    baselines: Mapping[str, Sequence[str]],
    settings: Evaluation,
    seed: int,
) -> dict[str, Any]:
    """Figures of the texts, each beside that of every baseline's texts; and by finding.

    Intervals are of resampled patients, whose reports are not independent.

    Args:
        texts, references: the generated and the true report of each image.
        patients: whose each is, (n,).
        baselines: texts for the same images, by name.

    Returns:
        ``metrics``, and ``per_class``: of each finding that a true or a generated report states
        its F1, with `support`, the true reports that state it.
    """
    truth = findings_of(references)
    own = measure(texts, references, truth)
    others = {name: measure(given, references, truth) for name, given in baselines.items()}
    null = {name: figures_of(measured) for name, measured in others.items()}

    def compared(
        figure: str, rows: np.ndarray, of: Callable[[np.ndarray], float], beside: dict[str, float]
    ) -> Metric:
        return beside_baselines(figure, rows, of, beside, patients, settings, seed)

    metrics = {
        name: compared(
            name, getattr(own, part), of, {other: values[name] for other, values in null.items()}
        )
        for name, (part, of) in FIGURES.items()
    }
    per_class = {}
    answers, _ = _sides(own.findings)
    for k, name in enumerate(FINDINGS):
        if not (answers[:, k] | truth[:, k]).any():
            continue
        columns = [k, k + len(FINDINGS)]

        def of_finding(rows: np.ndarray) -> float:
            return float(np.nan_to_num(f1(rows[:, :1], rows[:, 1:]))[0])

        beside = {n: of_finding(each.findings[:, columns]) for n, each in others.items()}
        found = compared(f"finding_f1 {name}", own.findings[:, columns], of_finding, beside)
        per_class[name] = {"finding_f1": {**found, "support": int(truth[:, k].sum())}}
    return {"metrics": metrics, "per_class": per_class}
