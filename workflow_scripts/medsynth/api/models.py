"""Trained models: what they were trained to do, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch

from medsynth.api.keywords import checked, whole_number
from medsynth.api.requests import REFUSALS, Names, Request, given_images, rows_asked
from medsynth.models.classifier.settings import ClassifierExperiment
from medsynth.models.contract import Translation, directions_of
from medsynth.models.families import FAMILY
from medsynth.runtime.run import Run
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.models import files_of, load_model
from medsynth.tasks.reporting.product import as_texts
from medsynth.tasks.translation.product import BATCH
from medsynth.text.tokenizer import Tokenizer

WEIGHTS, CARD = (Path(path).name for path in (Layout("").weights, Layout("").card))
KNOWN = FAMILY | {"classifier": ClassifierExperiment}
CALLS = {
    "generation": "generates images; use .sample(labels, n, seed=…)",
    "translation": "translates; use .translate(images, direction)",
    "reporting": "describes images; use .describe(images)",
}


class ModelError(MedsynthError):
    """There is no such model, or it is asked for what it cannot do."""


class Sampled(NamedTuple):
    """Generated images (N, H, W, C) uint8, and the label of each, or its prompt as it was read."""

    images: np.ndarray
    labels: list[str]


class Described(NamedTuple):
    """A synthetic text for each image, and whether it came to its end."""

    texts: list[str]
    ended: np.ndarray


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


class TrainedModel:
    """A trained model.

    Attributes:
        folder: of its experiment.
        card: what was trained: family, image_size, image_channels, classes (of generative models
            and classifiers), settings of the network.
        task: "generation", "translation", "reporting", "classification" or "diagnosis".
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
        labels: Names = None,
        n: int = 1,
        *,
        prompts: Names = None,
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
                each begin with the same noise. Names and words that the model does not know are
                read as ___, see :meth:`unknown_words`; so read they are the labels of the result.
            seed: all randomness derives from it.
            settings: of the family's sampling, such as `guidance` or `batch`; default the
                family's own, not the experiment's. A model that is conditioned on covariates needs
                all, as `covariates={"sex": "female", "age": "unknown"}`.

        Raises:
            ModelError: the model does not generate, or not so, or knows no such label, or a prompt
                is empty or too long.
            SettingError: there is no such setting, or no such value.
        """
        request = self.request(labels, n, settings, prompts)
        run = Run(whole_number(seed, "seed", 0), self._device)
        generate = self._sampling("generation").generate
        images = np.concatenate(list(generate(self._model, request.rows, request.settings, run)))
        condition = "label" if prompts is None else "prompt"
        return Sampled(images, request.rows[condition].to_list())

    def request(
        self, labels: Names, n: int, settings: Mapping[str, Any], prompts: Names = None
    ) -> Request:
        """What :meth:`sample` would make of these; errors as there."""
        sampling, n = self._sampling("generation"), whole_number(n, "n", 1)
        whose = f"sampling from {self.card['family']}"
        elsewhere = ["per_class", "labels", "at_least"]
        chosen = checked(sampling.SETTINGS, settings, whose, elsewhere=elsewhere)
        unable = getattr(sampling, "unable", None)
        if unable and (why := unable(self._model, chosen)):
            raise ModelError(f"{self.folder}: {why}")
        with self._named():
            return Request(rows_asked(self.card, labels, prompts, n, chosen), chosen)

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that a model which reads or writes texts does not know.

        Raises:
            ModelError: it does neither, or the prompt is none.
        """
        if "tokenizer" not in self.card:
            raise ModelError(f"{self.folder}: this model knows no words; it has no tokenizer")
        if not isinstance(prompt, str):
            raise ModelError(f"{self.folder}: a prompt is a text, not {prompt!r}")
        return Tokenizer(self.card["tokenizer"]).unknown(prompt)

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
        with self._named():
            slices = given_images(images, self.card, "translates")
        batches = (slices[at : at + BATCH] for at in range(0, len(slices), BATCH))
        settings = sampling.SETTINGS and sampling.SETTINGS()
        run = Run(0, self._device)  # nothing is drawn
        made = sampling.generate(self._model, Translation(batches, direction), settings, run)
        return np.concatenate(list(made)).reshape(np.shape(images))

    def describe(self, images: np.ndarray, **settings: Any) -> Described:
        """Say what images show, as the reports of the workflow do.

        Words that the model's tokenizer does not know are ___ in the texts, as in those that it
        learned. They are synthetic: no physician wrote them, and nobody may be treated by them.

        Args:
            images: (N, H, W, C) or, of grey ones, (N, H, W), uint8, of the size that the model was
                trained on.
            settings: of the family's sampling, such as `no_repeat` or `batch`; default the family's
                own, not the experiment's.

        Raises:
            ModelError: the model does not describe images, or these do not fit it.
            SettingError: there is no such setting, or no such value.
        """
        sampling = self._sampling("reporting")
        chosen = checked(sampling.SETTINGS, settings, f"describing with {self.card['family']}")
        with self._named():
            stack = given_images(images, self.card, "describes")
        batches = (stack[at : at + chosen.batch] for at in range(0, len(stack), chosen.batch))
        run = Run(0, self._device)  # nothing is drawn
        tokens = np.concatenate(list(sampling.generate(self._model, batches, chosen, run)))
        return Described(*as_texts(tokens, Tokenizer(self.card["tokenizer"])))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Refusals say whose they are."""
        try:
            yield
        except REFUSALS as error:
            raise ModelError(f"{self.folder}: {error}") from None

    def _sampling(self, task: str) -> ModuleType:
        """The family's module that makes images or texts, if it does this."""
        if self.task != task:
            does = CALLS.get(self.task, f"is for {self.task} and makes no images")
            raise ModelError(f"{self.folder}: this model {does}")
        return import_module(f"{self._family.folder}.sampling")
