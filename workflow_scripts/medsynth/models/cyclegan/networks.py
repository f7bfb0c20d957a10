"""The networks of a CycleGAN (Zhu et al. 2017) with a third discriminator, and a step of training.

G translates A (without contrast medium) to B (with it), F translates B to A. D_A and D_B judge
single images, D_C judges whether an A and a B belong together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from medsynth.models.cyclegan.discriminators import PatchDiscriminator, joined
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.image_pool import ImagePool
from medsynth.models.cyclegan.losses import least_squares_discriminator, least_squares_generator
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.seeding import generator


@contextmanager
def _frozen(networks: nn.ModuleDict) -> Iterator[None]:
    """Gradients flow through the networks but not into their weights."""
    networks.requires_grad_(False)
    try:
        yield
    finally:
        networks.requires_grad_(True)


class CycleGan:
    """The networks, optimizers and pools of one training.

    Args:
        image_shape: (C, H, W).
        paired: whether there is a D_C.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        settings: CycleganTraining,
        *,
        paired: bool,
        seed: int,
        device: str | torch.device,
    ):
        channels, size = image_shape[0], max(image_shape[1:])
        self.settings = settings
        self.g, self.f = (
            ResidualUNet(channels, settings.channels, settings.depth)
            .initialise(generator(seed, "weights", name))
            .to(device)
            for name in ("G", "F")
        )
        seen = {"D_A": channels, "D_B": channels} | ({"D_C": 2 * channels} if paired else {})
        self.discriminators = nn.ModuleDict(
            {
                name: PatchDiscriminator(n, settings.channels, size).initialise(
                    generator(seed, "weights", name)
                )
                for name, n in seen.items()
            }
        ).to(device)
        self.pools = {name: ImagePool(settings.pool) for name in seen}
        betas = (0.5, 0.999)  # Zhu et al. 2017
        translators = [*self.g.parameters(), *self.f.parameters()]
        self.optimizer = torch.optim.Adam(translators, settings.lr, betas)
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminators.parameters(), settings.lr, betas
        )

    def state(self) -> dict[str, HasState]:
        """Everything that changes between steps."""
        return {
            "G": self.g,
            "F": self.f,
            "discriminators": self.discriminators,
            "optimizer": self.optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            **{f"pool_{name}": pool for name, pool in self.pools.items()},
        }

    def set_lr(self, lr: float) -> None:
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = lr

    def improve_generators(self, a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """One optimizer step of G and F.

        Returns:
            The losses without their weights, G(a) and F(b).
        """
        weights, n, m = self.settings, len(a), len(b)
        fake_b, same_b = self.g(torch.cat([a, b])).split([n, m])
        fake_a, same_a = self.f(torch.cat([b, a])).split([m, n])
        losses = {
            "cycle": functional.l1_loss(self.f(fake_b), a) + functional.l1_loss(self.g(fake_a), b),
            "identity": functional.l1_loss(same_a, a) + functional.l1_loss(same_b, b),
        }
        with _frozen(self.discriminators):
            losses["G_adv"] = least_squares_generator(self.discriminators["D_B"](fake_b))
            losses["F_adv"] = least_squares_generator(self.discriminators["D_A"](fake_a))
            if "D_C" in self.discriminators:
                discriminator = self.discriminators["D_C"]
                losses["G_pair"] = least_squares_generator(discriminator(joined(a, fake_b)))
                losses["F_pair"] = least_squares_generator(discriminator(joined(fake_a, b)))
        scale = {
            "cycle": weights.cycle_weight,
            "identity": weights.identity_weight,
            "G_pair": weights.pair_weight,
            "F_pair": weights.pair_weight,
        }
        self.optimizer.zero_grad()
        weighted = (scale.get(name, 1.0) * loss for name, loss in losses.items())
        sum(weighted, start=torch.tensor(0.0)).backward()
        self.optimizer.step()
        return losses, fake_b.detach(), fake_a.detach()

    def improve_discriminators(
        self, real: dict[str, Tensor], fake: dict[str, Tensor], rng: torch.Generator
    ) -> dict[str, Tensor]:
        """One optimizer step of the discriminators, on pooled generated images."""
        losses = {
            name: least_squares_discriminator(
                discriminator(real[name]), discriminator(self.pools[name].exchange(fake[name], rng))
            )
            for name, discriminator in self.discriminators.items()
        }
        self.discriminator_optimizer.zero_grad()
        sum(losses.values(), start=torch.tensor(0.0)).backward()
        self.discriminator_optimizer.step()
        return losses

    def step(
        self, a: Tensor, b: Tensor, pair: tuple[Tensor, Tensor] | None, rng: torch.Generator
    ) -> dict[str, float]:
        """One step of all networks on (N, C, H, W) in [-1, 1]; `pair` are true pairs for D_C."""
        losses, fake_b, fake_a = self.improve_generators(a, b)
        real, fake = {"D_A": a, "D_B": b}, {"D_A": fake_a, "D_B": fake_b}
        if pair is not None:
            real["D_C"] = joined(*pair)
            fake["D_C"] = torch.cat([joined(a, fake_b), joined(fake_a, b)])
        losses |= self.improve_discriminators(real, fake, rng)
        return {name: loss.item() for name, loss in losses.items()}
