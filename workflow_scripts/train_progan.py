"""Train a ProGAN on a cohort's training split (Karras et al. 2018), the baseline.

Outputs: averaged `weights` (safetensors), `card` (JSON), `history` (CSV: step, name, value),
`people` (Parquet: whom it was trained on).
"""

from pathlib import Path

import torch

from medsynth.cohorts.trained import trained_on
from medsynth.models.progan.settings import ProganTraining
from medsynth.models.progan.training import model_card, train_progan
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import publish
from medsynth.store.digests import digest_file
from medsynth.store.manifests import class_indices, classes_of, in_split
from medsynth.store.models import save_model
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table, write_table


def main(inputs, outputs, params, name, device):
    settings = ProganTraining(**params.cfg)
    manifest = read_table(inputs.manifest)
    classes = classes_of(manifest)
    store = ImageStore(in_split(manifest, "train"), Path(inputs.shards[0]).parent)
    labels = class_indices(store.manifest, classes)
    seed = params.seed["seed"]
    data = [digest_file(inputs.manifest), *made_from(inputs.shards)]
    with work_folder(params.work, name, params.cfg, seed, data, params.code) as work:
        state, history = train_progan(
            store, labels, len(classes), settings, seed=seed, device=device, work=work
        )
        _, size, _, channels = store.read([0]).shape
        save_model(
            state, model_card(settings, classes, channels, size), outputs.weights, outputs.card
        )
        people = trained_on(store.manifest, digest_file(outputs.weights))
        write_table(people, outputs.people)
        publish(history, outputs.history)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        name = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output, snakemake.params, name, device)
