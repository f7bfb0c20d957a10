"""Where a noisy image is to go to show its label more clearly."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medsynth.models.classifier.extraction import classifier_of
from medsynth.store.models import Model


class Guide:
    """The gradient of log p(label | x), x noisy (Dhariwal & Nichol 2021, Algorithm 2).

    Args:
        classifier: logits (n, k) of images and of how much of each, alpha_bar (n,), is left.
    """

    def __init__(self, classifier: nn.Module):
        self._classifier = classifier

    def __call__(self, x: Tensor, signal: float, labels: Tensor) -> Tensor:
        """The gradient at x (n, C, H, W), in its dtype.

        Args:
            signal: alpha_bar of the level.
            labels: (n,) class indices, or (n, k + d) rows of findings, which are judged each on its
                own, and of covariates, of which the classifier knows nothing.
        """
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            logits = self._classifier(x, torch.full((len(x),), signal, device=x.device))
            if labels.ndim == 1:
                likely = -F.cross_entropy(logits, labels, reduction="sum")
            else:
                findings = labels[:, : logits.shape[1]].to(logits.dtype)
                likely = -F.binary_cross_entropy_with_logits(logits, findings, reduction="sum")
            (gradient,) = torch.autograd.grad(likely, x)
        return gradient


def guide_of(model: Model, device: str | torch.device) -> Guide:
    """The guide that was trained."""
    return Guide(classifier_of(model.state, model.card, device).requires_grad_(False))
