"""What a translated image is measured by, pair after pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from skimage.metrics import structural_similarity

from medsynth.imaging.ct.body import body_mask
from medsynth.metrics.baselines import DO_NOTHING, MEAN_SHIFT

ENHANCED_HU = 20.0  # what contrast medium changes less than this could be noise
SHOWN = 0.1  # of [0, 1]: 8-bit images of a part of the body are darker beside it
SSIM_WINDOW = 11  # pixels, the support scikit-image gives the sigma of Wang et al. 2004
_SSIM_SIGMA = 1.5  # pixels


class Case(NamedTuple):
    """An image that was translated, each array (H, W, 1).

    Attributes:
        source: what was translated.
        translated: the model's output.
        target: the same place in the other domain.
        regions: masks (H, W) bool in which the error is measured apart, by name.
        shift: what to add to the source in place of a translation; None where there is none.
    """

    source: np.ndarray
    translated: np.ndarray
    target: np.ndarray
    regions: Mapping[str, np.ndarray] = {}
    shift: float | None = None


def mae(image: np.ndarray, target: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute error inside the mask."""
    return float(np.abs(image - target)[mask].mean())


def psnr_db(image: np.ndarray, target: np.ndarray, mask: np.ndarray, span: float) -> float:
    """10 log10(span^2 / MSE) inside the mask; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(span**2 / ((image - target)[mask] ** 2).mean()))


def ssim(image: np.ndarray, target: np.ndarray, mask: np.ndarray, span: float) -> float:
    """Structural similarity (Wang et al. 2004, Gaussian window), its map averaged in the mask.

    Images must be at least 11 pixels on a side.
    """
    _, similarity = structural_similarity(
        image,
        target,
        data_range=span,
        gaussian_weights=True,
        sigma=_SSIM_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return float(similarity[mask].mean())


def content_of(image: np.ndarray) -> np.ndarray:
    """Where an image (H, W, 1) shows something: the body of CT in HU, (H, W) bool.

    Of 8-bit images what is brighter than a tenth of the range.
    """
    if image.dtype == np.uint8:
        return np.asarray(image[..., 0] > SHOWN * 255)
    return body_mask(image[..., 0])


def regions_of(
    source: np.ndarray, target: np.ndarray, mask: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What is measured apart in a registered pair (H, W, 1): a mask of its own, or of CT what
    contrast medium changes by at least 20 HU; and everything else of the target's content."""
    if mask is not None:
        inside, name = mask[..., 0] > 0, "mask"
    elif source.dtype == np.uint8:
        return {}
    else:
        inside = np.abs(target[..., 0].astype(np.float64) - source[..., 0]) >= ENHANCED_HU
        name = "enhanced"
    content = content_of(target)
    return {name: content & inside, "elsewhere": content & ~inside}


def mean_of(images: Iterable[np.ndarray]) -> float:
    """Mean value of all that the images (H, W, 1) show."""
    values = [image[..., 0][content_of(image)].astype(np.float64) for image in images]
    return float(np.concatenate(values).mean())


def measure_pairs(
    cases: Iterable[tuple[Any, ...]], hu_range: tuple[int, int] = (0, 255)
) -> pd.DataFrame:
    """MAE, PSNR and SSIM of each pair, of the translation and of doing nothing, pair after pair.

    All images are first cut to `hu_range`, the only values a model can give back, and measured
    where the target shows something, see :func:`content_of`; of 8-bit images in parts of it.

    Args:
        cases: a :class:`Case` each, or as many of its fields in their order.
        hu_range: lowest and highest value of the model; their span is the data range.

    Returns:
        One row a pair. ``mae_hu`` (of 8-bit images ``mae``, of [0, 1]), ``psnr_db``, ``ssim``
        (translated against target), the error in every region (``mae_hu_enhanced``), and the same
        names with ``_do_nothing`` (source against target), those of errors also with
        ``_mean_shift`` (source and shift); ``body`` is False, and all are NaN, where the target
        shows nothing, and a region's where it is empty. SSIM is NaN where images are smaller than
        its window.

    Raises:
        ValueError: the three differ in shape.
    """
    rows, error = [], "mae_hu"
    for case in (Case(*each) for each in cases):
        source, translated, target = case[:3]
        if not source.shape == translated.shape == target.shape:
            raise ValueError(
                f"source {source.shape}, translated {translated.shape} and target {target.shape}"
                " must have the same shape"
            )
        unit = 1.0
        if target.dtype == np.uint8:
            error, unit = "mae", float(hu_range[1] - hu_range[0])
        body = content_of(target)
        row: dict[str, Any] = {"body": body.any()}
        before, after, goal = (_cut(x, hu_range) / unit for x in (source, translated, target))
        outputs = {"": after, DO_NOTHING: before}
        span = (hu_range[1] - hu_range[0]) / unit
        if row["body"]:
            for name, measure in _whole(error, span, target.shape).items():
                row |= {name + of: measure(image, goal, body) for of, image in outputs.items()}
        if case.shift is not None:
            outputs[MEAN_SHIFT] = _cut(source + case.shift, hu_range) / unit
        for name, region in {"": body, **case.regions}.items():
            inside = region & body
            if inside.any():
                named = f"{error}_{name}" if name else error
                row |= {named + of: mae(image, goal, inside) for of, image in outputs.items()}
        rows.append(row)
    least = [n + of for n in (error, "psnr_db", "ssim") for of in ("", DO_NOTHING)]
    columns = dict.fromkeys(["body", *least, *(name for row in rows for name in row)])
    return pd.DataFrame(rows, columns=[*columns]).astype(
        {"body": bool} | dict.fromkeys([*columns][1:], float)
    )


def _whole(error: str, span: float, shape: tuple[int, ...]) -> dict[str, Callable[..., float]]:
    """What an image is measured by as a whole."""
    found: dict[str, Callable[..., float]] = {error: mae, "psnr_db": partial(psnr_db, span=span)}
    return found if min(shape[:2]) < SSIM_WINDOW else found | {"ssim": partial(ssim, span=span)}


def _cut(image: np.ndarray, hu_range: tuple[int, int]) -> np.ndarray:
    return np.clip(image[..., 0].astype(np.float64), *hu_range)
