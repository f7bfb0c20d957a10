"""How long the whole run still takes, where that can be told honestly."""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from snakemake_logger_plugin_medsynth.jobs import Job

# Their time follows from settings, so that earlier runs tell nothing; they say it themselves.
TRAINING = {"train_model"}


class Estimate:
    """Seconds of what is done, of what runs, and of the same rules in earlier runs."""

    def __init__(self) -> None:
        self._took: dict[str, list[float]] = defaultdict(list)
        self._earlier: dict[str, list[float]] = {}
        self._same: dict[str, float] = {}  # by the benchmark's path
        self._busy = 0.0
        self._begun: float | None = None

    def look_up_earlier(self, job: Job) -> None:
        """Read the benchmarks of earlier runs, once, before this one overwrites them."""
        if self._begun is not None or not job.benchmark:
            return
        self._begun = time.monotonic()
        own = Path(job.benchmark)  # <root>/<rule>/<wildcards>.tsv, or <root>/<rule>.tsv
        root = next((p.parent for p in own.parents if p.name == job.rule), own.parent)
        for path in sorted(root.rglob("*.tsv")):
            rule = path.relative_to(root).with_suffix("").parts[0]
            if rule not in TRAINING and (seconds := _benchmarked(path)) is not None:
                self._earlier.setdefault(rule, []).append(seconds)
                self._same[path.as_posix()] = seconds

    def finished(self, job: Job, seconds: float) -> None:
        """What a job of this run took is what the next one of its rule will take."""
        self._took[job.rule].append(seconds)
        self._busy += seconds

    def left(self, running: Iterable[Job], waiting: Counter[str]) -> str | None:
        """`~3 min left`; `at least ~3 min left` while nobody knows how long some rules take.

        None until the trainings are known: in a first run, until one has said how fast it is.

        Args:
            waiting: how many jobs of each rule have not begun.
        """
        now, at_work = time.monotonic(), list(running)
        expected = {rule: mean(took) for rule, took in (self._earlier | self._took).items()}
        spans = []  # of what runs; None where nobody knows
        for job in at_work:
            if (said := job.seconds_left()) is not None:
                expected.setdefault(job.rule, now - job.begun + said)
        for job in at_work:
            said, before = job.seconds_left(), self._same.get(job.benchmark or "")
            if said is None and (before := before or expected.get(job.rule)):
                said = max(before - (now - job.begun), 0.0)
            spans.append(said)
        rules = {rule for rule in waiting if rule != "all"} | {job.rule for job in at_work}
        unknown = rules - expected.keys()
        if self._begun is None or unknown & TRAINING or (unknown and not TRAINING & rules):
            return None
        work = sum(filter(None, spans)) + sum(waiting[r] * expected.get(r, 0.0) for r in waiting)
        busy = self._busy + sum(now - job.begun for job in at_work)
        at_once = max(busy / max(now - self._begun, 1.0), 1.0)
        seconds = max(work / at_once, *filter(None, spans), 0.0)
        return f"{'at least ' if unknown else ''}~{_rounded(seconds)} left"


def _benchmarked(path: Path) -> float | None:
    try:
        with path.open(newline="") as file:
            return mean(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    except (OSError, ValueError, KeyError):  # cut off, or not measured
        return None


def _rounded(seconds: float) -> str:
    """To what an estimate can tell."""
    if seconds < 60:
        return f"{10 * max(round(seconds / 10), 1)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
