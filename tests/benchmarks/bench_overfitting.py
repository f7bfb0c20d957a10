"""A DDPM of few images and many steps, which must be caught learning them by heart.

The loss of validation images rises while that of training images falls, and the step that is kept
comes before the last. Ours is the loss of the kept step, the peer that of the last.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm import training
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import numpy_rng

SIZE, TRAINED, HELD_OUT = 16, 8, 48
SETTINGS = DdpmTraining(
    steps=1200, batch=8, lr=2e-3, log_every=40, checkpoint_every=1200, timesteps=50,
    beta_start=0.002, beta_end=0.2, ema_decay=0.98, label_drop=0.0,
    unet={"channels": 16, "multipliers": [1, 2], "attention": []},
)  # fmt: skip


class Memory:
    """Discs of any size at any place, one a patient, uint8."""

    def __init__(self, n: int, seed: int) -> None:
        rng = numpy_rng(seed, "discs")
        y, x = np.mgrid[:SIZE, :SIZE]
        places = rng.uniform(3, SIZE - 4, (2, n, 1, 1))
        disc = np.hypot(y - places[0], x - places[1]) < rng.uniform(2, 6, (n, 1, 1))
        light = rng.uniform(120, 230, (n, 1, 1))
        self.images = np.where(disc, light, 40).astype(np.uint8)[..., None]
        self.manifest = pd.DataFrame({"patient": [f"{seed}-{i}" for i in range(n)]})

    def __len__(self) -> int:
        return len(self.images)

    def read(self, positions: Any) -> np.ndarray:
        return self.images[positions]


def part(n: int, seed: int, validation: LabelledImages | None = None) -> LabelledImages:
    return LabelledImages(Memory(n, seed), np.zeros(n, np.int64), ["disc"], validation=validation)


def rows() -> Iterator[dict[str, Any]]:
    data = part(TRAINED, 1, part(HELD_OUT, 2))
    with tempfile.TemporaryDirectory() as work:
        trained = training.train(data, SETTINGS, TrainingRun(1, "cpu", Path(work)))
        points = pd.read_csv(trained.history).pivot(index="step", columns="name", values="value")
    kept, last = trained.card["validation"]["step"], SETTINGS.steps
    for split, goal in (("validate", "< 1: it had risen"), ("train", "> 1: it went on falling")):
        losses = points[f"{split}_denoising_loss"].dropna()
        print(losses.to_dict())
        yield {
            "name": f"{split} loss, kept step {kept} / {last}",
            "unit": "1",
            "ours": losses[kept],
            "peer": losses[last],
            "ratio": losses[kept] / losses[last],
            "goal": goal,
        }
