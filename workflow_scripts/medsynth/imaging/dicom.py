"""Single-frame grey DICOM images: robust reading, display pipeline, Hounsfield units.

Attribute and section names follow DICOM PS3.3 (Image Pixel C.7.6.3, Modality LUT C.11.1,
VOI LUT C.11.2, CT Image C.8.2.1).
"""

from __future__ import annotations

import logging
import re
import warnings
import zlib
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from medsynth.imaging.pixels import MAX_PIXELS, stored_codes
from medsynth.runtime.settings import BurnedIn
from medsynth.store.quarantine import ExcludedImage, UnusableImage, unusable_as

SUFFIXES = (".dcm", ".dicom", ".ima")  # scanners also write files without any
RADIOGRAPHY = {"CR", "DX", "RG"}
AIR_HU = -1024
# RescaleType (PS3.3 C.11.1.1.2) without what is no letter: absent, unspecified, or HU, however it
# is spelt. Other words are other quantities: OD, MGML, ED, HU_MOD, "100ug/cc" ...
HU = re.compile(r"|US|UNSPECIFIED|HU|HO?UN[A-Z]*")
MOST_HU = np.iinfo(np.int16).max  # extended scales of CT scanners end at 30,710
FAR = 2**20
MAX_INFLATED = 2 * MAX_PIXELS + 2**24  # bytes of a data set: pixels and everything else
CHUNK = 2**20  # bytes inflated at once

# Invalid values are everywhere in archives; pydicom's warnings would print them, names included,
# and the name of the file, which is often the patient's.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def open_dicom(source: Path | bytes, *, pixels: bool = True) -> Dataset:
    """Read a data set, with or without preamble and file meta information.

    Args:
        source: a file, or its bytes.
        pixels: False reads the header only.

    Raises:
        UnusableImage: missing_file, unreadable, not_dicom, truncated, absurd_size.
        ExcludedImage: dicomdir.
    """
    try:
        stream = BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
    with stream, unusable_as("not_dicom"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check_inflated(stream)
        dataset = pydicom.dcmread(stream, force=True, stop_before_pixels=not pixels)
        if not len(dataset) and dataset.file_meta:  # all that pydicom leaves of a cut-off file
            raise UnusableImage("truncated", "nothing after the file meta information")
        if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage or (
            "DirectoryRecordSequence" in dataset
        ):
            raise ExcludedImage("dicomdir")
        # force=True parses any bytes; these two are in every image and never in noise
        if "SOPClassUID" not in dataset and "Rows" not in dataset:
            raise UnusableImage("not_dicom", "neither SOPClassUID nor Rows")
        _complete_file_meta(dataset)
    return dataset


def _check_inflated(stream: BinaryIO) -> None:
    """Refuse a deflated data set larger than any image; pydicom would inflate all of it."""
    head = stream.read(1024)
    if head[128:132] == b"DICM" and DeflatedExplicitVRLittleEndian.encode() in head:
        # The data set begins after the file meta group, whose first element is its length.
        stream.seek(144 + int.from_bytes(head[140:144], "little"))
        inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while packed := inflater.unconsumed_tail or stream.read(CHUNK):
            size += len(inflater.decompress(packed, CHUNK))
            if size > MAX_INFLATED:
                raise UnusableImage("absurd_size", f"more than {MAX_INFLATED} bytes deflated")
    stream.seek(0)


def _complete_file_meta(dataset: Dataset) -> None:
    """Without file meta only the native syntaxes are possible; pydicom found out which."""
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native


def check_burned_in(dataset: Dataset, policy: BurnedIn) -> None:
    """Exclude images that declare text in their pixels (BurnedInAnnotation, PS3.3 C.7.6.1).

    Only the header is read. Absent, empty and NO are the same; any other word is not a no. No
    detector looks for text that the header does not declare.

    Raises:
        ExcludedImage: burned_in.
    """
    said = str(dataset.get("BurnedInAnnotation") or "").strip()
    if policy == "exclude" and said.upper() not in ("", "NO"):
        raise ExcludedImage("burned_in", said)


def is_padding(dataset: Dataset, levels: np.ndarray) -> np.ndarray:
    """Which levels are PixelPaddingValue .. PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2).

    The attribute is often written as US beside signed pixels (63536 for -2000), so it is
    read in the two's complement of BitsAllocated.
    """
    if dataset.get("PixelPaddingValue") is None:
        return np.zeros(levels.shape, bool)
    allocated = int(dataset.BitsAllocated)

    def as_stored(value: int) -> int:
        value &= (1 << allocated) - 1
        negative = dataset.PixelRepresentation == 1 and value >> (allocated - 1)
        return value - (1 << allocated) if negative else value

    with unusable_as("bad_tags"):
        value = int(dataset.PixelPaddingValue)
        limit = dataset.get("PixelPaddingRangeLimit")
        low, high = sorted(as_stored(v) for v in (value, value if limit is None else int(limit)))
    return (levels >= low) & (levels <= high)


def read_radiograph(source: Path | bytes, burned_in: BurnedIn = "exclude") -> np.ndarray:
    """Read a projection radiograph as :func:`read_shown` does."""
    return read_shown(source, burned_in, RADIOGRAPHY)


def read_shown(
    source: Path | bytes,
    burned_in: BurnedIn = "exclude",
    modalities: Collection[str] = (),
    window: tuple[float, float] | None = None,
) -> np.ndarray:
    """Read a grey image as it is meant to be shown.

    Modality LUT, then VOI LUT or the first window; without either, the range of the pixels that
    are not padding. MONOCHROME1 is inverted; padding is black. PhotometricInterpretation is
    believed: pixels that contradict it cannot be told from the header. No image is refused for its
    SOP Class or Image Type: radiographs are archived as Secondary Captures, too.

    Args:
        source: a file, or its bytes.
        burned_in: as in :func:`check_burned_in`.
        modalities: those that are expected; none: any.
        window: values behind the modality LUT that become black and white, instead of the file's.

    Returns:
        uint8 (H, W), 0 black to 255 white.

    Raises:
        UnusableImage: wrong_modality, blank, and those of check_burned_in, open_dicom and
            stored_codes.
    """
    dataset = open_dicom(source)
    with unusable_as("bad_tags"):
        modality = dataset.get("Modality") or "CR"
        if modalities and modality not in modalities:
            raise UnusableImage("wrong_modality", str(modality))
        check_burned_in(dataset, burned_in)
    codes, levels = stored_codes(dataset)
    padding = is_padding(dataset, levels)
    seen = (np.bincount(codes.ravel(), minlength=levels.size) > 0) & ~padding
    if not seen.any():
        raise UnusableImage("blank", "only padding")
    with unusable_as("bad_tags"), np.errstate(over="ignore"):  # far from a sigmoid's window
        values = apply_modality_lut(levels, dataset)
        own = [dataset.get("WindowCenter"), dataset.get("WindowWidth")]
        if window:
            shown = np.asarray(window, np.float64)
        elif dataset.get("VOILUTSequence") or None not in own:
            for lut in dataset.get("VOILUTSequence") or []:
                # pydicom indexes 8-bit tables with 8 bits, and wraps round those of > 256 entries
                lut.LUTDescriptor[2] = max(lut.LUTDescriptor[2], 16)
            # The output range: of a table what the extremes a detector can store become, of a
            # window its whole range, also where it reaches beyond them (PS3.3 C.11.2.1.2).
            ends = values[[levels.argmin(), levels.argmax()]]
            if not dataset.get("VOILUTSequence"):
                ends = np.array([-FAR, FAR], np.int32)
            shown = apply_voi_lut(ends, dataset)
            values = apply_voi_lut(values, dataset)
        else:
            shown = values[seen]
        if not (np.isfinite(values).all() and np.isfinite(shown).all()):
            raise UnusableImage("bad_tags", "a LUT or window gives values that are not finite")
    low, high = float(shown.min()), float(shown.max())
    if low == high or np.ptp(values[seen]) == 0:
        raise UnusableImage("blank")
    grey = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    grey[padding] = 0
    return np.rint(grey * 255).astype(np.uint8)[codes]


def read_hu(source: Path | bytes) -> np.ndarray:
    """Read a CT slice with its own RescaleSlope and RescaleIntercept.

    Returns:
        int16 (H, W) in Hounsfield units, at least -1024: padding, and the values below air that
        scanners write outside the reconstruction circle without declaring them, become -1024.

    Raises:
        UnusableImage: wrong_modality, no_rescale, not_hu, blank, and those of open_dicom and
            stored_codes.
    """
    dataset = open_dicom(source)
    with unusable_as("bad_tags"):
        if dataset.get("Modality") != "CT":
            raise UnusableImage("wrong_modality", str(dataset.get("Modality")))
        if dataset.get("RescaleSlope") is None or dataset.get("RescaleIntercept") is None:
            raise UnusableImage("no_rescale")
        kind = str(dataset.get("RescaleType") or "")
        if not HU.fullmatch(re.sub(r"[^A-Z_0-9]", "", kind.upper())):
            raise UnusableImage("not_hu", kind)
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        if not np.isfinite([slope, intercept]).all():
            raise UnusableImage("bad_tags", f"rescale {slope}, {intercept}")
    codes, levels = stored_codes(dataset)
    hu = np.rint(levels * slope + intercept)
    hu[is_padding(dataset, levels)] = AIR_HU
    most = hu[np.bincount(codes.ravel(), minlength=levels.size) > 0].max()
    if most > MOST_HU:  # as negative pixels become that are called unsigned
        raise UnusableImage("not_hu", f"values up to {most:.0f}")
    hu = np.clip(hu, AIR_HU, MOST_HU).astype(np.int16)[codes]
    if np.ptp(hu) == 0:
        raise UnusableImage("blank")
    return hu
