"""Training of the DDPM that is conditioned on a text; its encoder learns with it."""

from __future__ import annotations

from dataclasses import replace

from medsynth.models.contract import ToldImages, Trained
from medsynth.models.ddpm.training import PLAIN, Design, fit
from medsynth.models.text_ddpm.settings import TextDdpmTraining
from medsynth.models.text_ddpm.unet import reading
from medsynth.runtime.run import TrainingRun
from medsynth.text.tokenizer import Tokenizer

SETTINGS = TextDdpmTraining


def train(data: ToldImages, settings: TextDdpmTraining, run: TrainingRun) -> Trained:
    """As :func:`medsynth.models.ddpm.training.fit`, on texts instead of labels.

    The null text is learned of the images whose text is hidden (settings.label_drop), and of those
    that have none.

    Args:
        data: images and their texts; labels are not looked at.
        settings: schedule, objective, network, encoder and loop.
        run: as there.

    Returns:
        As there; the card holds the tokenizer.

    Raises:
        ValueError: as there.
    """
    kind = reading(Tokenizer(data.tokenizer), settings.text)
    design = Design("text_ddpm", kind, PLAIN.ask, lambda images, _: images.tokens)
    trained = fit(data, settings, run, design)
    return replace(trained, card=trained.card | {"tokenizer": dict(data.tokenizer)})
