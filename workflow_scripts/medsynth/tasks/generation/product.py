"""Images of every class: an HDF5 file, a table with a row for each, a grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from medsynth.imaging.grids import COLUMNS, write_grid
from medsynth.models.conditioning import wanted
from medsynth.models.contract import as_wanted, family_of
from medsynth.models.covariates import with_drawn
from medsynth.models.prompts import with_held_out
from medsynth.runtime.checkpoints import kept_batches
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import TRAIN, in_split
from medsynth.store.models import load_model
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.texts import held_out_texts


def write_product(
    sampling: ModuleType,
    inputs: Any,
    outputs: Any,
    cfg: dict[str, Any],
    form: ImageForm,
    run: Run,
    work: Path,
) -> None:
    """Draw and write the images.

    Args:
        sampling: the family's module.
        inputs, outputs: of the rule: `weights`, `card` and, if the model is conditioned on
            covariates, `manifest`, on a text, that and `texts`; `images`, `table`, `grid`.
        cfg: the family's settings.
        form: of the cohort's images, which those that are made must have.
        work: folder that outlives a kill.

    Raises:
        FormError: they have another.
    """
    settings = sampling.SETTINGS(**cfg)
    model = load_model(inputs.weights, inputs.card)
    request = wanted(model.card, settings.labels, settings.per_class, settings.at_least)
    if covariates := model.card.get("covariates"):
        training = in_split(read_table(inputs.manifest), TRAIN)
        request = with_drawn(request, training, covariates, settings.covariates, run.seed)
    if "tokenizer" in model.card:
        texts = held_out_texts(read_table(inputs.manifest), read_table(inputs.texts))
        request = with_held_out(request, texts, run.seed)
    model_sha256 = digest_file(inputs.weights)
    made_by = {"seed": run.seed, "model_sha256": model_sha256}
    extra = settings.provenance()
    if "drawn_size" in model.card:  # pixels; the images are enlarged
        extra["drawn_size"] = model.card["drawn_size"]

    def make(start: int) -> Iterator[np.ndarray]:
        made: Iterator[np.ndarray] = sampling.generate(model, request.iloc[start:], settings, run)
        return made

    batches = kept_batches(work / "batches", len(request), make)
    images = as_wanted(batches, form, family_of(sampling))
    columns = dict(request.drop(columns="label"))
    write_samples(
        images,
        request["label"],
        outputs.images,
        outputs.table,
        seed=run.seed,
        model_sha256=model_sha256,
        extra=extra | columns,
    )

    samples = Samples(outputs.images, outputs.table)
    shown = samples.first_of_each(COLUMNS)
    provenance = {key: str(value) for key, value in (made_by | extra).items()}
    write_grid(samples.read(shown), samples.table["label"].iloc[shown], outputs.grid, provenance)
