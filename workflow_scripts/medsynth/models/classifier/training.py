"""Training the classifier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from medsynth.models.classifier.network import Classifier
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.conditioning import label_facts
from medsynth.models.contract import LabelledImages, Trained
from medsynth.models.validation import Figures, Judge, Validation
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import to_network
from medsynth.store.shards import batches

SETTINGS = ClassifierTraining
Loss = Callable[[Tensor, Tensor], Tensor]
# Makes images noisy, and says how much of each, alpha_bar, is left.
Noising = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]
_MAX_SHIFT = 2  # pixels


def model_card(
    settings: ClassifierTraining, classes: Sequence[str], *, image_channels: int, image_size: int
) -> dict[str, Any]:
    """What :func:`medsynth.models.classifier.extraction.extract` must know beside the weights."""
    return {
        "family": "classifier",
        "image_size": image_size,
        "image_channels": image_channels,
        "classes": list(classes),
        "channels": settings.channels,
        "features": settings.features,
    }


def class_weights(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Loss weights (n_classes,) that give every class the same share: n / (n_classes * n_c).

    Raises:
        ValueError: a class has no training image.
    """
    counts = np.bincount(labels, minlength=n_classes)
    if empty := np.flatnonzero(counts == 0).tolist():
        raise ValueError(
            f"no training images of class index {empty}; drop these classes from the cohort's"
            " label or give the training split more patients"
        )
    return counts.sum() / (n_classes * counts)


def finding_weights(labels: np.ndarray) -> np.ndarray:
    """Loss weights (2, k) of absent and present, which give both the same share of each finding.

    Args:
        labels: (n, k), 0 or 1.

    Raises:
        ValueError: a finding has no training image.
    """
    counts = np.stack([len(labels) - labels.sum(0), labels.sum(0)])
    if empty := np.flatnonzero(counts[1] == 0).tolist():
        raise ValueError(
            f"no training images of finding index {empty}; drop these findings from the cohort's"
            " label or give the training split more patients"
        )
    return len(labels) / (2 * np.maximum(counts, 1))


def balanced_losses(data: LabelledImages, device: str | torch.device) -> Loss:
    """Cross-entropy (b,) of logits (b, k) and labels, of classes or of each finding on its own.

    Raises:
        ValueError: a class has no training image.
    """
    if data.labels.ndim == 1:
        of_class = torch.tensor(class_weights(data.labels, len(data.classes)), dtype=torch.float32)
        of_class = of_class.to(device)

        def of_classes(logits: Tensor, target: Tensor) -> Tensor:
            share = of_class[target]
            return F.cross_entropy(logits, target, reduction="none") * share / share.mean()

        return of_classes
    absent, present = torch.tensor(finding_weights(data.labels), dtype=torch.float32).to(device)
    return lambda logits, target: F.binary_cross_entropy_with_logits(
        logits, target, torch.where(target > 0, present, absent), reduction="none"
    ).mean(1)


def right(logits: Tensor, target: Tensor) -> Tensor:
    """Which classes (b,), or findings (b, k), the logits (b, k) tell rightly."""
    return (logits.argmax(1) if target.ndim == 1 else logits > 0) == target


def right_by_one_answer(target: Tensor) -> float:
    """Share of classes, or findings, that the best answer tells which is the same for all images.

    Args:
        target: (b,) int64 or (b, k) float32.
    """
    if target.ndim == 1:
        return target.bincount().max().item() / len(target)
    present = target.mean(0)
    return torch.maximum(present, 1 - present).mean().item()


def random_shift(x: Tensor, rng: torch.Generator) -> Tensor:
    """Move every image (n, C, H, W) by up to 2 pixels each way, repeating its border.

    No flips: left and right carry meaning in a body.
    """
    n, _, height, width = x.shape
    # Drawn on the CPU, so that a GPU run shifts the same images by the same amounts.
    down, right = torch.randint(2 * _MAX_SHIFT + 1, (2, n, 1, 1), generator=rng).to(x.device)
    padded = F.pad(x, [_MAX_SHIFT] * 4, mode="replicate")
    item = torch.arange(n, device=x.device).view(n, 1, 1)
    row = torch.arange(height, device=x.device).view(1, height, 1) + down
    column = torch.arange(width, device=x.device).view(1, 1, width) + right
    # Indices on both sides of the channel slice put it last.
    return padded[item, :, row, column].permute(0, 3, 1, 2).contiguous()


def train(data: LabelledImages, settings: ClassifierTraining, run: TrainingRun) -> Trained:
    """Train on images as they are; see :func:`learn`."""
    return learn(data, settings, run)


def learn(
    data: LabelledImages,
    settings: ClassifierTraining,
    run: TrainingRun,
    noising: Noising | None = None,
) -> Trained:
    """Train on every image, with a class-balanced loss and a cosine learning rate.

    Where images have several findings, each is answered on its own: the head's logits are theirs.
    The weights kept are those of the step of the lowest loss on validation images.

    Args:
        data: square images and their labels.
        settings: steps, widths, learning rate.
        run: its seed decides weights, batches and shifts; a run found in its work folder is
            continued.
        noising: of the images that it shall know noisy; at every look at validation images their
            noise is the same.

    Returns:
        Weights and a history of loss and accuracy (of findings, the share of right answers) on the
        augmented batches, and of both on validation images beside as many training images.

    Raises:
        ValueError: labels do not fit the images, a class has no images, or images are not square.
    """
    data.check()
    store, n_classes = data.images, len(data.classes)
    seed, device, held_out = run.seed, run.device, data.validation
    losses_of = balanced_losses(data, device)
    size, width, channels = store.read([0]).shape[1:]
    if size != width:
        raise ValueError(f"images are {size}x{width} (rows x columns), they must be square")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "weights").initial_seed())
        network = Classifier(
            size, channels, n_classes, settings.channels, settings.features, noising is not None
        )
    network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)

    def logits_of(x: Tensor, noise: torch.Generator) -> Tensor:
        logits: Tensor = network(*noising(x, noise)) if noising else network(x)
        return logits

    def step(i: int) -> dict[str, float]:
        positions = batch_positions(len(store), settings.batch, seed, i, "classifier")
        target = data.targets(positions, device)
        x = random_shift(to_network(store.read(positions), device), generator(seed, "shift", i))
        logits = logits_of(x, generator(seed, "noise", i))
        loss = losses_of(logits, target).mean()
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * 0.5 * (1 + math.cos(math.pi * i / settings.steps))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        accuracy = right(logits, target).float().mean()
        return {"loss": loss.item(), "accuracy": accuracy.item()}

    @torch.inference_mode()
    def answers(part: str, of: LabelledImages, positions: np.ndarray) -> tuple[Tensor, Tensor]:
        stacks = batches(of.images, settings.batch, positions)
        found = [
            logits_of(to_network(images, device), generator(seed, "noise", part, k))
            for k, images in enumerate(stacks)
        ]
        return torch.cat(found), of.targets(positions, device)

    def look() -> Figures:
        assert held_out
        on_others = answers("validate", held_out, np.arange(len(held_out.images)))
        on_trained = answers("train", data, data.compared(seed))
        beside = {
            "train_cross_entropy": losses_of(*on_trained).mean().item(),
            "validate_accuracy": right(*on_others).float().mean().item(),
            "train_accuracy": right(*on_trained).float().mean().item(),
        }
        return Figures(losses_of(*on_others).double().cpu().numpy(), beside)

    judge = None
    if held_out:
        target = held_out.targets(np.arange(len(held_out.images)), device)
        equal = losses_of(torch.zeros(len(target), n_classes, device=device), target)
        baselines = {
            "the same answer to all": equal.mean().item(),
            "accuracy of one answer to all": right_by_one_answer(target),
        }
        judge = Judge("cross_entropy", look, held_out.patients, baselines)
    validation = Validation(network, judge)
    state: dict[str, HasState] = {"network": network, "optimizer": optimizer}
    history = run_steps(step, state=state, settings=settings, work=run.work, validation=validation)
    card = model_card(settings, data.classes, image_channels=channels, image_size=size)
    card |= label_facts(data.labels, data.classes)
    card["validation"] = validation.facts(settings.steps)
    return Trained(validation.weights, card, history)
