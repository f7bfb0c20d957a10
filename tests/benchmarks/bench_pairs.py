"""What a generator reaches that is taught the true pairs: the ceiling of a translation of MR.

The data are those of `make science/translation`, without whose results there are no rows. The
CycleGAN's own generator learns with the absolute error of the true pairs of the training patients;
it is judged like the CycleGAN, on the held-out ones, beside doing nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from medsynth.cohorts.ct.pairs import pair_positions
from medsynth.metrics.intervals import Metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.translation.evaluation import evaluate_translation
from medsynth.metrics.translation.measures import Case, measure_pairs, regions_of
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import to_network, to_uint8
from medsynth.store.manifests import MASK, TEST, TRAIN, in_split
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.translation.reference import domains_of

RESULTS = Path(os.environ.get("MEDSYNTH_TRANSLATION", "results/science/translation"))
COHORTS = ("mr", "mr_equal")
SEED, STEPS, BATCH, LR = 1, 1500, 8, 1e-3
CHANNELS, DEPTH = 8, 2  # of the configuration's CycleGAN
SHOWN = {"mae": "", "mae_mask": ", tumour", "mae_elsewhere": ", elsewhere"}


class Pairs:
    """Registered images of a split, before and after contrast medium."""

    def __init__(self, folder: Path, split: str):
        manifest = in_split(read_table(folder / "manifest.parquet"), split)
        labels = [manifest[manifest["label"] == name] for name in domains_of(manifest)]
        self.before, self.after = (ImageStore(rows, folder / "shards") for rows in labels)
        pairs = read_table(folder / "pairs.parquet")
        self.positions = pair_positions(pairs, self.before.manifest, self.after.manifest)

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images (N, H, W, 1) uint8 of both."""
        of_before, of_after = self.positions[rows].T
        return self.before.read(of_before), self.after.read(of_after)


def taught(pairs: Pairs) -> ResidualUNet:
    """G, after as many steps as the CycleGAN has, with the rate falling to zero."""
    network = ResidualUNet(1, CHANNELS, DEPTH).initialise(generator(SEED, "weights", "taught"))
    optimizer = torch.optim.Adam(network.parameters(), LR)
    for i in range(STEPS):
        rows = batch_positions(len(pairs.positions), BATCH, SEED, i, "taught")
        before, after = map(to_network, pairs.read(rows))
        optimizer.param_groups[0]["lr"] = LR * (1 - i / STEPS)
        optimizer.zero_grad()
        functional.l1_loss(network(before), after).backward()
        optimizer.step()
    return network.eval()


@torch.no_grad()
def judged(network: ResidualUNet, pairs: Pairs) -> dict[str, Metric]:
    before, after = pairs.read(np.arange(len(pairs.positions)))
    masks = pairs.after.read(pairs.positions[:, 1], MASK)
    cases = [
        Case(b, to_uint8(network(to_network(b[None])))[0], a, regions_of(b, a, mask))
        for b, a, mask in zip(before, after, masks, strict=True)
    ]
    patients = pairs.after.manifest["patient"].to_numpy()[pairs.positions[:, 1]]
    return evaluate_translation(measure_pairs(cases), Evaluation(), seed=SEED, patients=patients)


def rows() -> Iterator[dict[str, Any]]:
    for cohort in COHORTS:
        folder = RESULTS / "cohorts" / cohort
        if not (folder / "pairs.parquet").is_file():
            print(f"no {folder}: call make science/translation first, for pairs")
            continue
        found = judged(taught(Pairs(folder, TRAIN)), Pairs(folder, TEST))
        for name, where in SHOWN.items():
            ours, nothing, gain = (found[name + end] for end in ("", "_do_nothing", "_gain"))
            low, high = gain["interval"]
            yield {
                "name": f"MAE{where}, taught / nothing, {cohort}",
                "unit": "1",
                "ours": ours["value"],
                "peer": nothing["value"],
                "ratio": ours["value"] / nothing["value"],
                "goal": f"no goal (gain {gain['value']:.3f}, 95 %: {low:.3f} to {high:.3f})",
            }
