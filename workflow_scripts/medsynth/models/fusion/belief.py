"""How much each modality is to be believed, from patients whom its network has not learned from.

Stacking (Wolpert 1992): a network that knows its training patients by heart is sure of them, and
would be believed most; of others it is wrong. As there are few others, the weights are held near 1,
where all are believed alike, by a normal prior of that mean and of variance 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor


def fit_belief(loss_of: Callable[[Tensor], Tensor], modalities: int) -> Tensor:
    """Weights (modalities,) that minimise the patients' loss and the prior's.

    Args:
        loss_of: of weights, float64 with a gradient, the sum of the patients' losses.
    """

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        total = loss_of(w) + ((w - 1) ** 2).sum() / 2
        (slope,) = torch.autograd.grad(total, w)
        return float(total.detach()), slope.numpy()

    start = np.ones(modalities)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * modalities)
    return torch.from_numpy(found.x).float()
