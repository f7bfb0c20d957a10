"""When a ProGAN grows: its phases, counted in images (Karras et al. 2018, appendix A.1)."""

from __future__ import annotations

from typing import NamedTuple

from medsynth.models.progan.settings import ProganTraining


class Growth(NamedTuple):
    """The phases of a training, one a resolution.

    The first half of every phase but that at 4x4 fades its layers in; in the last, which may be
    long, it takes no longer than in the one before.

    Attributes:
        lengths: steps of each.
    """

    lengths: tuple[int, ...]

    @classmethod
    def of(cls, settings: ProganTraining, image_size: int) -> Growth:
        """The phases up to an image size.

        Raises:
            ValueError: the size is no power of two or below 8, or the steps end before it.
        """
        if misfit := settings.misfit(image_size):
            raise ValueError(misfit.why)
        lower = settings.lower_phases(image_size)
        return cls((*lower, settings.steps - sum(lower)))

    def at(self, step: int) -> tuple[int, float]:
        """Phase and alpha of a step, see :mod:`medsynth.models.progan.networks`."""
        phase = max(p for p in range(len(self.lengths)) if self._first_of(p) <= step)
        if phase == 0:
            return phase, 1.0
        return phase, min(1.0, (step - self._first_of(phase)) / self._fading(phase))

    def begins(self, step: int) -> bool:
        """Whether a phase begins with a step."""
        return step == self._first_of(self.at(step)[0])

    @property
    def grown(self) -> int:
        """Steps before the first at which both networks are grown and the last layers faded in."""
        last = len(self.lengths) - 1
        return self._first_of(last) + self._fading(last)

    def _first_of(self, phase: int) -> int:
        return sum(self.lengths[:phase])

    def _fading(self, phase: int) -> int:
        length = self.lengths[phase]
        if phase == len(self.lengths) - 1:
            length = min(length, self.lengths[phase - 1])
        return max(length // 2, 1)
