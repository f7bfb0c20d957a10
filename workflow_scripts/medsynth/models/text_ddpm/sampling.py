"""Drawing images that a text describes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from medsynth.models.ddpm.sampling import network_of, refuse, sample
from medsynth.models.ddpm.sampling_settings import cannot_draw
from medsynth.models.ddpm.schedule import schedule_of
from medsynth.models.text_ddpm.settings import TextDdpmSampling, TextDdpmTraining
from medsynth.models.text_ddpm.unet import reading
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8
from medsynth.store.models import Model
from medsynth.text.tokenizer import Tokenizer

SETTINGS = TextDdpmSampling
log = logging.getLogger(__name__)


def unable(model: Model, settings: TextDdpmSampling) -> str | None:
    """As :func:`medsynth.models.ddpm.sampling.unable`."""
    return cannot_draw(TextDdpmTraining.model_validate(model.card["settings"]), settings)


def generate(
    model: Model, request: pd.DataFrame, settings: TextDdpmSampling, run: Run
) -> Iterator[np.ndarray]:
    """Draw one image for every row of the request, batch after batch.

    As :func:`medsynth.models.ddpm.sampling.generate`, with a prompt instead of a label.

    Args:
        model: as :func:`medsynth.models.text_ddpm.training.train` makes it.
        request: N rows, of whose columns prompt (cleaned), label and number are read; the latter
            two decide the noise alone.
        settings: batch, sampler, steps, guidance, clipping.
        run: its seed, and where to compute.

    Yields:
        (B, H, W, C) uint8, in the order of the rows.
    """
    refuse(unable(model, settings))
    card, device = model.card, run.device
    training = TextDdpmTraining.model_validate(card["settings"])
    channels, size = card["image_channels"], card["image_size"]
    tokenizer = Tokenizer(card["tokenizer"])
    network = network_of(model, training, size, device, reading(tokenizer, training.text))
    schedule = schedule_of(training)
    for start in range(0, len(request), settings.batch):
        rows = request.iloc[start : start + settings.batch]
        texts = torch.from_numpy(tokenizer.encode(rows["prompt"].tolist())).to(device)
        generators = sample_generators(rows["label"], rows["number"], run.seed, device)
        log.info("images %d to %d of %d", start + 1, start + len(rows), len(request))
        shape = (channels, size, size)
        yield to_uint8(
            sample(network, texts, shape, schedule, generators, settings, training.predicts)
        )
