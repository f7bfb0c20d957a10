"""What each modality adds to a prediction: exact Shapley values (Shapley 1953).

With M modalities there are 2^M coalitions, few enough to ask for all: those outside a coalition are
hidden from the model as if the patient lacked them.
"""

from __future__ import annotations

from itertools import product
from math import factorial

import numpy as np


def coalitions(modalities: int) -> np.ndarray:
    """All subsets (2^M, M) of bool; row 0 is the empty one, the last all of them."""
    return np.array(list(product([False, True], repeat=modalities)), dtype=bool)


def shapley_values(worth: np.ndarray) -> np.ndarray:
    """The mean, over all orders of arrival, of what each modality adds when it comes.

    Args:
        worth: (2^M, ...), what each of :func:`coalitions` predicts.

    Returns:
        (M, ...); their sum is ``worth[-1] - worth[0]``.

    Raises:
        ValueError: not as many rows as coalitions of a whole number of modalities.
    """
    modalities = len(worth).bit_length() - 1
    if len(worth) != 2**modalities:
        raise ValueError(f"{len(worth)} predictions are not those of all coalitions, a power of 2")
    members = coalitions(modalities)
    sizes = members.sum(1)
    found = np.zeros((modalities, *worth.shape[1:]))
    for one in range(modalities):
        without = np.flatnonzero(~members[:, one])
        joined = without + 2 ** (modalities - 1 - one)  # the same coalition with this one
        for a, b in zip(without, joined, strict=True):
            k = sizes[a]
            share = factorial(k) * factorial(modalities - k - 1) / factorial(modalities)
            found[one] += share * (worth[b] - worth[a])
    return found
