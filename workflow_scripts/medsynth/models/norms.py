"""Group normalisation, the one norm of all networks: it does not depend on the rest of a batch."""

from __future__ import annotations

import math

from torch import nn


def group_norm(channels: int, most: int = 8) -> nn.GroupNorm:
    """Wu & He 2018, in groups of at least 4 channels: one of a single channel would erase its mean.

    Args:
        channels: of the input; fewer than 8 make one group.
        most: groups.
    """
    return nn.GroupNorm(math.gcd(most, max(channels // 4, 1)), channels)
