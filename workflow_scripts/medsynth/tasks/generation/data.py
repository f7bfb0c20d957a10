"""What generation trains on."""

from dataclasses import replace
from typing import Any

from medsynth.models.contract import LabelledImages
from medsynth.tasks.labelled import data_digests
from medsynth.tasks.labelled import training_data as labelled_images
from medsynth.tasks.probe import kernel_probe

__all__ = ["data_digests", "training_data"]


def training_data(inputs: Any, seed: int, validation_images: int) -> LabelledImages:
    """As :func:`medsynth.tasks.labelled.training_data`, with a probe."""
    return replace(labelled_images(inputs, seed, validation_images), probe=kernel_probe)
