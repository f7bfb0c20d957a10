"""Describing images with a trained captioner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from medsynth.models.captioner.network import Captioner, build
from medsynth.models.captioner.settings import CaptionerSampling
from medsynth.runtime.run import Run
from medsynth.runtime.tensors import to_network
from medsynth.store.models import Model
from medsynth.text.tokenizer import END, PAD, START, Tokenizer

SETTINGS = CaptionerSampling


@torch.inference_mode()
def generate(
    model: Model, request: Iterable[np.ndarray], settings: CaptionerSampling, run: Run
) -> Iterator[np.ndarray]:
    """The tokens of a text for every image, (B, longest) int64: always the likeliest next one.

    Nothing is drawn: the texts are a function of model and images. One that reaches the longest
    length has no end.

    Args:
        request: batches (B, H, W, C) uint8.
    """
    card = model.card
    tokenizer = Tokenizer(card["tokenizer"])
    network = build(card, tokenizer.size, tokenizer.longest)
    network.load_state_dict(model.state)
    network.to(run.device).eval()
    for images in request:
        yield _described(network, images, tokenizer.longest, settings.no_repeat, run)


def repeated(tokens: torch.Tensor, length: int) -> list[list[int]]:
    """For each row of (n, m) the tokens with which its end would be a run that it has already.

    Args:
        length: tokens of a run; 0 asks for none.
    """
    found = []
    for row in tokens.tolist():
        end = row[len(row) - length + 1 :]
        starts = range(len(row) - length + 1) if length else ()
        found.append([row[i + length - 1] for i in starts if row[i : i + length - 1] == end])
    return found


def _described(
    network: Captioner, images: np.ndarray, longest: int, run_length: int, run: Run
) -> np.ndarray:
    seen = network.encoder(to_network(images, run.device))
    tokens = torch.full((len(images), longest), PAD, device=run.device)
    tokens[:, 0] = START
    ended = torch.zeros(len(images), dtype=torch.bool, device=run.device)
    for at in range(1, longest):
        logits = network.next_tokens(seen, tokens[:, :at])[:, -1]
        logits[:, [PAD, START]] = -torch.inf
        for row, again in zip(logits, repeated(tokens[:, :at], run_length), strict=True):
            row[again] = -torch.inf
        tokens[:, at] = torch.where(ended, PAD, logits.argmax(1))
        ended |= tokens[:, at] == END
        if ended.all():
            break
    return tokens.cpu().numpy()
