"""Training of a captioner, and the card that lets sampling rebuild it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from medsynth.models.captioner.network import build
from medsynth.models.captioner.settings import CaptionerTraining
from medsynth.models.contract import DescribedImages, Trained
from medsynth.models.validation import Figures, Judge, Validation
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.tensors import to_network
from medsynth.text.tokenizer import PAD, Tokenizer

SETTINGS = CaptionerTraining
MAX_GRADIENT_NORM = 1.0


def token_losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross-entropy in nats of every token but the first, (n, m - 1); 0 of padding.

    Args:
        logits: of the token after each, (n, m - 1, vocabulary).
        tokens: (n, m).
    """
    return functional.cross_entropy(
        logits.transpose(1, 2).float(), tokens[:, 1:], ignore_index=PAD, reduction="none"
    )


def without_end(tokens: np.ndarray) -> np.ndarray:
    """The columns that not only padding stands in."""
    return tokens[:, : max(1, int((tokens != PAD).any(0).sum()))]


def frequency_loss(training: np.ndarray, held_out: np.ndarray, size: int) -> float:
    """Mean over texts of the cross-entropy of their tokens, guessed by how often training has them.

    Args:
        training, held_out: tokens (n, m) and (k, m).
        size: of the vocabulary; each token is counted once more, so that none is impossible.
    """
    counts = np.bincount(training[:, 1:].ravel(), minlength=size) + 1.0
    counts[PAD] = 0
    with np.errstate(divide="ignore"):
        nats = -np.log(counts / counts.sum())
    each = [nats[row[row != PAD]].mean() for row in held_out[:, 1:]]
    return float(np.mean(each))


def train(data: DescribedImages, settings: CaptionerTraining, run: TrainingRun) -> Trained:
    """Teach the network the texts of the images, each token from those before it.

    The step is kept at which the texts of validation images are likeliest. Images are not
    mirrored: left and right mean something in a report. A run that finds a checkpoint in its work
    folder goes on there and, on the CPU, ends with the same weights bit for bit.

    Returns:
        Weights and a history of loss (nats a token), gradient_norm, validate_cross_entropy and
        train_cross_entropy (nats a token, the mean of texts).

    Raises:
        ValueError: there is nothing to train on.
    """
    store, seed, device = data.images, run.seed, torch.device(run.device)
    tokenizer = Tokenizer(data.tokenizer)
    first = batch_positions(len(store), 1, seed, 0)
    image_size, image_channels = store.read(first).shape[2:]
    card = {
        "family": "captioner",
        "settings": settings.model_dump(mode="json"),
        "image_channels": image_channels,
        "image_size": image_size,
        "tokenizer": data.tokenizer,
    }
    torch.manual_seed(generator(seed, "weights").initial_seed())
    model = build(card, tokenizer.size, tokenizer.longest).to(device)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=settings.lr)

    def losses(of: DescribedImages, positions: np.ndarray) -> tuple[Tensor, Tensor]:
        """Of each text the sum over its tokens, and how many these are."""
        images = to_network(of.images.read(positions), device)
        tokens = torch.from_numpy(without_end(of.tokens[positions])).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = model(images, tokens[:, :-1])
        return token_losses(logits, tokens).sum(1), (tokens[:, 1:] != PAD).sum(1)

    def step(i: int) -> dict[str, float]:
        positions = batch_positions(len(store), settings.batch, seed, i)
        torch.manual_seed(generator(seed, "dropout", i).initial_seed())
        model.train()
        sums, counts = losses(data, positions)
        loss = sums.sum() / counts.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
        optimizer.step()
        return {"loss": loss.item(), "gradient_norm": norm.item()}

    @torch.no_grad()
    def of_texts(of: DescribedImages, positions: np.ndarray) -> np.ndarray:
        model.eval()
        values = []
        for at in range(0, len(positions), settings.batch):
            sums, counts = losses(of, positions[at : at + settings.batch])
            values.append((sums.double() / counts).cpu().numpy())
        return np.concatenate(values)

    held_out = data.validation

    def look() -> Figures:
        assert held_out
        values = of_texts(held_out, np.arange(len(held_out.images)))
        of_trained = of_texts(data, data.compared(seed))
        return Figures(values, {"train_cross_entropy": float(of_trained.mean())})

    judge = None
    if held_out:
        guessed = frequency_loss(data.tokens, held_out.tokens, tokenizer.size)
        judge = Judge("cross_entropy", look, held_out.patients, {"tokens by frequency": guessed})
    validation = Validation(model, judge)
    state: dict[str, HasState] = {"model": model, "optimizer": optimizer}
    history = run_steps(step, state=state, settings=settings, work=run.work, validation=validation)
    card["validation"] = validation.facts(settings.steps)
    return Trained(validation.weights, card, history)
