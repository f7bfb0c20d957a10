"""Images of any origin judged as the workflow judges those of its own models, from Python."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image

from medsynth.api.cohorts import Cohort, cohort
from medsynth.api.keywords import checked
from medsynth.cohorts.overlap import training_overlap
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier.settings import classifier_name
from medsynth.models.conditioning import LabelError, known_label
from medsynth.report.singles import file_stem
from medsynth.runtime.run import Run
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.generated import write_samples
from medsynth.store.manifests import in_split
from medsynth.store.models import load_model
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.generation.evaluation import SPLIT
from medsynth.tasks.generation.evaluation import evaluate as evaluate_generation


class EvaluationError(MedsynthError):
    """The images cannot be judged: of what form they are, or by whom."""


def evaluate(
    images: str | Path | np.ndarray,
    cohort_or_folder: Cohort | str | Path,
    labels: Sequence[str] | None = None,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Judge images against those of a cohort's held-out patients, by the cohort's classifier.

    Args:
        images: a folder of PNG files, in it a folder for every class (its name, or in lower case
            with hyphens), or files of `medsynth sample`, which carry their label; or an array
            (N, H, W, C) or (N, H, W), uint8. Subsets are drawn by position: in another order the
            figures differ within their intervals; files are taken sorted by path.
        cohort_or_folder: the cohort, or its folder.
        labels: of the N images of an array.
        seed: of bootstraps and subsets.
        device: default a GPU if torch sees one.
        settings: of the evaluation, such as `bootstrap`, `kid_subsets` and `subgroups`.

    Returns:
        What metrics.json of an experiment holds: `metrics` and `per_class`, each figure with value,
        interval, floor (real training images instead) and null (noise and a constant image).

    Raises:
        EvaluationError: the cohort has no trained classifier, or the images do not fit it.
        CohortNotReady: there is no such cohort, or its leakage gate has not passed.
    """
    chosen = checked(Evaluation, settings, "the evaluation")
    data = cohort_or_folder if isinstance(cohort_or_folder, Cohort) else cohort(cohort_or_folder)
    cfg = chosen.of_cohort(data.name).model_dump()
    data.require_gate()
    judge = _judge(data)
    card = load_model(judge["weights"], judge["card"]).card
    found: Iterable[np.ndarray]
    if not isinstance(images, str | Path | np.ndarray):
        raise EvaluationError(
            f"images are a {type(images).__name__}; give a folder or a numpy array, as"
            " tensor.numpy() or np.stack(arrays)"
        )
    if isinstance(images, np.ndarray):
        found, names = _of_array(images, labels, card)
    elif labels is not None:
        raise EvaluationError("labels are of an array; the labels of a folder are its subfolders")
    else:
        names, paths = _files(Path(images), card)
        found = _pictures(paths, card)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory(prefix="medsynth-evaluate-") as folder:
        made = {"images": Path(folder, "images.h5"), "table": Path(folder, "images.parquet")}
        write_samples(found, names, *made.values(), seed=seed, model_sha256="", extra={})
        manifest = data.layout.manifest.format(cohort=data.name)
        inputs = SimpleNamespace(manifest=manifest, shards=data.shards, **judge, **made)
        return evaluate_generation(inputs, cfg, {"cohort": data.name}, Run(seed, device))


def _judge(data: Cohort) -> dict[str, Path]:
    """Files of the cohort's classifier, which has seen nobody it judges with.

    Raises:
        EvaluationError: there is none, or it was trained on held-out patients.
    """
    name, layout = classifier_name(data.name), data.layout
    patterns = {"weights": layout.weights, "card": layout.card, "judge": layout.metrics}
    files = {key: Path(pattern.format(experiment=name)) for key, pattern in patterns.items()}
    if missing := [str(path) for path in files.values() if not path.is_file()]:
        raise EvaluationError(
            f"{missing[0]} is not there: cohort {data.name} has no trained classifier to judge"
            " images; run an experiment on it that generates images"
        )
    people = read_table(layout.people.format(experiment=name))
    real = in_split(data.manifest, SPLIT)
    if not training_overlap(real, people, digest_file(files["weights"]))["ok"]:
        raise EvaluationError(
            f"{files['weights']}: patients of the {SPLIT} split had a part in its training, or its"
            " list of people is another model's: the metrics would be worthless; delete it and run"
            " the workflow again"
        )
    return files


def _form(card: Mapping[str, Any]) -> tuple[int, int, int]:
    return card["image_size"], card["image_size"], card["image_channels"]


def _of_array(
    images: np.ndarray, labels: Sequence[str] | None, card: Mapping[str, Any]
) -> tuple[np.ndarray, list[str]]:
    stack = images[..., None] if images.ndim == 3 else images
    if stack.shape[1:] != _form(card) or stack.dtype != np.uint8 or not len(stack):
        form = ", ".join(map(str, _form(card)))
        raise EvaluationError(
            f"images are {images.shape} {images.dtype}; the cohort's classifier judges (N, {form})"
            " uint8, N of 1 or more"
        )
    names = [] if labels is None else list(labels)
    if len(names) != len(stack):
        raise EvaluationError(f"{len(names)} labels for {len(stack)} images; give labels, one each")
    return stack, [_label(name, card) for name in names]


def _label(name: str, card: Mapping[str, Any]) -> str:
    """A label of the cohort, or several findings of it, as its classifier writes them."""
    if not isinstance(name, str):
        known = ", ".join(card["classes"])
        raise EvaluationError(f"label {name!r}: labels are names, such as {known}")
    try:
        return known_label(name, card)
    except LabelError:
        known = ", ".join(card["classes"])
        raise EvaluationError(f"{name}: no label of the cohort; there are {known}") from None


def _files(folder: Path, card: Mapping[str, Any]) -> tuple[list[str], list[Path]]:
    """Label and path of every PNG file, sorted by path.

    Raises:
        EvaluationError: there is none, or another file, which would be left out without a word.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder of images")
    files = sorted(path for path in folder.rglob("[!.]*") if path.is_file())
    near = [path for path in files if folder in (path.parent, path.parent.parent)]
    # First those of the folder itself, then those of its classes.
    paths = sorted(near, key=lambda path: (path.parent != folder, path))
    paths = [path for path in paths if path.suffix.lower() == ".png"]
    if not paths:
        raise EvaluationError(f"{folder}: no PNG files in it, nor in folders named like classes")
    if others := [path for path in files if path not in set(paths)]:
        raise EvaluationError(
            f"{others[0]}: no PNG file in {folder} or in a folder of a class in it"
            f" ({len(others)} such files); take them away, or write them as PNG there"
        )
    stems = {file_stem(name): name for name in [*card.get("combinations", []), *card["classes"]]}
    labels = []
    for path in paths:
        inside = path.parent != folder
        name = path.parent.name if inside else _own_label(path)
        try:
            labels.append(_label(stems.get(name, name or "it names none"), card))
        except EvaluationError as error:
            raise EvaluationError(f"{path.parent if inside else path}: {error}") from None
    return labels, paths


def _own_label(path: Path) -> str:
    """What a file of `medsynth sample` says it shows."""
    with _opened(path) as image:
        return str(image.info.get("label", ""))


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()  # chunks may follow the pixels
            return image.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise EvaluationError(f"{path}: no readable PNG; remove it or write it again") from None


def _pictures(paths: Iterable[Path], card: Mapping[str, Any]) -> Iterator[np.ndarray]:
    """Every file as (H, W, C) uint8, as it comes."""
    form = _form(card)
    for path in paths:
        with _opened(path) as image:
            mode, pixels = image.mode, np.asarray(image)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if mode not in ("L", "RGB") or pixels.shape != form:
            wanted = "grey (8 bit)" if form[2] == 1 else "RGB (8 bit)"
            raise EvaluationError(
                f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels of mode {mode}; the cohort's"
                f" classifier judges {form[1]} x {form[0]} {wanted}; convert it"
            )
        yield pixels
