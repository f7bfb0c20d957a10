"""Trained models: what they were trained to do, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from medsynth.api.keywords import checked, whole_number
from medsynth.models.classifier.settings import ClassifierExperiment
from medsynth.models.conditioning import LabelError, usual_labels, wanted
from medsynth.models.contract import Translation, directions_of
from medsynth.models.covariates import CovariateError, with_drawn
from medsynth.models.families import FAMILY
from medsynth.models.prompts import PromptError, prompted, usable_prompt
from medsynth.runtime.run import Run
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.models import files_of, load_model
from medsynth.tasks.translation.product import BATCH
from medsynth.text.tokenizer import Tokenizer

WEIGHTS, CARD = (Path(path).name for path in (Layout("").weights, Layout("").card))
COPIES = 3  # of all images, while they are put together and written
KNOWN = FAMILY | {"classifier": ClassifierExperiment}
CALLS = {
    "generation": "generates images; use .sample(labels, n, seed=…)",
    "translation": "translates; use .translate(images, direction)",
}


class ModelError(MedsynthError):
    """There is no such model, or it is asked for what it cannot do."""


class Sampled(NamedTuple):
    """Generated images (N, H, W, C) uint8, and the label of each."""

    images: np.ndarray
    labels: list[str]


class Request(NamedTuple):
    """A row for every image to generate, and the family's settings of sampling."""

    rows: pd.DataFrame
    settings: Any


def load(folder: str | Path, device: str | torch.device | None = None) -> TrainedModel:
    """The trained model of an experiment.

    Args:
        folder: of the experiment, such as "results/experiments/cxr_ddpm".
        device: where to compute; default a GPU if torch sees one. No lease is taken: jobs of a
            workflow on this machine do not know of it.

    Raises:
        ModelError: there is no trained model, or none of a family of this version.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if not isinstance(folder, str | os.PathLike):
        raise ModelError(f"{folder!r} is no path of an experiment's folder")
    return TrainedModel(Path(folder), device)


def _free_memory() -> int:
    """Bytes that can be had without swapping."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _are_names(labels: Any) -> bool:
    return isinstance(labels, Iterable) and all(isinstance(name, str) for name in labels)


class TrainedModel:
    """A trained model.

    Attributes:
        folder: of its experiment.
        card: what was trained: family, image_size, image_channels, classes (of generative models
            and classifiers), settings of the network.
        task: "generation", "translation" or "classification".
    """

    def __init__(self, folder: Path, device: str | torch.device):
        self.folder, self._device = folder, device
        if not (folder / WEIGHTS).is_file() or not (folder / CARD).is_file():
            others = sorted(path.parent.name for path in folder.parent.glob(f"*/{WEIGHTS}"))
            there = f"models beside it: {', '.join(others)}; " if others else ""
            raise ModelError(
                f"{folder}: no trained model is here ({WEIGHTS}, {CARD}); {there}give the folder of"
                " an experiment whose training has ended, such as results/experiments/NAME"
            )
        self._model = load_model(folder / WEIGHTS, folder / CARD)
        self.card: dict[str, Any] = dict(self._model.card)
        if self.card.get("family") not in KNOWN:
            raise ModelError(
                f"{folder / CARD}: family {self.card.get('family')!r} is none of this version's:"
                f" {', '.join(KNOWN)}; use the version of medsynth that trained it"
            )
        self._family = KNOWN[self.card["family"]]
        self.task: str = self._family.task

    def __repr__(self) -> str:
        return f"<{self.card['family']} model {self.folder}, {self.task}>"

    @property
    def files(self) -> dict[str, Path]:
        """Weights and card, and those of the models that it rests on."""
        weights, card, *below = files_of(self.folder / WEIGHTS, self.folder / CARD)
        named = {f"{path.parent.name}/{path.name}": path for path in below}
        return {"weights": weights, "card": card, **named}

    @property
    def sha256(self) -> str:
        """Digest of the weights, by which images and lineage know the model."""
        return digest_file(self.folder / WEIGHTS)

    def sample(
        self,
        labels: str | Sequence[str] | None = None,
        n: int = 1,
        *,
        prompts: str | Sequence[str] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Sampled:
        """Generate `n` images of every label, label after label.

        An image depends on model, seed, label and its number within the label: with the seed, the
        settings and the batch of an experiment these are the images of its samples.h5.

        Args:
            labels: of `card["classes"]`, or several of them, as in "Edema + Cardiomegaly", where
                images have several findings; default all, or the usual combinations.
            n: images of each label or prompt.
            prompts: texts, of a model that is conditioned on one, instead of labels; the images of
                each begin with the same noise. Words that the model does not know are read as
                ___, see :meth:`unknown_words`.
            seed: all randomness derives from it.
            settings: of the family's sampling, such as `guidance` or `batch`; default the
                family's own, not the experiment's. A model that is conditioned on covariates needs
                all, as `covariates={"sex": "female", "age": "unknown"}`.

        Raises:
            ModelError: the model does not generate, or knows no such label, or a prompt is empty
                or too long.
            SettingError: there is no such setting, or no such value.
        """
        request = self.request(labels, n, settings, prompts)
        run = Run(whole_number(seed, "seed", 0), self._device)
        generate = self._sampling("generation").generate
        images = np.concatenate(list(generate(self._model, request.rows, request.settings, run)))
        return Sampled(images, request.rows["label"].to_list())

    def request(
        self,
        labels: str | Sequence[str] | None,
        n: int,
        settings: Mapping[str, Any],
        prompts: str | Sequence[str] | None = None,
    ) -> Request:
        """What :meth:`sample` would make of these; errors as there."""
        whose = f"sampling from {self.card['family']}"
        elsewhere = ["per_class", "labels", "at_least"]
        n = whole_number(n, "n", 1)
        form = self._sampling("generation").SETTINGS
        chosen = checked(form, settings, whose, elsewhere=elsewhere)
        if prompts is not None or "tokenizer" in self.card:
            return Request(self._prompted(labels, prompts, n), chosen)
        names = [labels] if isinstance(labels, str) else labels
        if names is not None and not _are_names(names):
            raise ModelError(f"labels are names, one or a list of them, not {labels!r}")
        self._refuse_too_many(n * len(names or usual_labels(self.card, chosen.at_least)))
        try:
            rows = wanted(self.card, names, n, chosen.at_least)
            asked, known = getattr(chosen, "covariates", {}), self.card.get("covariates", {})
            rows = with_drawn(rows, None, known, asked, seed=0)
        except (LabelError, CovariateError) as error:
            raise ModelError(f"{self.folder}: {error}") from None
        if rows.empty:
            raise ModelError("no images asked for: give at least one label")
        return Request(rows, chosen)

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that a model which is conditioned on texts does not know."""
        return Tokenizer(self.card["tokenizer"]).unknown(prompt)

    def _prompted(
        self,
        labels: str | Sequence[str] | None,
        prompts: str | Sequence[str] | None,
        n: int,
    ) -> pd.DataFrame:
        if "tokenizer" not in self.card:
            raise ModelError(f"{self.folder}: this model is conditioned on labels, not on a text")
        given = [prompts] if isinstance(prompts, str) else prompts
        if not given or not _are_names(given) or labels is not None:
            raise ModelError(
                f"{self.folder}: this model is conditioned on a text; say by prompts (--prompt)"
                " what the images show, and leave labels out"
            )
        self._refuse_too_many(n * len(given))
        tokenizer = Tokenizer(self.card["tokenizer"])
        try:
            return prompted([usable_prompt(one, tokenizer) for one in given], n)
        except PromptError as error:
            raise ModelError(f"{self.folder}: {error}") from None

    def _refuse_too_many(self, n: int) -> None:
        size, free = self.card["image_size"] ** 2 * self.card["image_channels"], _free_memory()
        if n * size * COPIES > free:
            raise ModelError(
                f"{n} images are {n * size / 2**30:,.1f} GiB, held {COPIES} times at once, and"
                f" {free / 2**30:,.1f} GiB of memory are free; ask for fewer at a time, each with a"
                " seed of its own"
            )

    def translate(self, images: np.ndarray, direction: str) -> np.ndarray:
        """Translate images to the other domain, as CT slices to the other contrast phase.

        Args:
            images: (N, H, W, 1) or (N, H, W), of the size that the model was trained on: of CT
                int16 Hounsfield units, else uint8.
            direction: of CT "ct_to_cect" adds contrast medium, "cect_to_ct" takes it away; else the
                names of the two domains.

        Returns:
            Slices of the same shape and unit.

        Raises:
            ModelError: the model does not translate, or the images or direction do not fit it.
        """
        sampling = self._sampling("translation")
        directions = directions_of(self.card["domains"])
        if direction not in directions:
            raise ModelError(f"no direction {direction!r}; there are {', '.join(directions)}")
        images = np.asarray(images)
        slices = images[..., None] if images.ndim == 3 else images
        size = self.card["image_size"]
        form = (size, size, self.card["image_channels"])
        dtype = np.dtype(self.card["dtype"])
        unit = "uint8" if dtype == np.uint8 else "int16 Hounsfield units"
        if slices.shape[1:] != form or slices.dtype != dtype or not len(slices):
            raise ModelError(
                f"images are {images.shape} {images.dtype}; this model translates"
                f" (N, {', '.join(map(str, form))}) {unit}, N of 1 or more"
            )
        batches = (slices[at : at + BATCH] for at in range(0, len(slices), BATCH))
        settings = sampling.SETTINGS and sampling.SETTINGS()
        run = Run(0, self._device)  # nothing is drawn
        made = sampling.generate(self._model, Translation(batches, direction), settings, run)
        return np.concatenate(list(made)).reshape(images.shape)

    def _sampling(self, task: str) -> ModuleType:
        """The family's module that makes images, if it does this."""
        if self.task != task:
            does = CALLS.get(self.task, f"is for {self.task} and makes no images")
            raise ModelError(f"{self.folder}: this model {does}")
        return import_module(f"{self._family.folder}.sampling")
