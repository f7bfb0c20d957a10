"""The pixels of a data set: that they are one grey image, and their stored values (PS3.3 C.7.6.3).

Where a library corrects an attribute by another one, or leaves out what it does not expect, it at
most warns. Here pixel data that contradict their attributes are refused.
"""

from __future__ import annotations

import warnings

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.uid import JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from medsynth.imaging.bits import stored_bits
from medsynth.imaging.codestreams import Codestream, begins_image, declared, run_length_sizes
from medsynth.imaging.decoders import decoded
from medsynth.store.quarantine import UnusableImage, unusable_as

MAX_PIXELS = 2**26  # four times the largest flat-panel detector
# Of these a half image is decoded without an error; the marker at its end tells.
ENDED, END = {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes}, b"\xff\xd9"


def check_size(rows: int, columns: int) -> None:
    """Refuse to decode what would fill the memory.

    Raises:
        UnusableImage: absurd_size.
    """
    if not 1 <= rows * columns <= MAX_PIXELS:
        raise UnusableImage("absurd_size", f"{rows} x {columns}")


def stored_codes(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Decode the pixels.

    A radiograph has millions of pixels and at most 65,536 different values. What is to become of
    a value is therefore worked out once a level and looked up for the pixels.

    Returns:
        codes (H, W), uint8 or uint16: the BitsStored bits of every pixel; levels
        (2**BitsStored,), int32: the stored value each code stands for. `levels[codes]` are the
        stored values.

    Raises:
        UnusableImage: no_pixels, not_grey, multi_frame, bit_depth, absurd_size, truncated,
            size_contradicts, bits_contradict, cannot_decode, bad_tags.
    """
    if "PixelData" not in dataset:
        raise UnusableImage("no_pixels")
    with unusable_as("bad_tags"):
        if dataset.get("SamplesPerPixel", 1) != 1 or not str(
            dataset.PhotometricInterpretation
        ).startswith("MONOCHROME"):
            raise UnusableImage("not_grey", str(dataset.PhotometricInterpretation))
        if int(dataset.get("NumberOfFrames") or 1) != 1:
            raise UnusableImage("multi_frame", str(dataset.NumberOfFrames))
        rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsStored)
        allocated, high = int(dataset.BitsAllocated), dataset.get("HighBit")
        high = bits - 1 if high is None else int(high)
        if not 8 <= bits <= allocated or allocated not in (8, 16):
            raise UnusableImage("bit_depth", f"{bits} of {allocated}")
        if (representation := int(dataset.PixelRepresentation)) not in (0, 1):
            raise UnusableImage("bad_tags", f"PixelRepresentation {representation}")
        check_size(rows, columns)
        signed = representation == 1
        overlays = _embedded_overlays(dataset)
        half = 1 << allocated - 1  # the attribute is often written as US beside signed pixels
        padding = (int(dataset.get("PixelPaddingValue") or 0) + half) % (2 * half) - half
    with unusable_as("cannot_decode"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is judged here
        frame, codestream = _check_pixel_data(dataset, rows, columns, allocated)
        values = decoded(dataset, frame)
        container = f"{values.dtype.kind}{allocated // 8}"  # a codec may choose a smaller one
        codes = values.astype(container, copy=False).view(f"u{allocated // 8}")
    if codes.shape != (rows, columns):
        raise UnusableImage("cannot_decode", f"decoded to {codes.shape}")
    codes = stored_bits(codes, bits, high, signed, codestream, overlays, padding)
    levels = np.arange(1 << bits, dtype=np.int32)
    if signed:
        levels[levels.size // 2 :] -= levels.size
    return codes, levels


def _check_pixel_data(
    dataset: Dataset, rows: int, columns: int, allocated: int
) -> tuple[bytes, Codestream | None]:
    """Whether the pixel data are one image of this size; its bytes, and a compressed one's header.

    pydicom reads the first image of several, and leaves out what it does not expect.
    """
    data, syntax = dataset.PixelData, dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        expected = rows * columns * allocated // 8
        if len(data) < expected:
            raise UnusableImage("truncated", f"{len(data)} bytes")
        beyond = data[expected + expected % 2 :]
        if len(beyond) >= expected or any(beyond):  # else padding
            raise UnusableImage("size_contradicts", f"{len(data)} bytes for {expected}")
        return data, None
    offsets, *fragments = generate_fragments(data)
    # The table of offsets may be empty.
    if (frames := max(len(offsets) // 4, sum(map(begins_image, fragments)))) > 1:
        raise UnusableImage("multi_frame", f"{frames} in the pixel data")
    frame = b"".join(fragments)
    if syntax in ENDED and END not in frame[-64:]:
        raise UnusableImage("truncated", "no end of image")
    if syntax == RLELossless:
        # A second image would be bytes too many of the last segment.
        if (size := max(run_length_sizes(frame), default=0)) >= (rows + 1) * columns:
            raise UnusableImage("size_contradicts", f"{size} bytes for {rows} x {columns}")
        return frame, None
    if not (codestream := declared(frame)):
        raise UnusableImage("cannot_decode", "no header of a compressed image")
    if codestream[:3] != (rows, columns, 1):
        raise UnusableImage(
            "size_contradicts", "the codec is told {} x {} x {}".format(*codestream)
        )
    if codestream.precision > allocated:
        raise UnusableImage("bits_contradict", f"{codestream.precision} bits in {allocated}")
    return frame, codestream


def _embedded_overlays(dataset: Dataset) -> int:
    """Mask of the pixels' bits that hold overlay planes (PS3.3-2004 C.9.2)."""
    positions = {
        int(dataset[group, 0x0102].value or 0)
        for group in range(0x6000, 0x6020, 2)
        if (group, 0x0102) in dataset and (group, 0x3000) not in dataset
    }
    return sum(1 << position for position in positions if position)
