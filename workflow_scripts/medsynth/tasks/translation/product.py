"""The held-out images in the other domain: an HDF5 file, a table, a grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.pairs import partners
from medsynth.imaging.grids import Direction, write_translation_grid
from medsynth.imaging.scale import pixels_of_fields
from medsynth.models.contract import Translation, as_wanted, directions_of, family_of
from medsynth.runtime.checkpoints import kept_batches
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import TEST, in_split
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.translation.reference import domains_of, reference_of

BATCH = 16
GRID_SLICES = 4  # of each direction


def write_product(
    sampling: ModuleType,
    inputs: Any,
    outputs: Any,
    cfg: dict[str, Any] | None,
    form: ImageForm,
    run: Run,
    work: Path,
) -> None:
    """Translate and write the slices.

    Args:
        sampling: the family's module.
        inputs, outputs: of the rule: `weights`, `card`, `manifest`, `pairs`, `shards`; `images`
            (HU), `table` (source and, where paired, target item), `grid`.
        cfg: the family's settings.
        form: of the cohort's slices, which those that are made must have.
        work: folder that outlives a kill.

    Raises:
        FormError: they have another.
    """
    settings = sampling.SETTINGS(**cfg) if cfg else None
    model = load_model(inputs.weights, inputs.card)
    store = ImageStore(in_split(read_table(inputs.manifest), TEST), Path(inputs.shards[0]).parent)
    domain = store.manifest["label"].to_numpy()
    domains = domains_of(store.manifest)
    directions = np.where(domain == domains[0], *directions_of(domains))

    def translated(direction: str) -> Iterator[np.ndarray]:
        rows = np.flatnonzero(directions == direction)

        def make(start: int) -> Iterator[np.ndarray]:
            request = Translation(batches(store, BATCH, rows[start:]), direction)
            made: Iterator[np.ndarray] = sampling.generate(model, request, settings, run)
            return made

        made = kept_batches(work / direction, len(rows), make)
        return as_wanted(made, form, family_of(sampling))

    # A network takes one direction at a time; the slices come out in the order of the manifest.
    made = {direction: translated(direction) for direction in np.unique(directions)}
    images = (next(made[direction]) for direction in directions)
    items = store.manifest["item_id"]
    target = partners(items, read_table(inputs.pairs))
    model_sha256 = digest_file(inputs.weights)
    extra = {"source_item": items, "target_item": target}
    write_samples(
        images,
        directions,
        outputs.images,
        outputs.table,
        seed=run.seed,
        model_sha256=model_sha256,
        extra=extra,
    )

    samples = Samples(outputs.images, outputs.table)
    shown = [_shown(d, directions == d, store, samples) for d in np.unique(directions)]
    provenance = {"seed": str(run.seed), "model_sha256": model_sha256}
    write_translation_grid(shown, outputs.grid, provenance)


def _shown(direction: str, of_it: np.ndarray, store: ImageStore, samples: Samples) -> Direction:
    """Some images of a direction with their targets, if there are any."""
    reference = reference_of(samples.table, store)
    which = np.flatnonzero(of_it[reference.rows])[:GRID_SLICES]  # a test split may have none
    rows = reference.rows[which] if len(which) else np.flatnonzero(of_it)[:GRID_SLICES]
    goal = reference.read(store, which) if len(which) else None
    source = store.read(rows)
    unknown = pd.Series(np.nan, store.manifest.index)
    fields = store.manifest.get("field_mm", unknown).to_numpy()[rows]
    pixels = pixels_of_fields(fields, source.shape[2])
    return Direction(direction, source, samples.read(rows), goal, pixels, reference.kind)
