"""Train a CycleGAN between CT without (a) and with (b) contrast on the training split.

Outputs: `weights` of both generators, `card`, `history`, `people` they were trained on.
"""

from pathlib import Path

import pandas as pd
import torch

from medsynth.cohorts.ct.pairs import pair_positions
from medsynth.cohorts.trained import trained_on
from medsynth.models.cyclegan.sampling import model_card
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import train_cyclegan
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import publish
from medsynth.store.digests import digest_file
from medsynth.store.manifests import in_split
from medsynth.store.models import save_model
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table, write_table


def main(inputs, outputs, params, name, device):
    settings = CycleganTraining(**params.cfg)
    train = in_split(read_table(inputs.manifest), "train")
    folder = Path(inputs.shards[0]).parent
    ct = ImageStore(train[train["label"] == "ct"], folder)
    cect = ImageStore(train[train["label"] == "cect"], folder)
    pairs = pair_positions(read_table(inputs.pairs), ct.manifest, cect.manifest)
    seed = params.seed["seed"]
    tables = [digest_file(inputs.manifest), digest_file(inputs.pairs)]
    data = [*tables, *made_from(inputs.shards)]
    with work_folder(params.work, name, params.cfg, seed, data, params.code) as work:
        state, history = train_cyclegan(
            ct, cect, pairs, settings, seed=seed, device=device, work=work
        )
        _, size, _, channels = ct.read([0]).shape
        card = model_card(settings, image_size=size, image_channels=channels)
        save_model(state, card, outputs.weights, outputs.card)
        read = pd.concat([ct.manifest, cect.manifest])
        write_table(trained_on(read, digest_file(outputs.weights)), outputs.people)
        publish(history, outputs.history)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        name = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output, snakemake.params, name, device)
