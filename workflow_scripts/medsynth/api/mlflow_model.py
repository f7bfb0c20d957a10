"""A model as MLflow serves it: `mlflow.pyfunc.load_model` runs this file, and unpickles nothing.

Weights and cards of the experiment, and of those that it rests on, lie beside it as safetensors and
JSON, see :mod:`medsynth.api.packaging`. What it makes are, bit for bit, the images and texts of
:func:`medsynth.load`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from PIL import Image

from medsynth.api.models import TrainedModel, load
from medsynth.api.requests import RequestError, columns_asked

ASKED = ("label", "prompt", "n", "seed")  # columns of a request; the others are covariates


class ServedModel(PythonModel):
    """Generates, translates or describes images."""

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["experiments"], context.model_config["experiment"])
        self.model: TrainedModel = load(folder)

    # Type hints would make MLflow check the input by them and not by the signature.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """What is asked for, row by row, or the translation or description of an array.

        Args:
            model_input: of a generative model a frame of requests: `label` (empty: all) or, of one
                that reads texts, `prompt`, `n` images of each (empty: 1), `seed` (empty: 0), and
                covariates by name; of one that translates or describes images, these, (N, H, W, C).
            params: settings of the family's sampling, such as `guidance`; or `direction`.

        Returns:
            A frame with a row an image: `request` (which row asked), `label` (or the prompt as it
            was read), `number` within its label and request, `seed`, `png` (bytes); or the
            translated array; or a frame with a row an image, `text`, `ended` (whether it came to
            its end) and `synthetic`, which is always true.

        Raises:
            RequestError: the frame has no column that the model takes; MLflow leaves out those that
                it does not know.
        """
        if self.model.task == "translation":
            return self.model.translate(model_input, **(params or {}))
        if self.model.task == "reporting":
            told = self.model.describe(model_input, **(params or {}))
            return (
                pd.DataFrame(told._asdict())
                .rename(columns={"texts": "text"})
                .assign(synthetic=True)
            )
        if not len(model_input.columns):
            raise RequestError(
                "nothing is asked for: the frame has none of the columns that this model takes,"
                f" {', '.join(columns_asked(self.model.card))}"
            )
        rows = [
            {"request": at, **row}
            for at, request in enumerate(model_input.to_dict("records"))
            for row in self._sampled(request, params or {})
        ]
        return pd.DataFrame(rows, columns=["request", "label", "number", "seed", "png"])

    def _sampled(self, request: dict[str, Any], params: dict[str, Any]) -> list[dict[str, Any]]:
        given = {key: value for key, value in request.items() if not pd.isna(value)}
        n, seed = int(given.get("n", 1)), int(given.get("seed", 0))
        covariates = {key: value for key, value in given.items() if key not in ASKED}
        settings = params | ({"covariates": covariates} if covariates else {})
        asked = given.get("label"), given.get("prompt")
        images, labels = self.model.sample(asked[0], n, prompts=asked[1], seed=seed, **settings)
        return [
            {"label": label, "number": i % n, "seed": seed, "png": _png(image)}
            for i, (image, label) in enumerate(zip(images, labels, strict=True))
        ]


def _png(image: np.ndarray) -> bytes:
    """An image (H, W, C) uint8, grey or RGB, without loss."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "png")
    return file.getvalue()


mlflow.models.set_model(ServedModel())
