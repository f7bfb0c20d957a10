"""Judge generated images against the held-out patients' images.

Output: JSON `metrics` with value, interval, counts, feature extractor and split.
"""

from pathlib import Path

import torch

from medsynth.classify.training import extract
from medsynth.metrics.generation import evaluate_generation
from medsynth.runtime.config.models import Evaluation
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.manifests import class_indices, in_split
from medsynth.store.models import load_model
from medsynth.store.samples import Samples
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables import read_table

BATCH = 256
SPLIT = "test"


def main(inputs, outputs, params, experiment, device):
    state, card = load_model(inputs.weights, inputs.card)
    store = ImageStore(in_split(read_table(inputs.manifest), SPLIT), Path(inputs.shards[0]).parent)
    generated = Samples(inputs.images, inputs.table)
    asked = class_indices(generated.table, card["classes"])
    real_features, _ = extract(state, card, batches(store, BATCH), device)
    features, probabilities = extract(state, card, batches(generated, BATCH), device)
    metrics = evaluate_generation(
        real_features,
        features,
        probabilities,
        asked,
        Evaluation(**params.cfg),
        seed=params.seed["seed"],
        labels_real=class_indices(store.manifest, card["classes"]),
        classes=card["classes"],
    )
    head = {
        "experiment": experiment,
        **params.experiment,
        "split": SPLIT,
        "extractor": {"sha256": digest_file(inputs.weights)},
        "n_real": len(store),
        "n_generated": len(generated),
    }
    write_json(head | metrics, outputs.metrics)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        experiment = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output, snakemake.params, experiment, device)
