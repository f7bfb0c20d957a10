"""How a ProGAN is judged on validation images: by the kernel distance, for no loss of it tells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from medsynth.models.contract import LabelledImages
from medsynth.models.validation import Figures, Judge
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import batch_positions, generator, numpy_rng
from medsynth.runtime.tensors import to_network, to_uint8

SPACE = 256  # training images that the space of the distance is fitted to


def judge_of(
    data: LabelledImages,
    generate: Callable[[Tensor, Tensor], Tensor],
    critic: Callable[[Tensor, Tensor], Tensor],
    *,
    latent: int,
    batch: int,
    run: Run,
) -> Judge | None:
    """By KID: images of the averaged generator, with the labels of the validation images.

    Beside it stands how much higher the critic scores training images than validation images,
    which grows where it knows its own by heart; and, because its scores have no unit, how much
    higher than generated ones.

    Args:
        generate: images (n, C, H, W) of noise and labels, at full resolution.
        critic: scores (n,) of images and labels.
        latent: length of the noise, which is the same at every look.
        batch: images at once.
        run: its seed decides noise and which training images are compared.

    Returns:
        None where there are not two validation images.
    """
    held_out, seed = data.validation, run.seed
    if not held_out or not data.probe or len(held_out.images) < 2:
        return None
    everyone, some = np.arange(len(held_out.images)), data.compared(seed)
    draws = [generator(seed, "validate", i) for i in everyone.tolist()]
    z = torch.stack([torch.randn(latent, generator=draw) for draw in draws])
    n = min(SPACE, len(data.images))
    compare = data.probe(data.images.read(batch_positions(len(data.images), n, seed, 0, "space")))
    real, trained_on = held_out.images.read(everyone), data.images.read(some)
    noise = numpy_rng(seed, "validate").integers(0, 256, real.shape, dtype=np.uint8)

    labels, of_trained = held_out.targets(everyone, run.device), data.targets(some, run.device)
    parts = [slice(at, at + batch) for at in range(0, len(everyone), batch)]

    def score(images: np.ndarray, labels: Tensor) -> float:
        scores = [critic(to_network(images[part], run.device), labels[part]) for part in parts]
        return torch.cat(scores).mean().item()

    @torch.inference_mode()
    def look() -> Figures:
        made = np.concatenate(
            [to_uint8(generate(z[part].to(run.device), labels[part])) for part in parts]
        )
        known = score(trained_on, of_trained)
        beside = {
            "critic_gap": known - score(real, labels),
            "critic_gap_to_generated": known - score(made, labels),
        }
        return Figures(compare(real, made), beside)

    baselines = {
        "training images": float(compare(real, trained_on).mean()),
        "noise": float(compare(real, noise).mean()),
    }
    return Judge("kid", look, held_out.patients, baselines)
