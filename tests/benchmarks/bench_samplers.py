"""Twenty steps of DPM-Solver++ against 250 ancestral ones, of one model on real images.

The model is that of `make science/samplers`, without whose results there are no rows. Both samplers
draw with the same five seeds; each pair gives a ratio of their FIDs to held-out images, and the
interval is Student's of the ratios' mean logarithm. Beside it stand the floor (training images
instead) and the network's evaluations, of which the time is made.
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
SEEDS, PER_CLASS = 5, 64
COMMON = {"clip": True, "guidance": 0}
OURS = {"sampler": "dpm_solver", "steps": 20}
PEER = {"sampler": "ancestral", "steps": 250}


def paired_ratio(ours: list[float], peer: list[float]) -> tuple[float, float, float]:
    """Geometric mean of the ratios of pairs, and its interval of 95 %."""
    logs = np.log(np.array(ours) / np.array(peer))
    width = t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
    middle, low, high = np.exp(logs.mean() + np.array([0, -width, width]))
    return float(middle), float(low), float(high)


def rows() -> Iterator[dict[str, Any]]:
    folder = RESULTS / "experiments" / "lung_ddpm"
    if not (folder / "model.safetensors").is_file():
        print(f"no {folder}: call make science/samplers first, for samplers")
        return
    model, found = medsynth.load(folder), {"ours": [], "peer": []}
    floor = math.nan
    for seed in range(1, SEEDS + 1):
        for side, settings in (("ours", OURS), ("peer", PEER)):
            images, labels = model.sample(n=PER_CLASS, seed=seed, **COMMON, **settings)
            judged = medsynth.evaluate(images, RESULTS / "cohorts" / "lung", labels, bootstrap=1)
            fid = judged["metrics"]["fid"]
            found[side].append(fid["value"])
            floor = fid["floor"]
            print(json.dumps({"seed": seed, **settings, "fid": fid["value"], "floor": floor}))
    middle, low, high = paired_ratio(found["ours"], found["peer"])
    yield {
        "name": "FID, DPM-Solver++ 20 / ancestral 250",
        "unit": "1",
        "ours": float(np.mean(found["ours"])),
        "peer": float(np.mean(found["peer"])),
        "ratio": middle,
        "goal": f"<= 1 (5 seeds, 95 %: {low:.2f} to {high:.2f}; floor {floor:.2f})",
    }
