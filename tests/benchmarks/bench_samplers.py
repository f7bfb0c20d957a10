"""Twenty steps of DPM-Solver++ against 250 ancestral ones, and with a guide against without, of one
model on real images.

The model is that of `make science/samplers`, without whose results there are no rows. Both samplers
draw with the same five seeds; each pair gives a ratio of their FIDs to held-out images, and the
interval is Student's of the ratios' mean logarithm. Beside it stands the floor (training images
instead). The guide is judged by how often the judging classifier, another network, sees the label.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

import medsynth

RESULTS = Path(os.environ.get("MEDSYNTH_SAMPLERS", "results/science/samplers"))
SEEDS, PER_CLASS = 5, 32
OURS = {"sampler": "dpm_solver", "steps": 20}
PEER = {"sampler": "ancestral", "steps": 250}
GUIDED = OURS | {"guide_scale": 2}
WHAT = ("fid", "label_agreement")


def paired_ratio(ours: list[float], peer: list[float]) -> tuple[float, float, float]:
    """Geometric mean of the ratios of pairs, and its interval of 95 %."""
    logs = np.log(np.array(ours) / np.array(peer))
    width = t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
    middle, low, high = np.exp(logs.mean() + np.array([0, -width, width]))
    return float(middle), float(low), float(high)


def judged(model: Any, seed: int, settings: dict[str, Any]) -> dict[str, float]:
    """FID, its floor, and label agreement of what a seed draws."""
    images, labels = model.sample(n=PER_CLASS, seed=seed, clip=True, guidance=0, **settings)
    found = medsynth.evaluate(images, RESULTS / "cohorts" / "lung", labels, bootstrap=1)
    figures = {name: found["metrics"][name]["value"] for name in WHAT}
    figures["floor"] = found["metrics"]["fid"]["floor"]
    print(json.dumps({"seed": seed, **settings, **figures}), flush=True)
    return figures


def rows() -> Iterator[dict[str, Any]]:
    folder = RESULTS / "experiments" / "lung_ddpm"
    if not (folder / "model.safetensors").is_file():
        print(f"no {folder}: call make science/samplers first, for samplers")
        return
    model = medsynth.load(folder)
    ours, peer, guided = (
        [judged(model, seed, settings) for seed in range(1, SEEDS + 1)]
        for settings in (OURS, PEER, GUIDED)
    )
    pairs = {
        "FID, DPM-Solver++ 20 / ancestral 250": (ours, peer, "fid", "<= 1"),
        "label agreement, guide / none": (guided, ours, "label_agreement", "> 1"),
        "FID, guide / none": (guided, ours, "fid", "no goal"),
    }
    for name, (one, other, what, goal) in pairs.items():
        sides = [[figures[what] for figures in side] for side in (one, other)]
        middle, low, high = paired_ratio(*sides)
        floor = f"; floor {ours[0]['floor']:.2f}" if what == "fid" else ""
        yield {
            "name": name,
            "unit": "1",
            "ours": float(np.mean(sides[0])),
            "peer": float(np.mean(sides[1])),
            "ratio": middle,
            "goal": f"{goal} ({SEEDS} seeds, 95 %: {low:.2f} to {high:.2f}{floor})",
        }
