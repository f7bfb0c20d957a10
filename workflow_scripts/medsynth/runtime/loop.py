"""The loop every training shares: resume, step, log, checkpoint."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from medsynth.runtime.checkpoints import HasState, load_checkpoint, owner, save_checkpoint
from medsynth.runtime.run_info import report
from medsynth.runtime.settings import Loop
from medsynth.store.atomic import replacing

log = logging.getLogger(__name__)
HISTORY_COLUMNS = ("step", "name", "value")


class Looks(HasState, Protocol):
    """Judges the weights from time to time, but not in the first steps."""

    first: int

    def look(self, step: int) -> Mapping[str, float]:
        """Points of the curves after so many steps."""
        ...


def _cut_history(path: Path, finished: int) -> None:
    """Drop points after the checkpoint: they will be computed again."""
    rows = []
    if path.exists():
        with open(path, newline="") as file:
            rows = [r for r in csv.DictReader(file) if int(r["step"]) <= finished]
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, HISTORY_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _finite(found: Mapping[str, float], step: int) -> Mapping[str, float]:
    for name, value in found.items():
        if not math.isfinite(value):
            raise FloatingPointError(
                f"{name} became {value} at step {step}; lower the learning rate (lr)"
            )
    return found


def run_steps(
    step: Callable[[int], Mapping[str, float]],
    *,
    state: Mapping[str, HasState],
    settings: Loop,
    work: Path,
    validation: Looks | None = None,
) -> Path:
    """Run ``step(i)`` for every step not yet done and return the history's path.

    Args:
        step: performs optimizer step ``i`` and returns its named values. It draws its randomness
            from ``generator(seed, purpose, i)``, so that a resumed run equals an uninterrupted one.
        state: everything that changes between steps.
        settings: number of steps, checkpoint and log intervals.
        work: folder of checkpoint.pt and history.csv, which the log calls by its owner (columns
            step, name, value; each value is the mean over the steps since the last point,
            or what a look at validation images found after this step).
        validation: looks at them where the settings say so; the step it has chosen is part of the
            checkpoints.

    Raises:
        FloatingPointError: a value is not finite; the last checkpoint is kept.
    """
    checkpoint, history = work / "checkpoint.pt", work / "history.csv"
    if validation:
        state = {**state, "validation": validation}
    experiment, first = owner(work), load_checkpoint(checkpoint, state)
    if first:
        log.info("%s: resuming after step %d of %d", experiment, first, settings.steps)
    _cut_history(history, first)
    log.info("history: %s", history)
    report({"history": str(history)})  # from here on the file only grows
    window: dict[str, list[float]] = defaultdict(list)
    since = time.monotonic()
    logged = first
    with open(history, "a", newline="") as file:
        writer = csv.writer(file)
        for i in range(first, settings.steps):
            done = i + 1
            for name, value in _finite(step(i), done).items():
                window[name].append(value)
            if done % settings.log_every == 0 or done == settings.steps:
                means = {name: sum(v) / len(v) for name, v in window.items()}
                writer.writerows((done, name, f"{mean:.6g}") for name, mean in means.items())
                file.flush()
                rate = (done - logged) / max(time.monotonic() - since, 1e-9)
                shown = " ".join(f"{name}={mean:.4g}" for name, mean in means.items())
                remaining = (settings.steps - done) / rate
                log.info(
                    "%s: step %d/%d %s (%.1f steps/s, %.0f s left)",
                    experiment, done, settings.steps, shown, rate, remaining,
                )  # fmt: skip
                window.clear()
                since, logged = time.monotonic(), done
            if validation and settings.validates(done, validation.first):
                found = _finite(validation.look(done), done)
                writer.writerows((done, name, f"{value:.6g}") for name, value in found.items())
                file.flush()
            if done % settings.checkpoint_every == 0 or done == settings.steps:
                save_checkpoint(checkpoint, done, state)
    return history
