"""PNG, JPEG and TIFF files as grey levels or colours of 8 bits, with nothing made up."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from medsynth.imaging.damage import check_jpeg, check_png, check_tiff
from medsynth.imaging.pixels import check_size
from medsynth.store.quarantine import UnusableImage, unusable_as

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
MAGIC = {
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8\xff",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
BITS, COMPRESSION, PHOTOMETRIC, PLANAR, SAMPLE_FORMAT = 258, 259, 262, 284, 339  # of TIFF 6.0
WHITE_IS_ZERO, UNSIGNED, SEPARATE = 0, 1, 2
COLOURS = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX"}  # and levels of 8 bits
FULL = {"L;2": 85, "L;4": 17}  # of Pillow: a level of 2 or 4 bits, as one of 8
OTHER_TIFF = (
    "a damaged TIFF, or one of a form that is not read: unsigned levels of 32 or 64 bits, real"
    " numbers of 16 or 64, 16 bits beside alpha or compressed where 0 is white, big-endian BigTIFF;"
    " save it as grey or colours of 8 or 16 bits"
)
LEAST_FILLED = 0.25  # of the range of 16 bits: 14 bits in them have less, and would be dark


def is_picture(data: bytes) -> bool:
    return any(data.startswith(magic) for magic in MAGIC.values())


def read_picture(data: bytes, window: tuple[float, float] | None = None) -> np.ndarray:
    """Read one image, turned as its Exif orientation says.

    An alpha channel without transparency is dropped. Palettes become colours, 1 bit 0 and 255.
    Colours of 16 bits keep the upper 8. Profiles and gamma are not applied.

    Args:
        data: of the file.
        window: values that become black and white, of grey images of more than 8 bits; None: the
            range of their bits.

    Returns:
        uint8 (H, W) or (H, W, 3).

    Raises:
        UnusableImage: cannot_decode, truncated, absurd_size, multi_frame, transparent,
            colour_space, bit_depth, needs_window (32 bits or real numbers; or 16 bits that fill
            less than a quarter of their range), eight_bits (or colours, beside a window),
            not_finite.
    """
    with _opened(data) as (image, bits, inverted):
        if bits == 8 or image.mode in COLOURS:
            if window:
                raise UnusableImage("eight_bits")
            picture = _eight_bits(image)
            if bits > 8 and picture.max() < LEAST_FILLED * 255:
                raise UnusableImage("bit_depth", "colours that fill less than a quarter of 16 bits")
            return picture
        if image.info.get("transparency") is not None:
            raise UnusableImage("transparent", "a transparent grey level")
        values = np.asarray(image)
        grey = scaled(values, window, (0, 2**bits - 1) if bits <= 16 else None)
        return 255 - grey if inverted else grey


def read_mask(data: bytes) -> np.ndarray:
    """Read a mask as bool (H, W): inside is what is not 0, or not black where 0 is white.

    Raises:
        UnusableImage: bad_mask (colours, or of 16 bits; JPEG, which blurs zeros; 0 is white, and
            there are levels between white and black), not_finite, and those of read_picture.
    """
    with _opened(data) as (image, bits, inverted):
        if data.startswith(MAGIC["JPEG"]):
            raise UnusableImage("bad_mask", "JPEG")
        if bits > 8 and image.mode in COLOURS:
            raise UnusableImage("bad_mask", "colours of 16 bits")
        if image.mode in COLOURS - {"P"}:  # of a palette the numbers count
            values = _eight_bits(image)
        else:
            values = np.asarray(image)
        if values.ndim == 3:
            if not is_grey(values):
                raise UnusableImage("bad_mask", "colours")
            values = values[..., 0]
        check_finite(values)
        if inverted and image.mode != "P":
            black = 2**bits - 1
            values = black - values.astype(np.int64) if bits > 8 else values
            if not np.isin(values, (0, black)).all():
                raise UnusableImage("bad_mask", "0 is white, and not all else is black")
        return values != 0


def is_grey(colours: np.ndarray) -> bool:
    """Whether the three channels (H, W, 3) are equal."""
    return bool((colours == colours[..., :1]).all())


def check_finite(values: np.ndarray) -> None:
    """Refuse NaN and infinity.

    Raises:
        UnusableImage: not_finite.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise UnusableImage("not_finite")


def scaled(
    values: np.ndarray, window: tuple[float, float] | None, full: tuple[float, float] | None
) -> np.ndarray:
    """Values as uint8, black at the lower end of the window and white at the upper.

    Args:
        full: the range that is meant where there is no window; None: it is not known.

    Raises:
        UnusableImage: not_finite, needs_window (no range, or one that the values do not fill).
    """
    check_finite(values)
    if window is None:
        if full is None:
            raise UnusableImage("needs_window", f"{values.dtype} values without a range")
        if (most := float(values.max())) < full[0] + LEAST_FILLED * (full[1] - full[0]):
            raise UnusableImage("needs_window", f"at most {most:g} of {full[1]:g}")
        window = full
    low, high = window
    kind = np.float32 if values.dtype.itemsize <= 2 else np.float64
    share = np.subtract(values.astype(kind), kind(low)) / kind(high - low)
    return np.rint(np.clip(share, 0, 1, out=share) * 255).astype(np.uint8)


@contextmanager
def undecoded(data: bytes, formats: list[str], other: UnusableImage) -> Iterator[ImageFile]:
    """An image of these formats (Pillow's names) that may be decoded: it is not too large.

    What is none of them is `other`. Whatever fails within is an unusable image, too.

    Raises:
        UnusableImage: absurd_size, truncated, cannot_decode.
    """
    with unusable_as("cannot_decode"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is judged here
        try:
            with Image.open(BytesIO(data), formats=formats) as image:
                check_size(image.height, image.width)
                yield image
        except Image.DecompressionBombError as error:
            raise UnusableImage("absurd_size", str(error)) from error
        except UnidentifiedImageError as error:
            raise other from error
        except OSError as error:
            if "truncated" not in str(error).lower():
                raise
            raise UnusableImage("truncated", str(error)) from error


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[Image.Image, int, bool]]:
    """The image, upright; bits of its grey levels (8 of colours), and whether 0 is white in the
    file, which only levels of more than 8 bits still are in the image."""
    unknown = OTHER_TIFF if data.startswith(MAGIC["TIFF"]) else "no header of an image"
    with undecoded(data, list(MAGIC), UnusableImage("cannot_decode", unknown)) as image:
        if getattr(image, "n_frames", 1) != 1:
            raise UnusableImage("multi_frame")
        bits, inverted = _depth(image)
        if image.format == "TIFF":
            tags = getattr(image, "tag_v2", {})
            size = image.width * image.height * sum(tags.get(BITS, (1,))) // 8
            check_tiff(data, tags, size)
        image.load()
        if image.format == "PNG":
            check_png(data)
        elif image.format == "JPEG":
            check_jpeg(data, np.asarray(image), _jpeg_levels)
        yield ImageOps.exif_transpose(image), bits, inverted


def _jpeg_levels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)


def _depth(image: ImageFile) -> tuple[int, bool]:
    """Before the pixels are decoded: what the decoder does to 16 bits of colour is lost then."""
    tags = getattr(image, "tag_v2", {})
    declared, formats = tags.get(BITS, ()), tags.get(SAMPLE_FORMAT, (UNSIGNED,))
    _refuse_misread(image, tags)
    inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    if image.mode in ("I", "F"):
        return 32, inverted
    if image.mode.startswith("I;16"):
        return (declared or (16,))[0], inverted
    if isinstance(level := image.info.get("transparency"), int):
        image.info["transparency"] = level * FULL.get(str(image.tile[0].args), 1)
    if any(";16" in str(tile) for tile in image.tile):
        return 16, False
    if any(kind != UNSIGNED for kind in formats):
        raise UnusableImage("bit_depth", "8 bits with a sign")
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        raise UnusableImage("colour_space", image.mode)
    return 8, inverted


def _refuse_misread(image: Image.Image, tags: Mapping[int, Any]) -> None:
    """Forms of TIFF of which Pillow 13 mixes the bytes up without a word."""
    swapped = getattr(tags, "prefix", b"").startswith(b"MM")
    if swapped and image.mode in ("I", "F") and tags.get(COMPRESSION, 1) != 1:
        raise UnusableImage("cannot_decode", "compressed big-endian levels of more than 16 bits")
    if tags.get(PLANAR) == SEPARATE and any(bits > 8 for bits in tags.get(BITS, ())):
        raise UnusableImage("cannot_decode", "planes of colours of 16 bits")


def _eight_bits(image: Image.Image) -> np.ndarray:
    mode = image.mode
    if mode == "La":  # TIFF's alpha that the levels are multiplied with
        image, mode = image.convert("LA"), "LA"
    if mode in ("LA", "PA", "RGBA", "RGBX") or image.info.get("transparency") is not None:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            raise UnusableImage("transparent", f"alpha down to {alpha.min()}")
    return np.asarray(image.convert("L" if mode in ("1", "L", "LA") else "RGB"))
