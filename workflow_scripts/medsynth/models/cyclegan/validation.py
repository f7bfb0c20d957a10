"""How a CycleGAN is judged on validation slices: by its error in pairs, or by a kernel distance.

Its own losses do not tell: a cycle, and what a generator changes in its target domain, are perfect
where nothing is translated. Pairs of the same anatomy tell most. Where there are none, a distance
between translated and real slices is what is left (of unpaired translation: Park et al. 2020); the
choice is then a rough one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from medsynth.models.contract import TwoDomains
from medsynth.models.validation import Figures, Judge
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import batch_positions, numpy_rng
from medsynth.runtime.tensors import hu_to_network, to_uint8
from medsynth.store.shards import ImageStore

SPACE = 128  # training slices of each phase that the space of the distance is fitted to


def judge_of(
    data: TwoDomains,
    g: nn.Module,
    f: nn.Module,
    *,
    hu_range: tuple[int, int],
    batch: int,
    run: Run,
) -> Judge | None:
    """By the mean absolute error against the partner, HU, where there are pairs; else by KID.

    Both are means of the two directions. Beside them stand the losses of cycle and identity, which
    are 0 where nothing is translated.

    Args:
        g, f: A -> B and B -> A.
        hu_range: HU that become [-1, 1], in which slices are compared.
        batch: slices at once.
        run: its seed decides which training slices are compared.

    Returns:
        None where there are not two validation slices of each domain.
    """
    held_out, seed = data.validation, run.seed
    if not held_out or not data.probe:
        return None

    def slices(store: ImageStore, positions: np.ndarray) -> Tensor:
        return hu_to_network(store.read(positions), hu_range)

    def some(store: ImageStore, n: int) -> Tensor:
        n = min(n, len(store))
        return slices(store, batch_positions(len(store), n, seed, 0, "compared"))

    trained_on = [some(store, SPACE) for store in (data.images_a, data.images_b)]
    compare = data.probe(to_uint8(torch.cat(trained_on)))
    n = len(held_out.images_a)
    a, b = (slices(s, np.arange(n)) for s in (held_out.images_a, held_out.images_b))

    def distance(near_b: Tensor, near_a: Tensor) -> np.ndarray:
        of_b, of_a = (
            compare(to_uint8(real), to_uint8(made)) for real, made in ((b, near_b), (a, near_a))
        )
        return (of_b + of_a) / 2

    def errors(near_b: Tensor, near_a: Tensor) -> np.ndarray:
        of_a, of_b = held_out.pairs.T
        both = (near_b[of_a] - b[of_b]).abs() + (near_a[of_b] - a[of_a]).abs()
        hu = both.mean((1, 2, 3)).double() * (hu_range[1] - hu_range[0]) / 4
        return hu.numpy()

    def through(network: nn.Module, x: Tensor) -> Tensor:
        return torch.cat([network(part.to(run.device)).cpu() for part in x.split(batch)])

    @torch.inference_mode()
    def look() -> Figures:
        fake_b, fake_a = through(g, a), through(f, b)
        cycle = l1_loss(through(f, fake_b), a) + l1_loss(through(g, fake_a), b)
        identity = l1_loss(through(f, a), a) + l1_loss(through(g, b), b)
        beside = {"validate_cycle": cycle.item(), "validate_identity": identity.item()}
        distances = distance(fake_b, fake_a)
        if not len(held_out.pairs):
            return Figures(distances, beside)
        return Figures(errors(fake_b, fake_a), beside | {"validate_kid": float(distances.mean())})

    draw = numpy_rng(seed, "validate").random((2, *a.shape), np.float32)
    noise = torch.from_numpy(draw) * 2 - 1
    near_a, near_b = (images[:n] for images in trained_on)
    sides = {"untranslated": (a, b), "noise": (noise[0], noise[1])}
    if len(near_a) == len(near_b) == n:
        sides["training images"] = near_b, near_a
    distances = {name: float(distance(*s).mean()) for name, s in sides.items()}
    nothing = {"cycle and identity, untranslated": 0.0}
    patients = held_out.images_a.manifest["patient"].to_numpy(dtype=str)
    if not len(held_out.pairs):
        return Judge("kid", look, patients, distances | nothing)
    beaten = {"untranslated": float(errors(a, b).mean())}
    beaten |= {f"KID, {name}": value for name, value in distances.items()}
    figure = "mae_grey" if hu_range == (0, 255) else "mae_hu"
    return Judge(figure, look, patients[held_out.pairs[:, 0]], beaten | nothing)
