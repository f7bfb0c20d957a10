"""The space in which images are compared, fitted to training images without their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COMPONENTS = 16
_ITEMS_A_COMPONENT = 10
_SMALL = 1e-3  # of the usual spread: what varies less is taken to vary so much


@dataclass(frozen=True)
class FeatureSpace:
    """Principal components of standardised statistics, and what they leave out as one feature more.

    Components know the directions in which training images differ. What differs from all of them,
    as noise does, differs mostly in the others, so the size of the remainder is a feature itself
    (squared prediction error, Jackson and Mudholkar 1979; its log is compared). All features have
    mean 0 and variance 1 over the training images, so that none outweighs the others.
    """

    mean: np.ndarray  # (d,)
    spread: np.ndarray  # (d,)
    components: np.ndarray  # (d, c), each over the standard deviation of its scores
    directions: np.ndarray  # (d, c), orthonormal
    remainder: tuple[float, float]  # mean and standard deviation of its log

    @classmethod
    def fit(cls, statistics: np.ndarray) -> FeatureSpace:
        """From statistics (n, d) of training images, n >= 2.

        There are 16 components, fewer where ten images a component or variance are wanting.
        """
        mean, spread = statistics.mean(0), statistics.std(0)
        spread = np.maximum(spread, _SMALL * (np.median(spread) or 1))
        _, lengths, directions = np.linalg.svd((statistics - mean) / spread, full_matrices=False)
        varied = int((lengths > _SMALL * max(lengths[0], _SMALL)).sum())
        c = min(COMPONENTS, max(len(statistics) // _ITEMS_A_COMPONENT, 1), varied)
        directions = directions[:c].T
        scores = lengths[:c] / np.sqrt(len(statistics) - 1)
        found = cls(mean, spread, directions / scores, directions, (0.0, 1.0))
        sizes = found._log_remainder((statistics - mean) / spread)
        return cls(
            mean, spread, directions / scores, directions, (sizes.mean(), max(sizes.std(), _SMALL))
        )

    def __call__(self, statistics: np.ndarray) -> np.ndarray:
        """Features (n, c + 1) float64 of statistics (n, d)."""
        standard = (statistics - self.mean) / self.spread
        mean, spread = self.remainder
        rest = (self._log_remainder(standard) - mean) / spread
        return np.column_stack([standard @ self.components, rest])

    def _log_remainder(self, standard: np.ndarray) -> np.ndarray:
        left = standard - standard @ self.directions @ self.directions.T
        return np.log(np.sqrt((left**2).mean(1)) + _SMALL)
