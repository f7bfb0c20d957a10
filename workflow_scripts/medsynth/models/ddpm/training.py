"""Training of the class-conditional DDPM, and the card that lets sampling rebuild it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic

import numpy as np
import torch
from torch import Tensor

from medsynth.models.conditioning import label_facts
from medsynth.models.contract import LabelledImages, Trained
from medsynth.models.covariates import appended, describe, width, without_strange
from medsynth.models.ddpm.dropout import drop_as_in_whole
from medsynth.models.ddpm.process import ALL, NoiseModel, ddpm_loss
from medsynth.models.ddpm.schedule import p2_weights, schedule_of
from medsynth.models.ddpm.training_settings import DdpmTraining, Diffusion
from medsynth.models.ddpm.unet import ConditionalUNet, Network, build_unet
from medsynth.models.ddpm.validation import judge_of
from medsynth.models.resolution import at_size
from medsynth.models.validation import Validation
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.ema import Ema
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import to_network

SETTINGS = DdpmTraining
MAX_GRADIENT_NORM = 1.0


def labels_and_covariates(data: LabelledImages, described: dict[str, Any]) -> np.ndarray:
    """Labels as the network takes them, with the covariates that it is conditioned on."""
    if not described:
        return data.labels
    rows = without_strange(data.manifest, described["covariates"])
    return appended(data.labels, len(data.classes), rows, described["covariates"])


@dataclass(frozen=True)
class Design(Generic[Network]):
    """What a family that learns to denoise has of its own.

    Attributes:
        family: its name.
        kind: what makes the network, see :func:`build_unet`.
        ask: the network as it is asked about the noise in a part of images x0 (N, C, H, W), with
            what it is told of them. The generator, on their device, decides what is random of
            that, for all of x0, so that a part is told what it is told in the whole; None: nothing
            is, as validation wants it.
        conditions: what the network takes for labels, of the images and described covariates.
    """

    family: str
    kind: Callable[..., Network]
    ask: Callable[[Network, Tensor, torch.Generator | None, slice], NoiseModel]
    conditions: Callable[[Any, dict[str, Any]], np.ndarray] = labels_and_covariates


PLAIN = Design("ddpm", ConditionalUNet, lambda network, x0, rng, part: network)


def model_card(
    settings: Diffusion, classes: list[str], image_channels: int, image_size: int
) -> dict[str, Any]:
    """What sampling must know beside the weights, as JSON values.

    Args:
        settings: of the training; they hold the schedule and the network's shape.
        classes: names in the order of the label indices.
        image_channels: 1 grey, 3 RGB.
        image_size: pixels, both sides.
    """
    return {
        "family": "ddpm",
        "settings": settings.model_dump(mode="json", exclude={"conditions"}),  # see covariates
        "classes": classes,
        "image_channels": image_channels,
        "image_size": image_size,
    }


def parts(n: int, k: int) -> list[slice]:
    """k stretches of range(n), of equal length but for one item."""
    return [slice(i * n // k, (i + 1) * n // k) for i in range(k)]


def learning_rate(step: int, settings: Diffusion) -> float:
    """Of a step, from 0 on: see settings.lr_schedule."""
    if settings.lr_schedule == "constant":
        return settings.lr
    risen = min(1, (step + 1) / max(1, settings.steps // 25))
    return settings.lr * risen * 0.5 * (1 + math.cos(math.pi * step / settings.steps))


def train(data: LabelledImages, settings: DdpmTraining, run: TrainingRun) -> Trained:
    """Train on the images, or on them at settings.image_size; see :func:`fit`."""
    data.check()
    trained = fit(at_size(data, settings.image_size), settings, run, PLAIN)
    if settings.image_size is None:
        return trained
    sizes = {"image_size": data.images.read([0]).shape[2], "drawn_size": settings.image_size}
    return replace(trained, card=trained.card | sizes)


def fit(
    data: LabelledImages, settings: Diffusion, run: TrainingRun, design: Design[Network]
) -> Trained:
    """Train by Algorithm 1 of Ho et al. 2020 and keep a running average of the weights.

    It is the one of the step that predicts the noise of validation images best, by the plain loss
    (eq. 14) whatever the weighting in training; beside it stands that of as many training images.

    Images are not mirrored: left and right mean something in a radiograph. A run that finds a
    checkpoint in its work folder goes on there and, on the CPU, ends with the same weights bit for
    bit.

    Args:
        data: images and labels; index len(classes), or a row without a finding, becomes "no
            label".
            Of the manifest the columns settings.conditions are read.
        settings: schedule, objective, network and loop.
        design: what the family has of its own.
        run: on CUDA in bfloat16 autocast.

    Returns:
        The averaged weights (on the CPU) and a history of loss, gradient_norm,
        validate_denoising_loss and train_denoising_loss.

    Raises:
        ValueError: no images, labels that do not fit images or classes, or see :func:`build_unet`.
        CovariateError: see :func:`medsynth.models.covariates.describe`.
    """
    data.check()
    store, seed = data.images, run.seed
    device = torch.device(run.device)
    image_size, image_channels = store.read([0]).shape[2:]

    torch.manual_seed(generator(seed, "weights").initial_seed())
    n_classes = len(data.classes)
    described = {}
    if settings.conditions:
        described = {"covariates": describe(data.manifest, settings.conditions)}
    labels = design.conditions(data, described)
    extra = width(described.get("covariates", {}))
    model = build_unet(image_channels, image_size, n_classes, settings.unet, extra, design.kind)
    # Faster convolutions on CPU and GPU; torch's types lack memory_format.
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = Ema(model, settings.ema_decay)
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=settings.lr, fused=True)

    schedule = schedule_of(settings)
    weights = p2_weights(schedule, settings.p2_gamma, settings.p2_k).to(device)
    schedule = schedule.to(device)

    def step(i: int) -> dict[str, float]:
        positions = batch_positions(len(store), settings.batch, seed, i)
        x0 = to_network(store.read(positions), device)
        y = torch.from_numpy(labels[positions]).to(device)
        optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for part in parts(len(x0), settings.accumulate):
            # Every part draws what the whole batch does, and takes its own of it.
            noise, told = (generator(seed, of, i, device=device) for of in ("noise", "told"))
            # dropout draws from the global generator and from no other
            torch.manual_seed(generator(seed, "dropout", i).initial_seed())
            drop_as_in_whole(model, len(x0), part)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                mean = ddpm_loss(
                    design.ask(model, x0, told, part), x0, y, schedule, weights, part=part,
                    label_drop=settings.label_drop, generator=noise, predicts=settings.predicts,
                )  # fmt: skip
            share = mean * (part.stop - part.start) / len(x0)
            share.backward()  # adds to the gradients, and frees what the part has kept for it
            loss += share.item()
        norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(i, settings)
        optimizer.step()
        ema.update()
        return {"loss": loss, "gradient_norm": norm.item()}

    judge = judge_of(
        data, lambda x0: design.ask(ema.module, x0, None, ALL), schedule, batch=settings.batch,
        predicts=settings.predicts, conditions=lambda of: design.conditions(of, described), run=run,
    )  # fmt: skip
    validation = Validation(ema.module, judge)
    state: dict[str, HasState] = {"model": model, "ema": ema, "optimizer": optimizer}
    history = run_steps(step, state=state, settings=settings, work=run.work, validation=validation)
    card = model_card(settings, data.classes, image_channels, image_size)
    card |= {"family": design.family} | label_facts(data.labels, data.classes) | described
    card["validation"] = validation.facts(settings.steps)
    return Trained(validation.weights, card, history)
