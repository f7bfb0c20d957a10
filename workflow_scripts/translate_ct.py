"""Translate the held-out CT slices to the other contrast phase.

Outputs: HDF5 `images` (HU), Parquet `table` (source and, where paired, target item), PNG `grid`.
"""

from itertools import chain
from pathlib import Path

import numpy as np
import torch

from medsynth.cohorts.ct.pairs import partners, positions_of
from medsynth.imaging.grids import Direction, write_translation_grid
from medsynth.imaging.scale import pixels_of_fields
from medsynth.models.cyclegan.sampling import translate
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import in_split
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table

BATCH = 16
GRID_SLICES = 4  # of each direction


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

    samples = Samples(outputs.images, outputs.table)
    shown = []
    for direction in np.unique(directions):
        of_it = directions == direction
        paired = of_it & target.notna().to_numpy()  # a test split may have none
        rows = np.flatnonzero(paired if paired.any() else of_it)[:GRID_SLICES]
        goal = store.read(positions_of(target[rows], store.manifest)) if paired.any() else None
        source = store.read(rows)
        fields = store.manifest["field_mm"].to_numpy()[rows]
        pixels = pixels_of_fields(fields, source.shape[2])
        shown.append(Direction(direction, source, samples.read(rows), goal, pixels))
    provenance = {key: str(value) for key, value in made_by.items()}
    write_translation_grid(shown, outputs.grid, provenance)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.output, snakemake.params, device)
