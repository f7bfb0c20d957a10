"""A results folder as the workflow leaves it, with a cohort and tiny trained models, in seconds."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.overlap import training_patients
from medsynth.models.captioner.network import build
from medsynth.models.captioner.settings import CaptionerTraining
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.sampling import PREFIXES
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import model_card
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.settings import ImageForm
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.layout import Layout
from medsynth.store.manifests import manifest
from medsynth.store.models import save_model
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table
from medsynth.tasks import labelled
from medsynth.tasks.classification.evaluation import evaluate
from medsynth.tasks.generation.product import write_product
from medsynth.text.settings import TextSettings
from medsynth.text.tokenizer import Tokenizer, train_tokenizer

SIZE, SEED = 8, 1
CLASSES = ["Cardiomegaly", "No Finding"]
SPLITS = ["train"] * 6 + ["validate"] * 2 + ["test"] * 4
DDPM = {"timesteps": 10, "beta_start": 0.02, "beta_end": 0.7, "ema_decay": 0.9}
UNET = {"channels": 8, "multipliers": [1], "attention": []}
LOOP = {"steps": 20, "batch": 8, "lr": 1e-2, "checkpoint_every": 20, "log_every": 10}
SAMPLE = {"per_class": 6, "batch": 8, "guidance": 0.5}


def make_cohort(root: Path) -> SimpleNamespace:
    """Cohort cxr, 12 patients with 4 images of one class each, class 1 brighter; its inputs."""
    folder, rng, rows = root / "cohorts" / "cxr", np.random.default_rng(3), []
    with ShardWriter(folder / "shards" / "0.h5", {"made_from": "test"}) as shard:
        for p, split in enumerate(SPLITS):
            for i in range(4):
                grey = 60 + 130 * (p % 2) + rng.normal(0, 8, (SIZE, SIZE, 1))
                row = shard.append(grey.astype(np.uint8), f"{p}-{i}")
                item = {"item_id": f"{p}-{i}", "patient": f"patient-{p}", "split": split}
                item |= {"source_sha256": f"{p}-{i}", "label": CLASSES[p % 2]}
                rows.append(item | {"shard": 0, "row": row, "status": "used"})
    table = manifest(rows)
    write_table(table, folder / "manifest.parquet")
    write_json(leakage(table), folder / "leakage.json")
    shards = [folder / "shards" / "0.h5"]
    return SimpleNamespace(manifest=folder / "manifest.parquet", shards=shards)


def train(root: Path, name: str, family: str, settings, inputs: SimpleNamespace) -> SimpleNamespace:
    """As train_model does; the files of the model."""
    layout, work = Layout(root), root / "work" / name
    work.mkdir(parents=True)
    data = labelled.training_data(inputs, SEED, 64)
    training = import_module(f"medsynth.models.{family}.training")
    trained = training.train(data, settings, TrainingRun(SEED, "cpu", work))
    files = {key: getattr(layout, key).format(experiment=name) for key in ("weights", "card")}
    save_model(trained.state, trained.card, *files.values())
    digest, held_out = digest_file(files["weights"]), data.validation.manifest
    people = training_patients(data.manifest, digest, (), held_out)
    write_table(people, layout.people.format(experiment=name))
    return SimpleNamespace(**files)


def make_results(root: Path) -> None:
    """Cohort cxr with its classifier, experiment cxr_ddpm with samples, others untrained."""
    inputs, layout = make_cohort(root), Layout(root)
    settings = DdpmTraining(**LOOP, **DDPM, unet=UNET)
    model = train(root, "cxr_ddpm", "ddpm", settings, inputs)
    stem = f"{layout.experiment}/samples".format(experiment="cxr_ddpm")
    outputs = SimpleNamespace(images=f"{stem}.h5", table=f"{stem}.parquet", grid=f"{stem}.png")
    sampling = import_module("medsynth.models.ddpm.sampling")
    cfg, form = DdpmSampling(**SAMPLE).model_dump(), ImageForm(SIZE, 1, "uint8")
    with work_folder(root / "work", "cxr_ddpm") as work:
        write_product(sampling, model, outputs, cfg, form, Run(SEED, "cpu"), work)

    small = ClassifierTraining(**LOOP, channels=4, features=4)
    judge = train(root, "cxr_classifier", "classifier", small, inputs)
    found = evaluate(SimpleNamespace(**vars(judge), **vars(inputs)), {}, {}, Run(SEED, "cpu"))
    write_json(found, layout.metrics.format(experiment="cxr_classifier"))

    gan = CycleganTraining(channels=4, depth=1)
    torch.manual_seed(0)
    state = {
        prefix + key: value
        for prefix in PREFIXES
        for key, value in ResidualUNet(1, gan.channels, gan.depth).state_dict().items()
    }
    card = model_card(gan, image_size=SIZE, image_channels=1, pairs=0)
    folder = {"experiment": "ct_cyclegan"}
    save_model(state, card, layout.weights.format(**folder), layout.card.format(**folder))

    content = train_tokenizer(["clear lungs."], ["clear", "lungs"], TextSettings(longest=8))
    folder, writer = {"experiment": "cxr_reports"}, CaptionerTraining(channels=4, width=8, layers=1)
    card = {"family": "captioner", "settings": writer.model_dump(), "tokenizer": content}
    card |= {"image_size": SIZE, "image_channels": 1}
    network = build(card, Tokenizer(content).size, content["longest"])
    save_model(
        network.state_dict(), card, layout.weights.format(**folder), layout.card.format(**folder)
    )
