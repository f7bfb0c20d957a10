"""CT of chest and abdomen in the layout of TCIA: <PatientID>/<StudyUID>/<SeriesUID>/<N>.dcm.

Every patient has one series without contrast medium (CT) and one with it (CECT). Contrast medium
changes, in Hounsfield units: aorta, heart, kidneys and portal vein +150; liver and spleen +40. All
else is the same anatomy, moved by 1 to 2 pixels in the plane and 1 mm along the body, with other
noise. Twelve slices, 5 mm apart, go from the heart (first third) to the kidneys.

Of phantoms the truth is known: what each slice would be in the other phase, nothing else changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from medsynth.demo.dicom import LOSSLESS, truncate, write_dicom
from medsynth.demo.identifiers import uid
from medsynth.runtime.seeding import numpy_rng

SIZE = 80
SLICES = 12
SPACING = 360.0 / SIZE  # mm a pixel
THICKNESS = 5.0  # mm
INTERCEPT = -1024
ENHANCED = 150.0  # HU: aorta, heart, kidneys, portal vein
PARENCHYMA = 40.0  # HU: liver, spleen
NOISE = 8.0  # HU
PADDING = {"int16": -2000, "uint16": 63536}  # the same 16 bits
TRUNCATED = (2, True, 6)  # patient, contrast, instance


def write_ct(folder: str | Path, patients: int, seed: int, truth: bool = False) -> None:
    """Write both series of every patient; one slice of one series is cut in half.

    Args:
        truth: write, at the path of each slice, what it is in the other phase: the same place and
            noise, contrast medium alone changed.
    """
    folder = Path(folder)
    for number in range(patients):
        for contrast in (False, True):
            _write_series(folder, number, contrast, seed, truth)


def draw(
    anatomy: np.random.Generator, z: float, contrast: bool, shift: tuple[float, float]
) -> np.ndarray:
    """One slice without noise: (80, 80) float64 in HU.

    Args:
        anatomy: draws the patient; the same state gives the same patient.
        z: place along the body, 0 (heart) to 1 (kidneys).
        contrast: whether vessels and organs are enhanced.
        shift: movement in pixels, rows and columns.
    """
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    y, x = y - 2 * shift[0] / SIZE, x - 2 * shift[1] / SIZE
    wide, deep, fat = (
        anatomy.uniform(0.82, 0.94),
        anatomy.uniform(0.62, 0.76),
        anatomy.uniform(0.04, 0.1),
    )
    organ, heart_size = anatomy.uniform(0.9, 1.1), anatomy.uniform(0.9, 1.1)
    blood = 40 + ENHANCED * contrast
    tissue = 55 + PARENCHYMA * contrast
    image = np.full((SIZE, SIZE), -1000.0)

    def fill(cx: float, cy: float, rx: float, ry: float, hu: float) -> None:
        distance = (1 - np.hypot((x - cx * wide) / rx, (y - cy * deep) / ry)) * min(rx, ry)
        inside = np.clip(distance * SIZE / 2 + 0.5, 0, 1)
        image[:] += inside * (hu - image)

    fill(0, 0, wide, deep, -100)  # subcutaneous fat
    fill(0, 0, wide - fat, deep - fat, 50)  # muscle
    fill(0, -0.02, wide - fat - 0.07, deep - fat - 0.07, -80 if z > 0.35 else 30)
    chest = z <= 0.35
    if chest:
        for side in (-1, 1):
            fill(side * 0.48, -0.02, 0.30 * wide, 0.72 * deep, -850)
        fill(0.12, -0.25, 0.30 * heart_size, 0.24 * heart_size, blood)
    else:
        if z < 0.8:
            fill(-0.42, -0.15, 0.34 * organ, 0.36 * organ, tissue)  # liver
            fill(0.62, 0.15, 0.16 * organ, 0.20 * organ, tissue)  # spleen
            fill(-0.22, -0.10, 0.05, 0.05, blood)  # portal vein
        if z > 0.5:
            for side in (-1, 1):
                fill(side * 0.40, 0.42, 0.11 * organ, 0.15 * organ, 30 + ENHANCED * contrast)
    fill(0, 0.50, 0.13, 0.14, 350)  # vertebral body
    fill(0, 0.78, 0.05, 0.09, 300)  # spinous process
    fill(0.10, 0.18, 0.065, 0.065, blood)  # aorta
    return image


def _write_series(folder: Path, number: int, contrast: bool, seed: int, truth: bool) -> None:
    patient = f"TCGA-ZZ-C{number:03d}"
    study, series = uid(seed, patient, "study"), uid(seed, patient, contrast)
    rng = numpy_rng(seed, "ct", patient, int(contrast))
    moved = rng.uniform(1, 2, 2) * rng.choice((-1, 1), 2) if contrast else np.zeros(2)
    kind = np.dtype("int16" if number % 2 else "uint16")
    shown = contrast != truth
    own = uid(series, "truth") if truth else series
    for instance in range(1, SLICES + 1):
        header = Dataset()
        header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, uid(own, instance)
        header.StudyInstanceUID, header.SeriesInstanceUID = study, own
        header.FrameOfReferenceUID = uid(study, "frame")
        header.PatientID, header.PatientName, header.Modality = patient, "", "CT"
        header.StudyDate = header.SeriesDate = "20000101"
        header.SeriesNumber, header.InstanceNumber = 2 + contrast, instance
        header.StudyDescription = "CT CHEST ABDOMEN WO/W CONTRAST"
        header.SeriesDescription = "AXIAL WITH CONTRAST" if shown else "AXIAL WITHOUT CONTRAST"
        if shown and number % 3:  # a third of the contrast series only say so in words
            header.ContrastBolusAgent = "OMNIPAQUE 350"
        header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        height = -THICKNESS * instance - contrast  # 1 mm further down with contrast
        header.ImagePositionPatient = [-180.0, -180.0, height]
        header.SliceThickness, header.PixelSpacing = THICKNESS, [SPACING, SPACING]
        header.PhotometricInterpretation = "MONOCHROME2"
        header.RescaleIntercept, header.RescaleSlope, header.RescaleType = INTERCEPT, 1, "HU"
        header.WindowCenter, header.WindowWidth = 40, 400
        z = (instance - 1) / (SLICES - 1)
        hu = draw(numpy_rng(seed, "anatomy", patient), z, shown, tuple(moved))
        hu += rng.normal(0, NOISE, hu.shape)
        stored = np.clip(np.rint(hu - INTERCEPT), 0, 4095).astype(kind)
        if number % 4 < 2:  # half of the scanners mark what lies outside their field of view
            y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
            stored[np.hypot(x, y) > 1] = PADDING[kind.name]
            header.add_new(
                "PixelPaddingValue", "SS" if kind.kind == "i" else "US", PADDING[kind.name]
            )
        syntax = LOSSLESS[(2 * number + contrast) % len(LOSSLESS)]
        path = folder / patient / study / series / f"{instance}.dcm"
        write_dicom(path, header, stored, 16, syntax)
        if not truth and (number, contrast, instance) == TRUNCATED:
            truncate(path)
