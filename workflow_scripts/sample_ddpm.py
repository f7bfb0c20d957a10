"""Sample images of every class from a DDPM (Ho et al. 2020, Algorithm 2).

Outputs: HDF5 `images`, Parquet `table`, PNG `grid` that carries its provenance.
"""

from itertools import chain

import torch

from medsynth.imaging.grids import COLUMNS, write_grid
from medsynth.models.ddpm.sampling import sample_ddpm
from medsynth.models.ddpm.settings import DdpmSampling
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples, requested_labels, write_samples
from medsynth.store.models import load_model


def main(inputs, outputs, params, device):
    settings = DdpmSampling(**params.cfg)
    seed = params.seed["seed"]
    state, card = load_model(inputs.weights, inputs.card)
    labels = requested_labels(card["classes"], settings.per_class)
    batches = sample_ddpm(state, card, labels, settings, seed=seed, device=device)
    names = [card["classes"][k] for k in labels]
    model = digest_file(inputs.weights)
    made_by = {"seed": seed, "model_sha256": model}
    extra = {"guidance": settings.guidance}
    images = chain.from_iterable(batches)
    write_samples(images, names, outputs.images, outputs.table, **made_by, extra=extra)
    samples = Samples(outputs.images, outputs.table)
    shown = samples.first_of_each(COLUMNS)
    names = samples.table["label"].iloc[shown]
    provenance = {key: str(value) for key, value in (made_by | extra).items()}
    write_grid(samples.read(shown), names, outputs.grid, provenance)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.output, snakemake.params, device)
