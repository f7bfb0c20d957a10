"""From the bytes of any readable file to square images of 8 bits."""

from __future__ import annotations

import numpy as np

from medsynth.cohorts.images.decoding_settings import COLOURS, ImagesRead
from medsynth.imaging.ct.nifti import may_be_nifti
from medsynth.imaging.ct.nifti_slice import read_nifti_mask, read_nifti_slice
from medsynth.imaging.dicom import SUFFIXES, read_shown
from medsynth.imaging.pictures import is_grey, is_picture, read_mask, read_picture
from medsynth.imaging.resize import SQUARES, resize_area
from medsynth.store.quarantine import UnusableImage

Size = tuple[int, int]
BACKGROUND = 0.1  # of the range of grey levels


def read_square(
    data: bytes,
    name: str,
    settings: ImagesRead,
    place: int | None,
    frame: int | None,
    beside: np.ndarray | None = None,
) -> tuple[np.ndarray, Size, np.ndarray | None]:
    """One file as uint8 (image_size, image_size, channels), its rows and columns before, and, of
    NIfTI files, the affine.

    What the bytes are, they say themselves; only a DICOM file without preamble is known by its
    name (.dcm, or no suffix). `beside` is the affine of the file that a NIfTI file goes with.

    Raises:
        UnusableImage: empty_file, not_image, bad_slice (of a file that has no slices), not_grey,
            not_colour, blank (a channel whose pixels are all equal or, for `median_grey`, dark),
            and those of the reader.
    """
    if not data:
        raise UnusableImage("empty_file")
    affine = None
    if may_be_nifti(data):
        picture, affine = read_nifti_slice(data, settings.window, place, frame, beside)
    elif place is not None or frame is not None:
        raise UnusableImage("bad_slice", "a slice or frame of a file that is not NIfTI")
    elif is_picture(data):
        picture = read_picture(data, settings.window)
    elif data[128:132] == b"DICM" or _may_be_dicom(name):
        picture = read_shown(data, settings.burned_in, window=settings.window)
    else:
        raise UnusableImage("not_image")
    picture = _with_channels(picture, settings)
    size = picture.shape[:2]
    if (np.ptp(picture.reshape(-1, picture.shape[2]), axis=0) == 0).any():
        raise UnusableImage("blank")
    if settings.median_grey:
        picture = _with_median(picture, settings.median_grey)
    side = settings.image_size
    square = SQUARES[settings.fit](picture)
    resized = [resize_area(square[..., k], side, side) for k in range(square.shape[2])]
    return np.stack(resized, axis=-1), size, affine


def read_square_mask(
    data: bytes,
    size: Size,
    settings: ImagesRead,
    place: int | None,
    frame: int | None,
    beside: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """The mask of an image of this size, and of this affine: uint8 (image_size, image_size, 1), 255
    where at least half of a pixel is inside, and the share of the image that is.

    Raises:
        UnusableImage: mask_size, empty_file, not_image, and those of the reader.
    """
    if not data:
        raise UnusableImage("empty_file")
    if may_be_nifti(data):
        mask = read_nifti_mask(data, place, frame, beside)
    elif is_picture(data):
        mask = read_mask(data)
    else:
        raise UnusableImage("bad_mask", "neither PNG, TIFF nor NIfTI")
    if mask.shape != size:
        raise UnusableImage("mask_size", "{} x {} for {} x {}".format(*mask.shape, *size))
    side, inside = settings.image_size, (mask > 0).astype(np.uint8) * 255
    square = resize_area(SQUARES[settings.fit](inside[..., None])[..., 0], side, side)
    return np.where(square >= 128, 255, 0).astype(np.uint8)[..., None], float(mask.mean())


def _with_median(picture: np.ndarray, median: float) -> np.ndarray:
    """uint8 (H, W, C), each channel times what makes `median` of the range of its median; air and
    background, which are below a tenth of the range, have no say in it."""
    scaled = np.empty_like(picture)
    for k in range(picture.shape[2]):
        levels = picture[..., k]
        body = levels[levels > 255 * BACKGROUND]
        if not body.size:
            raise UnusableImage("blank", "nothing is brighter than a tenth of the range")
        scale = 255 * median / np.median(body)
        scaled[..., k] = np.clip(np.rint(levels * scale), 0, 255)
    return scaled


def _may_be_dicom(name: str) -> bool:
    name = name.rsplit("/", 1)[-1].lower()
    return name.endswith(SUFFIXES) or "." not in name


def _with_channels(picture: np.ndarray, settings: ImagesRead) -> np.ndarray:
    """(H, W, channels) of a picture (H, W) or (H, W, 3), as the settings ask for them."""
    channels, coloured = settings.channels, picture.ndim == 3
    if channels == "grey":
        if coloured and not is_grey(picture):
            raise UnusableImage("not_grey")
        return picture[..., :1] if coloured else picture[..., None]
    if not coloured:
        if not settings.grey_as_rgb:
            raise UnusableImage("not_colour")
        return np.repeat(picture[..., None], 3, axis=2)
    if channels == "rgb":
        return picture
    return picture[..., [COLOURS.index(colour) for colour in channels.values()]]
