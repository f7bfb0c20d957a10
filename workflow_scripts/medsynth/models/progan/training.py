"""ProGAN training: WGAN-GP while both networks grow (Karras et al. 2018, appendix A.1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from medsynth.models.conditioning import label_facts
from medsynth.models.contract import LabelledImages, Trained
from medsynth.models.progan.growth import Growth
from medsynth.models.progan.layers import initialise
from medsynth.models.progan.losses import gradient_penalty, wasserstein_critic
from medsynth.models.progan.networks import Critic, Generator, shrink
from medsynth.models.progan.settings import ProganTraining
from medsynth.models.progan.validation import judge_of
from medsynth.models.validation import Validation
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.ema import Ema
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import to_network

SETTINGS = ProganTraining


def model_card(
    settings: ProganTraining, classes: list[str], image_channels: int, image_size: int
) -> dict[str, Any]:
    """What sampling must know beside the weights, as JSON values; labels index `classes`."""
    return {
        "family": "progan",
        "classes": list(classes),
        "image_channels": image_channels,
        "image_size": image_size,
        "latent": settings.latent,
        "channels": settings.channels,
    }


def train(data: LabelledImages, settings: ProganTraining, run: TrainingRun) -> Trained:
    """Train on all images; resumes from the run's work folder.

    The optimizers begin anew with every phase. Of the steps at full resolution the one is kept
    whose images are nearest to validation images.

    Args:
        data: square images, side a power of two >= 8, and their labels.

    Returns:
        Weights of the averaged generator and a history of critic (Karras's loss without the
        penalty), penalty (without its weight), generator, resolution, alpha, validate_kid,
        critic_gap and critic_gap_to_generated, see
        :func:`medsynth.models.progan.validation.judge_of`.

    Raises:
        ValueError: there are no images, labels do not fit them, the image size does not fit, or the
            steps end before the networks are grown.
    """
    data.check()
    store, n_classes = data.images, len(data.classes)
    seed, device = run.seed, run.device
    size, channels = store.read(batch_positions(len(store), 1, seed, 0)).shape[2:]
    growth = Growth.of(settings, size)
    latent, width = settings.latent, settings.channels
    net_g = Generator(size, channels, n_classes, latent, width)
    net_d = Critic(size, channels, n_classes, width)
    initialise(net_g, generator(seed, "weights", "generator"))
    initialise(net_d, generator(seed, "weights", "critic"))
    net_g.to(device)
    net_d.to(device)
    ema = Ema(net_g, settings.ema_decay)
    optimizer_g, optimizer_d = (
        torch.optim.Adam(net.parameters(), lr=settings.lr, betas=(0.0, 0.99), eps=1e-8)
        for net in (net_g, net_d)
    )

    def step(i: int) -> dict[str, float]:
        phase, alpha = growth.at(i)
        if growth.begins(i):
            # Moments of gradients that the networks had before they grew; Karras's code drops them.
            for optimizer in (optimizer_g, optimizer_d):
                optimizer.state.clear()
        chosen = batch_positions(len(store), settings.batch, seed, i, "images")
        real = shrink(to_network(store.read(chosen), device), phase, alpha)
        classes = data.targets(chosen, device)
        rng = generator(seed, "noise", i)
        z = torch.randn(2, len(chosen), latent, generator=rng).to(device)
        share = torch.rand(len(chosen), 1, 1, 1, generator=rng).to(device)

        def score(x: Tensor) -> Tensor:
            return net_d(x, classes, phase, alpha)

        with torch.no_grad():
            fake = net_g(z[0], classes, phase, alpha)
        penalty = gradient_penalty(score, real, fake, share)
        loss_d = wasserstein_critic(score(real), score(fake))
        optimizer_d.zero_grad()
        (loss_d + settings.gradient_penalty * penalty).backward()
        optimizer_d.step()

        net_d.requires_grad_(False)
        loss_g = -score(net_g(z[1], classes, phase, alpha)).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        net_d.requires_grad_(True)
        ema.update()
        return {
            "critic": loss_d.item(),
            "penalty": penalty.item(),
            "generator": loss_g.item(),
            "resolution": real.shape[-1],
            "alpha": alpha,
        }

    state: dict[str, HasState] = {
        "generator": net_g,
        "critic": net_d,
        "ema": ema,
        "optimizer_g": optimizer_g,
        "optimizer_d": optimizer_d,
    }
    judge = judge_of(data, ema.module, net_d, latent=latent, batch=settings.batch, run=run)
    validation = Validation(ema.module, judge, growth.grown)
    history = run_steps(step, state=state, settings=settings, work=run.work, validation=validation)
    card = model_card(settings, data.classes, channels, size)
    card |= label_facts(data.labels, data.classes)
    card["validation"] = validation.facts(settings.steps)
    return Trained(validation.weights, card, history)
