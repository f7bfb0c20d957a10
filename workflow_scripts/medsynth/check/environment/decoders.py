"""Decoders: each is given a small image to decode, by the functions that the workflow calls."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from medsynth.check.environment.diagnosis import Diagnosis
from medsynth.imaging.dicom import read_radiograph
from medsynth.imaging.pictures import read_picture
from medsynth.store.errors import MissingExtra, extra

# Of 12 bits, and so far from their ends that no loss leaves them.
RAMP = np.arange(1024, 1024 + 32 * 64, dtype=np.uint16).reshape(32, 64)
NEAR = 3  # grey levels of 256, within which lossy syntaxes must be
Encode = Callable[[np.ndarray], Any]
jpeg2k = partial(imagecodecs.jpeg2k_encode, codecformat="j2k")
SYNTAXES: dict[UID, Encode] = {
    ExplicitVRLittleEndian: np.ndarray.tobytes,
    DeflatedExplicitVRLittleEndian: np.ndarray.tobytes,
    RLELossless: bytes,  # by pydicom
    JPEGBaseline8Bit: partial(imagecodecs.jpeg8_encode, level=95),
    JPEGExtended12Bit: partial(imagecodecs.jpeg8_encode, level=95, bitspersample=12),
    JPEGLossless: partial(imagecodecs.ljpeg_encode, bitspersample=16),
    JPEGLosslessSV1: partial(imagecodecs.jpeg8_encode, bitspersample=16, lossless=True),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEGLSNearLossless: partial(imagecodecs.jpegls_encode, level=3),
    JPEG2000Lossless: partial(jpeg2k, level=0, reversible=True),
    JPEG2000: partial(jpeg2k, level=90),
    HTJ2KLossless: partial(imagecodecs.htj2k_encode, reversible=True),
}
REMEDY = "install the packages of envs/requirements.txt; files of this kind are quarantined"


def check_decoders() -> Iterator[Diagnosis]:
    """Every family of DICOM transfer syntaxes, pictures, and slides."""
    wanted = read_radiograph(_file(ExplicitVRLittleEndian, np.ndarray.tobytes))
    lost = []
    for uid, encode in SYNTAXES.items():
        found = _tried(f"DICOM {uid.name}", partial(_decode, uid, encode, wanted))
        lost += [found] if found.health == "wrong" else []
    yield from lost
    text = f"{len(SYNTAXES) - len(lost)} of {len(SYNTAXES)} transfer syntaxes give their pixels"
    yield Diagnosis("decoders", "DICOM", "ok" if not lost else "wrong", text)
    for form in ("PNG", "JPEG", "TIFF"):
        yield _tried(form, partial(_picture, form))
    yield _tried("slides (OpenSlide)", _slide)


def _decode(uid: UID, encode: Encode, wanted: np.ndarray) -> None:
    found = read_radiograph(_file(uid, encode))
    if (far := int(np.abs(found.astype(int) - wanted).max())) > NEAR:
        raise ValueError(f"pixels differ by {far} of 256 grey levels")


def _file(uid: UID, encode: Encode) -> bytes:
    """A radiograph in this syntax."""
    pixels = (RAMP >> 4).astype(np.uint8) if uid == JPEGBaseline8Bit else RAMP
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    dataset.Modality, dataset.PhotometricInterpretation = "CR", "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = 8 if pixels.dtype == np.uint8 else 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid if uid != RLELossless else ExplicitVRLittleEndian
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if pixels.dtype == np.uint16 else "OB"
    if uid == RLELossless:
        dataset.compress(uid, generate_instance_uid=False)
    elif uid.is_encapsulated:
        dataset.PixelData = encapsulate([bytes(encode(pixels))])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    out = BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def _tried(part: str, attempt: Callable[[], None]) -> Diagnosis:
    try:
        attempt()
    except MissingExtra as error:
        return Diagnosis("decoders", part, "look", str(error))
    except Exception as error:  # whatever is raised, it does not work here
        return Diagnosis("decoders", part, "wrong", f"{type(error).__name__}: {error}; {REMEDY}")
    return Diagnosis("decoders", part, "ok", "decodes")


def _picture(form: str) -> None:
    from PIL import Image

    out = BytesIO()
    Image.fromarray((RAMP >> 4).astype(np.uint8)).save(out, form)
    read_picture(out.getvalue(), None)


def _slide() -> None:
    with extra("slides"):
        import tifffile
    from medsynth.imaging.histology.pages import find_slide

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "slide.tiff")
        colours = np.repeat((RAMP >> 4).astype(np.uint8)[..., None], 3, axis=2)
        tifffile.imwrite(path, colours, tile=(64, 64), photometric="rgb")
        find_slide(path)
