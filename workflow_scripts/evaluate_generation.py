"""Judge generated images against held-out patients' images, beside real and empty ones.

Output: JSON `metrics` with value, interval, floor, nulls, counts, feature extractor and split.
"""

import json
from pathlib import Path

import numpy as np
import torch

from medsynth.metrics.images import nulls
from medsynth.metrics.images.draws import balanced
from medsynth.metrics.images.evaluation import Group, evaluate_generation
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier.extraction import extract
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples
from medsynth.store.manifests import class_indices, in_split
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table

BATCH = 256
MOST = 10_000  # images of a side; FID needs about as many, and more cost time
SPLIT, FLOOR_SPLIT = "test", "train"


def main(inputs, outputs, params, experiment, device):
    state, card = load_model(inputs.weights, inputs.card)
    manifest, seed = read_table(inputs.manifest), params.seed["seed"]
    classes = card["classes"]

    def held(split):
        """The images of a split, and positions of some among whom no patient has too many."""
        store = ImageStore(in_split(manifest, split), Path(inputs.shards[0]).parent)
        rng = numpy_rng(seed, "images", split)
        return store, np.sort(balanced(store.manifest["patient"].to_numpy(), MOST, rng))

    def seen(images, labels, patients=None):
        """Batches of images as the classifier sees them."""
        labels = np.asarray(labels)
        return Group(
            *extract(state, card, images, device),
            labels,
            np.arange(len(labels)) if patients is None else patients.to_numpy(),
        )

    def seen_of(store, chosen):
        rows = store.manifest.iloc[chosen]
        images = batches(store, BATCH, chosen) if len(chosen) else ()
        return seen(images, class_indices(rows, classes), rows["patient"])

    real = seen_of(*held(SPLIT))
    training_store, chosen = held(FLOOR_SPLIT)
    training, some = seen_of(training_store, chosen), training_store.read(chosen[:BATCH])
    samples = Samples(inputs.images, inputs.table)
    generated = seen(batches(samples, BATCH), class_indices(samples.table, classes))
    n, asked_for_nothing = len(real), np.zeros(len(real), int)
    noise = nulls.noise(n, some.shape[1:], BATCH, numpy_rng(seed, "noise"))
    constant = nulls.constant(n, some, BATCH)
    found = evaluate_generation(
        real,
        training,
        generated,
        {"noise": seen(noise, asked_for_nothing), "constant": seen(constant, asked_for_nothing)},
        json.loads(Path(inputs.judge).read_text())["metrics"]["balanced_accuracy"],
        Evaluation(**params.cfg),
        seed=seed,
        classes=classes,
    )
    head = {
        "experiment": experiment,
        **params.experiment,
        "split": SPLIT,
        "floor_split": FLOOR_SPLIT,
        "extractor": {"sha256": digest_file(inputs.weights)},
        "n_real": len(real),
        "n_generated": len(generated),
    }
    write_json(head | found, outputs.metrics)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        experiment = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output, snakemake.params, experiment, device)
