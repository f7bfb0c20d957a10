"""Which decoder reads which DICOM syntax: one each, whatever else is installed.

pydicom takes the first plugin that it finds and, where that fails, the next. Those of lossy JPEG
differ by a grey level, so that pixels would depend on the environment.
"""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from medsynth.imaging.damage import check_jpeg

# Of pydicom's plugins.
PLUGINS = {
    **dict.fromkeys(JPEGLSTransferSyntaxes, "pyjpegls"),
    **dict.fromkeys([JPEG2000Lossless, JPEG2000], "pylibjpeg"),
    **dict.fromkeys([HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K], "pylibjpeg"),
    RLELossless: "pydicom",
}
AS_DECODED: dict[
    str, Any
] = {  # without pydicom's own corrections, which believe one attribute without a word
    "correct_unused_bits": False,
    "apply_j2k_sign_correction": False,
    "apply_jls_sign_correction": False,
}


def decoded(dataset: Dataset, frame: bytes) -> np.ndarray:
    """The pixels of the one image of a data set, as its decoder gives them.

    JPEG of all processes (baseline, extended of 8 or 12 bits, lossless of 2 to 16: ITU-T T.81) is
    libjpeg-turbo's, for which pydicom has no plugin. What lossy ones give is less than 0.75 of a
    level from the inverse transform of A.3.3 in real numbers, of which rounding alone costs 0.5.

    Args:
        dataset: with one image.
        frame: its compressed pixel data, in one piece.

    Returns:
        (H, W) of integers, or (H, W, samples). Of JPEG unsigned.

    Raises:
        UnusableImage: truncated, cannot_decode, of JPEG data that end before or after the blocks.
        Exception: whatever a decoder raises of what it cannot read.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in JPEGTransferSyntaxes:
        pixels = imagecodecs.jpeg8_decode(frame)
        check_jpeg(frame, pixels, imagecodecs.jpeg8_decode)
        return pixels
    return pixel_array(dataset, index=0, decoding_plugin=PLUGINS.get(syntax, ""), **AS_DECODED)
