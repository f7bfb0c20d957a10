"""Stain normalisation: every slide's colours are mapped to those of the typical training slide.

* Macenko et al. 2009, "A method for normalizing histology slides for quantitative analysis":
  optical density is a mixture of two stains; a slide's stain vectors and their 99th percentile
  concentrations are exchanged for the target's.
* Reinhard et al. 2001, "Color transfer between images", in CIELAB (D65): mean and standard
  deviation of each channel are exchanged for the target's. Glass and lumens would turn pink or blue
  along with the tissue; they are faded out of the change.

A slide's own colours are taken from all its tiles together: a tile of little tissue, or of one
stain, does not tell what the slide was stained with. Glass takes no part in these statistics.

Both methods take for granted that hematoxylin and eosin are there. Of one stain alone Macenko's
extreme angles are two edges of its noise, and Reinhard's mean is no mean of a stained slide: pink
would turn violet. Such slides are told by how much red their extreme stains absorb for the green,
which hematoxylin does twice as much as eosin, and are refused (:class:`NoStain`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from medsynth.store.errors import MedsynthError

LIGHT = 256  # what passes through nothing: density is -ln((I + 1) / 256), of I = 0 finite
GLASS_DENSITY = 0.15  # Macenko's beta; glass has less
LEAST_GREEN = 0.25  # of stained pixels, both stains absorb green most
ANGLE_PERCENTILE = 1  # Macenko's alpha: the extreme angles, but for 1 % of outliers
FULL_STAIN = 99  # percentile of concentration
LEAST_PIXELS = 1000  # of tissue, to tell a slide's colours from
MOST_PIXELS = 1_000_000  # of a slide, evenly spread, to take them from
LEAST_ANGLE = 0.1  # radians between the stains; H&E has 0.3 to 0.5, one stain with noise less
# Optical density of red, or blue, to that of green. Hematoxylin in red: 0.60 to 1.07 on slides of
# nine TCGA projects, 0.5 to 1.44 on LC25000; eosin 0.16 to 0.46, up to 0.7 where it is mixed.
LEAST_HEMATOXYLIN, MOST_HEMATOXYLIN, MOST_EOSIN = 0.5, 1.5, 0.6
MOST_BLUE = 0.85  # of hematoxylin, 0.42 to 0.73; ink and pigment are black
MOST_EOSIN_BLUE = 1.0  # eosin has 0.06 to 0.54, with blood 0.85; pigment and brown stains more
# Macenko's beta leaves out what is pale in one colour. If that is much and has less red than the
# stain found for eosin, the eosin is there and not in it. On the slides above: at most 0.07.
PALE_SHARE, PALE_RED = 0.3, 0.12
# Lumens are bright and colourless: what Reinhard changes grows from none to all between these
# densities, of the colour absorbed most ...
FADE = (0.08, GLASS_DENSITY)
# ... and, unless that is beyond the last, of green beyond the colour absorbed least.
COLOUR_FADE, SURELY_TISSUE = (0.04, 0.08), (0.25, 0.5)

UNFIT = {
    "little_stain": "too few stained pixels",
    "one_colour": "the stained pixels have one colour",
    "no_hematoxylin": "eosin, blood or necrosis without nuclei",
    "no_eosin": "hematoxylin alone",
    "pale_eosin": "the eosin is too pale to be measured",
    "not_he": "pen, pigment or another stain",
}

_DENSITY = -np.log(np.arange(1, 257) / LIGHT)  # of the 256 grey levels


class NoStain(MedsynthError):
    """The pixels do not tell how the slide was stained.

    Attributes:
        reason: a key of :data:`UNFIT`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(UNFIT[reason])
        self.reason = reason


@dataclass(frozen=True)
class Colours(ABC):
    """The colours of a slide, as one method of normalisation describes them."""

    @classmethod
    @abstractmethod
    def of(cls, pixels: np.ndarray) -> Self: ...

    @classmethod
    @abstractmethod
    def typical(cls, slides: Sequence[Self]) -> Self: ...

    @abstractmethod
    def to(self, target: Self) -> Callable[[np.ndarray], np.ndarray]: ...


@dataclass(frozen=True)
class Macenko(Colours):
    """Stains of one slide, or of the typical one.

    Attributes:
        vectors: (2, 3) optical density of hematoxylin and eosin in red, green, blue; unit length.
        concentrations: (2,) of the strongly stained pixels.
    """

    vectors: list[list[float]]
    concentrations: list[float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> Self:
        """From pixels (n, 3) uint8.

        Raises:
            NoStain: they do not show hematoxylin and eosin.
        """
        density = _DENSITY[pixels]
        try:
            return cls._of(density, density.min(axis=1) >= GLASS_DENSITY)
        except NoStain:
            # bright pink absorbs so little red that the above leaves it out
            return cls._of(density, density[:, 1] >= LEAST_GREEN)

    @classmethod
    def _of(cls, density: np.ndarray, measured: np.ndarray) -> Self:
        """From the optical densities (n, 3) of the pixels, those that are `measured` (n,)."""
        pale = density[~measured & (density[:, 1] >= GLASS_DENSITY)]
        density = _enough(density[measured])
        plane = np.linalg.eigh(np.cov(density.T))[1][:, 1:]  # of the two largest eigenvalues
        angles = np.arctan2(density @ plane[:, 1], density @ plane[:, 0])
        ends = np.percentile(angles, [ANGLE_PERCENTILE, 100 - ANGLE_PERCENTILE])
        vectors = np.stack([np.cos(ends), np.sin(ends)], axis=1) @ plane.T
        vectors = vectors[np.argsort(-vectors[:, 0])]  # hematoxylin absorbs more red
        if np.ptp(ends) < LEAST_ANGLE or not (vectors.sum(axis=1) > 0).all():
            raise NoStain("one_colour")
        _check(vectors, pale, len(density))
        concentrations = np.percentile(density @ np.linalg.pinv(vectors), FULL_STAIN, axis=0)
        if not (concentrations > 0).all():
            raise NoStain("one_colour")
        return cls(vectors.tolist(), concentrations.tolist())

    @classmethod
    def typical(cls, slides: Sequence[Self]) -> Self:
        """The median of the slides."""
        vectors = np.median([slide.vectors for slide in slides], axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        concentrations = np.median([slide.concentrations for slide in slides], axis=0)
        return cls(vectors.tolist(), concentrations.tolist())

    def to(self, target: Self) -> Callable[[np.ndarray], np.ndarray]:
        """The map of images (..., 3) uint8 of this slide to the target's colours."""
        scale = np.divide(target.concentrations, self.concentrations)
        matrix = np.linalg.pinv(self.vectors) @ (scale[:, None] * np.array(target.vectors))

        def normalise(image: np.ndarray) -> np.ndarray:
            return _to_uint8(LIGHT * np.exp(-(_DENSITY[image] @ matrix)) - 1)

        return normalise


@dataclass(frozen=True)
class Reinhard(Colours):
    """Colours of one slide, or of the typical one: (3,) each, of L (0..100), a and b."""

    mean: list[float]
    std: list[float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> Self:
        """From pixels (n, 3) uint8.

        Raises:
            NoStain: they do not show hematoxylin and eosin.
        """
        Macenko.of(pixels)
        lab = rgb2lab(_enough(pixels[_DENSITY[pixels].max(axis=1) >= GLASS_DENSITY]))
        return cls(lab.mean(axis=0).tolist(), lab.std(axis=0).tolist())

    @classmethod
    def typical(cls, slides: Sequence[Self]) -> Self:
        """The median of the slides."""
        mean = np.median([slide.mean for slide in slides], axis=0)
        return cls(mean.tolist(), np.median([slide.std for slide in slides], axis=0).tolist())

    def to(self, target: Self) -> Callable[[np.ndarray], np.ndarray]:
        """The map of images (..., 3) uint8 of this slide to the target's colours."""
        gain = np.divide(target.std, self.std)

        def normalise(image: np.ndarray) -> np.ndarray:
            lab = (rgb2lab(image) - self.mean) * gain + target.mean
            lab[..., 0] = lab[..., 0].clip(0, 100)
            tissue = _tissue(_DENSITY[image])[..., None]
            return _to_uint8(tissue * 255 * lab2rgb(lab) + (1 - tissue) * image)

        return normalise


METHODS: dict[str, type[Colours]] = {"macenko": Macenko, "reinhard": Reinhard}


def some_pixels(images: np.ndarray) -> np.ndarray:
    """At most MOST_PIXELS pixels (n, 3) of images (..., 3), evenly spread."""
    pixels = images.reshape(-1, 3)
    return pixels[:: -(-len(pixels) // MOST_PIXELS)]


def as_json(method: str, target: Colours) -> dict[str, Any]:
    """What :func:`from_json` reads."""
    return {"method": method, "target": asdict(target)}


def from_json(fit: dict[str, Any]) -> Colours:
    """The target that was fitted."""
    return METHODS[fit["method"]](**fit["target"])


def _enough(stained: np.ndarray) -> np.ndarray:
    if len(stained) < LEAST_PIXELS:
        raise NoStain("little_stain")
    return stained


def _check(vectors: np.ndarray, pale: np.ndarray, measured: int) -> None:
    """Refuse what is not hematoxylin (2, 3) and eosin; `pale` (n, 3) stood beside `measured`."""
    if not (vectors[:, 1] > 0).all():
        raise NoStain("not_he")
    (hematoxylin, blue), (eosin, eosin_blue) = vectors[:, [0, 2]] / vectors[:, 1:2]
    if hematoxylin < LEAST_HEMATOXYLIN:
        raise NoStain("no_hematoxylin")
    if hematoxylin > MOST_HEMATOXYLIN or blue > MOST_BLUE or eosin_blue > MOST_EOSIN_BLUE:
        raise NoStain("not_he")
    if len(pale) > PALE_SHARE * (len(pale) + measured):
        red, green, _ = pale.sum(axis=0)
        if eosin - red / green > PALE_RED:
            raise NoStain("pale_eosin")
    if eosin > MOST_EOSIN:
        raise NoStain("no_eosin")


def _tissue(density: np.ndarray) -> np.ndarray:
    """How much of each pixel (..., 3) is tissue, 0 to 1."""
    most = density.max(axis=-1)
    coloured = _ramp(density[..., 1] - density.min(axis=-1), COLOUR_FADE)
    return _ramp(most, FADE) * np.maximum(coloured, _ramp(most, SURELY_TISSUE))


def _ramp(values: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    low, high = between
    return ((values - low) / (high - low)).clip(0, 1)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
