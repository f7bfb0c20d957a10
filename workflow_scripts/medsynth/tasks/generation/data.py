"""What generation trains on."""

from dataclasses import replace
from typing import Any

from medsynth.models.contract import LabelledImages
from medsynth.store.digests import digest_file
from medsynth.tasks import labelled
from medsynth.tasks.probe import kernel_probe
from medsynth.tasks.texts import told


def training_data(inputs: Any, seed: int, validation_images: int) -> LabelledImages:
    """As :func:`medsynth.tasks.labelled.training_data`, with a probe and, of families that need
    them (inputs `texts`, `tokenizer`), with texts."""
    data = labelled.training_data(inputs, seed, validation_images)
    if hasattr(inputs, "texts"):
        data = told(data, inputs)
    return replace(data, probe=kernel_probe)


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    texts = [inputs.texts, inputs.tokenizer] if hasattr(inputs, "texts") else []
    return [*labelled.data_digests(inputs), *map(digest_file, texts)]
