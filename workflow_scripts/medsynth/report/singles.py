"""Generated images as single files that say of themselves that they are synthetic, and whence.

Wherever such a file is taken, `medsynth trace` finds from its content the samples, the model and
the data behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from medsynth.store.digests import digest_bytes
from medsynth.store.tables.covariates import UNKNOWN

Form = Literal["dicom", "png"]


def file_stem(label: str) -> str:
    """A label as file names have it: lower case, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def write_singles(
    images: np.ndarray,
    table: pd.DataFrame,
    form: Form,
    folder: Path,
    covariates: Sequence[str] = (),
    **origin: str,
) -> None:
    """Write every image of `images` into a new folder as `<label>-<row>.dcm` or `.png`.

    Args:
        images: (N, H, W, C), uint8 grey or RGB, or int16 Hounsfield units; as DICOM the former are
            secondary captures, the latter CT.
        table: their rows (columns row, label, seed, model_sha256), in the same order. Columns that
            name source items are not written: those are patients' images.
        form: of the files; RGB is PNG.
        folder: must not exist.
        covariates: columns that were asked for, and that each file states, too.
        origin: what else each file states of where it comes from, as samples_sha256, the digest of
            an image store, or request_sha256, that of all that was asked of a command.

    Raises:
        ValueError: colours as DICOM, of which one channel would be left.
    """
    if form == "dicom" and images.shape[-1] != 1:
        raise ValueError(f"images of {images.shape[-1]} channels are written as png, not as dicom")
    folder.mkdir(parents=True)
    series = origin.get("samples_sha256") or digest_bytes(images.tobytes())
    for image, sample in zip(images, table.to_dict("records"), strict=True):
        provenance = {
            "synthetic": "yes",
            "label": str(sample["label"]),
            "row": str(sample["row"]),
            "seed": str(sample["seed"]),
            "model_sha256": sample["model_sha256"],
            **origin,
        }
        if "training_images" in sample:  # with the same findings; 0: never seen together
            provenance["training_images"] = str(sample["training_images"])
        if "prompt" in sample:  # cleaned, see medsynth.text.cleaning
            provenance["prompt"] = sample["prompt"]
        for name in covariates:
            value = sample[name]
            provenance[f"covariate_{name}"] = UNKNOWN if pd.isna(value) else str(value)
        path = folder / f"{file_stem(provenance['label'])}-{sample['row']:06d}"
        if form == "png":
            _write_png(image, provenance, path.with_suffix(".png"))
        else:
            _write_dicom(image[..., 0], provenance, series, path.with_suffix(".dcm"))


def _write_png(image: np.ndarray, provenance: dict[str, str], path: Path) -> None:
    text = PngInfo()
    for key, value in provenance.items():
        text.add_text(key, value)
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(path, pnginfo=text)


def _write_dicom(image: np.ndarray, provenance: dict[str, str], series: str, path: Path) -> None:
    """One instance with Synthetic Data (0008,001C) = YES (PS3.3 C.12.1).

    Who made it, and from what, stands as JSON in the Contribution Description (0018,A003) of a
    Contributing Equipment item. Identifiers derive from the provenance, so that the same image
    is the same instance; there is no date.
    """
    is_ct = image.dtype.kind == "i"
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage if is_ct else SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[series, provenance["row"]])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[provenance["model_sha256"]])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[series])
    dataset.SyntheticData = "YES"
    dataset.Modality = "CT" if is_ct else "CR"
    dataset.ConversionType = "SYN"
    dataset.PatientName = dataset.PatientID = "SYNTHETIC"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate = dataset.StudyTime = dataset.StudyID = dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = dataset.Manufacturer = ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, int(provenance["row"]) + 1
    dataset.SeriesDescription = f"synthetic: {provenance['label']}"[:64]
    dataset.ImageType = ["DERIVED", "SECONDARY", *(["AXIAL"] if is_ct else [])]
    if is_ct:
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"
        dataset.WindowCenter, dataset.WindowWidth = 50, 400
    equipment = Dataset()
    equipment.Manufacturer = "medsynth"
    equipment.ContributionDescription = json.dumps(provenance)
    dataset.ContributingEquipmentSequence = [equipment]

    bits = 8 * image.dtype.itemsize
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(is_ct)
    data = image.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if bits == 16 else "OB"

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
