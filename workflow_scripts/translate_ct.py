"""Translate the held-out CT slices to the other contrast phase.

Outputs: HDF5 `images` (HU), Parquet `table` (source and, where paired, target item), PNG `grid`.
"""

from itertools import chain
from pathlib import Path

import numpy as np
import torch

from medsynth.adversarial.translation import translate
from medsynth.cohorts.pairs import partners, positions_of
from medsynth.report.grids import write_translation_grid
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import digest_file
from medsynth.store.manifests import in_split
from medsynth.store.models import load_model
from medsynth.store.samples import Samples, write_samples
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables import read_table

BATCH = 16
GRID_COLUMNS = 8


def main(inputs, outputs, params, device):
    state, card = load_model(inputs.weights, inputs.card)
    store = ImageStore(in_split(read_table(inputs.manifest), "test"), Path(inputs.shards[0]).parent)
    domain = store.manifest["label"].to_numpy()
    directions = np.where(domain == "ct", "ct_to_cect", "cect_to_ct")

    def translated(direction):
        sources = batches(store, BATCH, np.flatnonzero(directions == direction))
        return chain.from_iterable(translate(state, card, sources, direction, device))

    # A network takes one direction at a time; the slices come out in the order of the manifest.
    made = {direction: translated(direction) for direction in np.unique(directions)}
    images = (next(made[direction]) for direction in directions)
    items = store.manifest["item_id"]
    target = partners(items, read_table(inputs.pairs))
    made_by = {"seed": params.seed["seed"], "model_sha256": digest_file(inputs.weights)}
    extra = {"source_item": items, "target_item": target}
    write_samples(images, directions, outputs.images, outputs.table, **made_by, extra=extra)

    to_ct = directions == "cect_to_ct"
    paired = to_ct & target.notna().to_numpy()
    # One direction, paired slices if possible; a test split may lack either.
    choices = (paired, to_ct, ~to_ct)
    shown = np.flatnonzero(next(rows for rows in choices if rows.any()))[:GRID_COLUMNS]
    goal = store.read(positions_of(target[shown], store.manifest)) if paired.any() else None
    sources = store.read(shown)
    results = Samples(outputs.images, outputs.table).read(shown)
    provenance = {key: str(value) for key, value in made_by.items()}
    write_translation_grid(sources, results, goal, outputs.grid, provenance)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.output, snakemake.params, device)
