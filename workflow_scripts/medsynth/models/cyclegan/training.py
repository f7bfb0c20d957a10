"""CycleGAN training (Zhu et al. 2017); what its networks are, :mod:`.networks` says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from medsynth.models.contract import Trained, TwoDomains
from medsynth.models.cyclegan.networks import CycleGan
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.validation import judge_of
from medsynth.models.validation import Validation
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import hu_to_network
from medsynth.store.shards import ImageStore

SETTINGS = CycleganTraining
log = logging.getLogger(__name__)


def without_d_c(settings: CycleganTraining, pairs: int) -> str | None:
    """Why there is no D_C with so many training pairs; None if there is one."""
    if settings.pair_weight == 0:
        return "pair_weight is 0"
    return None if pairs else "there are no pairs to train it on"


def value_range(settings: CycleganTraining, dtype: str) -> tuple[int, int]:
    """What becomes [-1, 1]: HU of CT, all of 8-bit images."""
    return (0, 255) if dtype == "uint8" else settings.hu_range


def model_card(
    settings: CycleganTraining,
    *,
    image_size: int,
    image_channels: int,
    pairs: int,
    domains: Sequence[str] = ("ct", "cect"),
    dtype: str = "int16",
) -> dict[str, Any]:
    """What translating needs to know beside the weights; image_size and notes are for people."""
    off = without_d_c(settings, pairs)
    return {
        "family": "cyclegan",
        "image_size": image_size,
        "image_channels": image_channels,
        "channels": settings.channels,
        "depth": settings.depth,
        "domains": list(domains),
        "dtype": dtype,
        "hu_range": list(value_range(settings, dtype)),
        "notes": [f"D_C is off, the discriminator of pairs: {off}."] if off else [],
    }


def train(data: TwoDomains, settings: CycleganTraining, run: TrainingRun) -> Trained:
    """Train G: A -> B and F: B -> A; resumes from the run's work folder.

    A and B are dealt independently, so all images count whether they have a partner or not; only
    D_C's true pairs come from the data's. The learning rate is constant for the first half and then
    falls linearly to zero (Zhu et al. 2017).

    Returns:
        Weights with the prefixes ``G.`` and ``F.``, of the step whose translations do best on
        validation slices, and a history of losses without their weights: G_adv, F_adv, G_pair,
        F_pair, cycle, identity, D_A, D_B, D_C; and of validation slices mae_hu (of pairs), kid,
        cycle and identity.

    Raises:
        ValueError: a domain is empty, or the image size cannot be halved `depth` times.
    """
    images_a, images_b, pairs = data.images_a, data.images_b, data.pairs
    seed, device = run.seed, run.device
    off = without_d_c(settings, len(pairs))
    if off:
        log.warning("D_C is off: %s", off)

    dtype = images_a.read(batch_positions(len(images_a), 1, seed, 0, "A")).dtype.name
    between = value_range(settings, dtype)

    def batch(store: ImageStore, positions: np.ndarray) -> Tensor:
        return hu_to_network(store.read(positions), between, device)

    def batch_of(store: ImageStore, i: int, name: str) -> Tensor:
        return batch(store, batch_positions(len(store), settings.batch, seed, i, name))

    channels, size, width = batch_of(images_a, 0, "A").shape[1:]
    model = CycleGan((channels, size, width), settings, paired=not off, seed=seed, device=device)

    def step(i: int) -> dict[str, float]:
        pair = None
        if not off:
            chosen = pairs[batch_positions(len(pairs), settings.batch, seed, i, "pairs")]
            pair = batch(images_a, chosen[:, 0]), batch(images_b, chosen[:, 1])
        model.set_lr(settings.lr * min(1.0, 2 * (1 - i / settings.steps)))
        a, b = batch_of(images_a, i, "A"), batch_of(images_b, i, "B")
        return model.step(a, b, pair, generator(seed, "pools", i))

    judge = judge_of(data, model.g, model.f, hu_range=between, batch=settings.batch, run=run)
    generators = nn.ModuleDict({"G": model.g, "F": model.f})
    validation = Validation(generators, judge)
    history = run_steps(
        step, state=model.state(), settings=settings, work=run.work, validation=validation
    )
    card = model_card(
        settings,
        image_size=size,
        image_channels=channels,
        pairs=len(pairs),
        domains=data.domains,
        dtype=dtype,
    )
    card["validation"] = validation.facts(settings.steps)
    return Trained(validation.weights, card, history)
