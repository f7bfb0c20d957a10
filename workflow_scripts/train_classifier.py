"""Train the classifier whose features the generation metrics use, on the training split only.

Outputs: `weights`, `card`, `history`, `people` it was trained on, and `metrics` on the held-out
test split.
"""

from pathlib import Path

import torch

from medsynth.cohorts.trained import trained_on
from medsynth.models.classifier.extraction import extract
from medsynth.models.classifier.held_out import held_out_metrics
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import model_card, train_classifier
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import publish, write_json
from medsynth.store.digests import digest_file
from medsynth.store.manifests import class_indices, classes_of, in_split
from medsynth.store.models import save_model
from medsynth.store.shards import ImageStore, batches, made_from
from medsynth.store.tables.parquet import read_table, write_table


def main(inputs, outputs, params, name, device):
    settings = ClassifierTraining(**params.cfg)
    manifest = read_table(inputs.manifest)
    classes = classes_of(manifest)
    folder = Path(inputs.shards[0]).parent
    store = ImageStore(in_split(manifest, "train"), folder)
    labels = class_indices(store.manifest, classes)
    seed = params.seed["seed"]
    data = [digest_file(inputs.manifest), *made_from(inputs.shards)]
    with work_folder(params.work, name, params.cfg, seed, data, params.code) as work:
        state, history = train_classifier(
            store, labels, len(classes), settings, seed=seed, device=device, work=work
        )
        _, size, _, channels = store.read([0]).shape
        card = model_card(settings, classes, image_channels=channels, image_size=size)
        held_out = ImageStore(in_split(manifest, "test"), folder)
        images = batches(held_out, settings.batch) if len(held_out) else ()
        answers = extract(state, card, images, device).probabilities
        truth = class_indices(held_out.manifest, classes)
        patients = held_out.manifest["patient"].to_numpy()
        write_json(held_out_metrics(answers, truth, patients, classes), outputs.metrics)
        save_model(state, card, outputs.weights, outputs.card)
        people = trained_on(store.manifest, digest_file(outputs.weights))
        write_table(people, outputs.people)
        publish(history, outputs.history)


if __name__ == "__main__":
    with (
        configure_logging(snakemake.log[0]),
        choose_device(snakemake.params.device["device"], snakemake.resources.gpu) as device,
    ):
        torch.set_num_threads(snakemake.threads)
        name = f"classifier-{snakemake.wildcards.cohort}"
        main(snakemake.input, snakemake.output, snakemake.params, name, device)
