"""What a prediction costs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Of each patient, (n,)."""
    return F.cross_entropy(logits, labels, reduction="none")


def cox_losses(log_risk: Tensor, months: Tensor, event: Tensor) -> Tensor:
    """Each patient's part (n,) of minus Cox's log partial likelihood, with Breslow's ties.

    Of an event, the log of how much riskier all are who were still at risk (Cox 1972; Breslow
    1974); of a censored patient 0.

    Args:
        log_risk: (n,).
        months: (n,).
        event: (n,) bool.
    """
    at_risk = months[None, :] >= months[:, None]
    of_all = log_risk[None, :].expand(len(months), -1).masked_fill(~at_risk, -torch.inf)
    return torch.where(event, of_all.logsumexp(1) - log_risk, torch.zeros_like(log_risk))
