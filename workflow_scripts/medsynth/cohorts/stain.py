"""Stain normalisation: every slide's colours are mapped to those of the typical training slide.

* Macenko et al. 2009, "A method for normalizing histology slides for quantitative analysis":
  optical density is a mixture of two stains; a slide's stain vectors and their 99th percentile
  concentrations are exchanged for the target's.
* Reinhard et al. 2001, "Color transfer between images", in CIELAB (D65): mean and standard
  deviation of each channel are exchanged for the target's. Glass would turn pink or blue along
  with the tissue; it is faded out of the change.

A slide's own colours are taken from all its tiles together: a tile of little tissue, or of one
stain, does not tell what the slide was stained with. Glass takes no part in these statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from skimage.color import lab2rgb, rgb2lab

LIGHT = 256  # what passes through nothing: density is -ln((I + 1) / 256), of I = 0 finite
GLASS_DENSITY = 0.15  # Macenko's beta; glass has less
ANGLE_PERCENTILE = 1  # Macenko's alpha: the extreme angles, but for 1 % of outliers
FULL_STAIN = 99  # percentile of concentration
LEAST_PIXELS = 1000  # of tissue, to tell a slide's colours from
MOST_PIXELS = 1_000_000  # of a slide, evenly spread, to take them from
LEAST_ANGLE = 0.1  # radians between the stains; H&E has 0.3 to 0.5, one stain with noise less

_DENSITY = -np.log(np.arange(1, 257) / LIGHT)  # of the 256 grey levels


class NoStain(ValueError):
    """The pixels do not tell how the slide was stained."""


@dataclass(frozen=True)
class Macenko:
    """Stains of one slide, or of the typical one.

    Attributes:
        vectors: (2, 3) optical density of hematoxylin and eosin in red, green, blue; unit length.
        concentrations: (2,) of the strongly stained pixels.
    """

    vectors: list[list[float]]
    concentrations: list[float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> Macenko:
        """From pixels (n, 3) uint8.

        Raises:
            NoStain: too few stained pixels, or fewer than two stains in them.
        """
        density = _DENSITY[_enough(pixels[_DENSITY[pixels].min(axis=1) >= GLASS_DENSITY])]
        plane = np.linalg.eigh(np.cov(density.T))[1][:, 1:]  # of the two largest eigenvalues
        angles = np.arctan2(density @ plane[:, 1], density @ plane[:, 0])
        ends = np.percentile(angles, [ANGLE_PERCENTILE, 100 - ANGLE_PERCENTILE])
        vectors = np.stack([np.cos(ends), np.sin(ends)], axis=1) @ plane.T
        vectors = vectors[np.argsort(-vectors[:, 0])]  # hematoxylin absorbs more red
        if np.ptp(ends) < LEAST_ANGLE or not (vectors.sum(axis=1) > 0).all():
            raise NoStain("fewer than two stains")
        concentrations = np.percentile(density @ np.linalg.pinv(vectors), FULL_STAIN, axis=0)
        if not (concentrations > 0).all():
            raise NoStain("fewer than two stains")
        return cls(vectors.tolist(), concentrations.tolist())

    @classmethod
    def typical(cls, slides: Sequence[Macenko]) -> Macenko:
        """The median of the slides."""
        vectors = np.median([slide.vectors for slide in slides], axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        concentrations = np.median([slide.concentrations for slide in slides], axis=0)
        return cls(vectors.tolist(), concentrations.tolist())

    def to(self, target: Macenko) -> Callable[[np.ndarray], np.ndarray]:
        """The map of images (..., 3) uint8 of this slide to the target's colours."""
        scale = np.divide(target.concentrations, self.concentrations)
        matrix = np.linalg.pinv(self.vectors) @ (scale[:, None] * np.array(target.vectors))

        def normalise(image: np.ndarray) -> np.ndarray:
            return _to_uint8(LIGHT * np.exp(-(_DENSITY[image] @ matrix)) - 1)

        return normalise


@dataclass(frozen=True)
class Reinhard:
    """Colours of one slide, or of the typical one: (3,) each, of L (0..100), a and b."""

    mean: list[float]
    std: list[float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> Reinhard:
        """From pixels (n, 3) uint8.

        Raises:
            NoStain: too few stained pixels, or all of one colour.
        """
        lab = rgb2lab(_enough(pixels[_DENSITY[pixels].max(axis=1) >= GLASS_DENSITY]))
        if not (lab.std(axis=0) > 0.1).all():
            raise NoStain("one colour only")
        return cls(lab.mean(axis=0).tolist(), lab.std(axis=0).tolist())

    @classmethod
    def typical(cls, slides: Sequence[Reinhard]) -> Reinhard:
        """The median of the slides."""
        mean = np.median([slide.mean for slide in slides], axis=0)
        return cls(mean.tolist(), np.median([slide.std for slide in slides], axis=0).tolist())

    def to(self, target: Reinhard) -> Callable[[np.ndarray], np.ndarray]:
        """The map of images (..., 3) uint8 of this slide to the target's colours."""
        gain = np.divide(target.std, self.std)

        def normalise(image: np.ndarray) -> np.ndarray:
            lab = (rgb2lab(image) - self.mean) * gain + target.mean
            lab[..., 0] = lab[..., 0].clip(0, 100)
            absorbed = _DENSITY[image].max(axis=-1, keepdims=True)
            tissue = (absorbed / GLASS_DENSITY).clip(0, 1)
            return _to_uint8(tissue * 255 * lab2rgb(lab) + (1 - tissue) * image)

        return normalise


METHODS = {"macenko": Macenko, "reinhard": Reinhard}


def some_pixels(images: np.ndarray) -> np.ndarray:
    """At most MOST_PIXELS pixels (n, 3) of images (..., 3), evenly spread."""
    pixels = images.reshape(-1, 3)
    return pixels[:: -(-len(pixels) // MOST_PIXELS)]


def as_json(method: str, target: Macenko | Reinhard) -> dict[str, Any]:
    """What :func:`from_json` reads."""
    return {"method": method, "target": asdict(target)}


def from_json(fit: dict[str, Any]) -> Macenko | Reinhard:
    """The target that was fitted."""
    return METHODS[fit["method"]](**fit["target"])


def _enough(stained: np.ndarray) -> np.ndarray:
    if len(stained) < LEAST_PIXELS:
        raise NoStain(f"{len(stained)} stained pixels")
    return stained


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
