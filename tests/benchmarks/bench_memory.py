"""Peak memory of jobs that go through a whole cohort: ten times the items, the same memory.

Every job runs in a process of its own (``python -m tests.benchmarks.bench_memory JOB FOLDER N``)
on self-made data: its peak is that process's.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace as Names

import numpy as np
import torch

from medsynth.cohorts.mimic_cxr.settings import CxrRead
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.demo.radiographs import write_cxr
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier.network import Classifier
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import model_card
from medsynth.models.cyclegan import sampling
from medsynth.models.cyclegan.networks import CycleGan
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import model_card as translator_card
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.generated import write_samples
from medsynth.store.manifests import manifest, shard_of
from medsynth.store.models import save_model
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table
from medsynth.tasks.generation.evaluation import evaluate as judge_generation
from medsynth.tasks.translation.evaluation import evaluate as judge_translation
from medsynth.tasks.translation.product import write_product

SIDE, SMALL_SIDE, SHARDS = 256, 128, 4  # the classifier is slower, and takes 256 images at once
CLASSES = ["a", "b"]
SETTINGS = Evaluation(bootstrap=10, kid_subsets=2, kid_subset_size=20).model_dump()
RUN = Run(1, "cpu")


def _cohort(
    folder: Path, n: int, labels: list[str], empty: np.ndarray, splits: tuple[str, ...] = ("test",)
) -> Names:
    """`n` images of patients in `splits` in shards; a square in every image is body."""
    rows = []
    names = [f"item{i:05d}" for i in range(n)]
    for shard in range(SHARDS):
        with ShardWriter(folder / f"{shard}.h5", {"made_from": "bench"}) as writer:
            for i, name in enumerate(names):
                if shard_of(name, SHARDS) == shard:
                    image = empty.copy()
                    image[30:110, 30:110] = i % 200
                    row = {"row": writer.append(image, name), "label": labels[i % len(labels)]}
                    row |= {"shard": shard, "status": "used", "split": splits[i // 4 % len(splits)]}
                    rows.append(row | {"item_id": name, "patient": f"p{i // 4}"})
    frame = manifest(rows).sort_values("item_id", ignore_index=True)
    write_table(frame, folder / "manifest.parquet")
    paths = {"manifest": folder / "manifest.parquet", "shards": [folder / "0.h5"]}
    for name in ("weights", "card", "images", "table", "pairs", "grid", "judge", "metrics"):
        paths[name] = folder / name
    return Names(frame=frame, **paths)


def generation(folder: Path, n: int) -> None:
    """Judge n generated images against n / 2 real ones, beside as many of training patients."""
    empty = np.zeros((SMALL_SIDE, SMALL_SIDE, 3), np.uint8)
    files = _cohort(folder, n, CLASSES, empty, ("test", "train"))
    settings = ClassifierTraining(channels=4, features=8)
    torch.manual_seed(0)
    network = Classifier(SMALL_SIDE, 3, len(CLASSES), settings.channels, settings.features)
    card = model_card(settings, CLASSES, image_channels=3, image_size=SMALL_SIDE)
    save_model(network.state_dict(), card, files.weights, files.card)
    made = (np.full((SMALL_SIDE, SMALL_SIDE, 3), i % 251, np.uint8) for i in range(n))
    labels = [CLASSES[i % 2] for i in range(n)]
    how = {"seed": 1, "model_sha256": "bench", "extra": {}}
    write_samples(made, labels, files.images, files.table, **how)
    accuracy = {"value": None, "interval": None, "better": "higher", "reason": None, "chance": 0.5}
    write_json({"metrics": {"balanced_accuracy": accuracy}}, files.judge)
    write_json(judge_generation(files, SETTINGS, {}, RUN), files.metrics)


def translating(folder: Path, n: int) -> None:
    """Translate n slices and judge the result."""
    files = _cohort(folder, n, ["ct", "cect"], np.full((SIDE, SIDE, 1), -1000, np.int16))
    settings = CycleganTraining(channels=4, depth=2)
    model = CycleGan((1, SIDE, SIDE), settings, paired=False, seed=1, device="cpu")
    state = {f"G.{k}": v for k, v in model.g.state_dict().items()}
    state |= {f"F.{k}": v for k, v in model.f.state_dict().items()}
    card = translator_card(settings, image_size=SIDE, image_channels=1)
    save_model(state, card, files.weights, files.card)
    items = files.frame["item_id"]
    pairs = {"item_a": items[::2].to_list(), "item_b": items[1::2].to_list()}
    write_table(files.frame[["patient"]].iloc[::2].reset_index().assign(**pairs), files.pairs)
    write_product(sampling, files, files, None, ImageForm(SIDE, 1, "int16"), RUN, folder)
    write_json(judge_translation(files, SETTINGS, {}, RUN), files.metrics)


def shard(folder: Path, n: int) -> None:
    """Decode one shard of n radiographs: 20 files again and again, as they are all alike."""
    write_cxr(folder / "raw", 20, 7)
    files = sorted((folder / "raw").glob("files/**/*.dcm"))[:20]
    digests = [digest_file(file) for file in files]
    index = manifest(
        {"item_id": f"item{i}", "source": files[i % 20].relative_to(folder / "raw").as_posix()}
        | {"source_sha256": digests[i % 20], "status": "used"}
        for i in range(n)
    )
    settings = CxrRead(image_size=SIDE)
    shard_mimic_cxr(index, folder / "raw", settings, folder / "0.h5", {"made_from": "bench"})


# Few items are one full batch or more already.
JOBS = {
    "shard of radiographs": (shard, 100),
    "generation": (generation, 300),
    "translation": (translating, 100),
}


def peak_mb(job: str, n: int) -> float:
    """Peak resident memory, MB, of a process that does this job on n items."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.bench_memory", job, folder, str(n)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def rows():
    for job, (_, few) in JOBS.items():
        many = 10 * few
        peaks = {n: peak_mb(job, n) for n in (few, many)}
        yield {
            "name": f"peak memory, {job}: {many} items / {few}",
            "unit": "MB",
            "ours": peaks[many],
            "peer": peaks[few],
            "ratio": peaks[many] / peaks[few],
            "goal": "<= 1.10",
        }


if __name__ == "__main__":
    torch.set_num_threads(1)
    JOBS[sys.argv[1]][0](Path(sys.argv[2]), int(sys.argv[3]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
