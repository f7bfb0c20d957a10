"""Chest radiographs in the layout of a MIMIC-CXR download.

The finding decides what is drawn, in frontal and lateral views alike:

* No Finding: cardiothoracic ratio 0.38 to 0.46, both costophrenic angles dark and sharp;
* Cardiomegaly: cardiothoracic ratio 0.62 to 0.74;
* Pleural Effusion: fluid as bright as the heart fills the lower third to half of one or both
  lungs; its upper edge, the meniscus, rises towards the chest wall.

Reports say the finding and, of fluid, on which side the frontal view has it: what a label does not
tell, and a text can.

Uncertain cardiomegaly (-1) has a ratio in between. AP views magnify the heart by 6 percent and are
noisier. Patients differ in size, position, tilt, brightness and rib contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, JPEGBaseline8Bit

from medsynth.demo.dicom import LOSSLESS, truncate, write_dicom
from medsynth.demo.identifiers import digits, hexes, uid
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import TEST, TRAIN, VALIDATE

SIZE = 128
CLASSES = ("No Finding", "Cardiomegaly", "Pleural Effusion")
FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum"),
    *("Fracture", "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion"),
    *("Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices"),
)
VIEW_NAMES = {"AP": "antero-posterior", "PA": "postero-anterior", "LATERAL": "lateral"}
TRUNCATED, MISSING = 6, 11  # positions of the two unusable files
UNCERTAIN_EVERY = 17  # studies

REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST ({views})

 INDICATION:  ___-year-old with {complaint}  // {question}

 COMPARISON:  None.

 FINDINGS:

 {findings}

 IMPRESSION:

 {impression}
"""
TEXTS = {
    "No Finding": (
        "The lungs are clear. Heart size is normal. There is no pleural effusion or pneumothorax.",
        "No acute cardiopulmonary process.",
    ),
    "Cardiomegaly": (
        "The heart is markedly enlarged. The lungs are clear. There is no pleural effusion.",
        "Cardiomegaly without pulmonary edema.",
    ),
    "Pleural Effusion": (
        "There is blunting of the costophrenic angle with a meniscus. Heart size is normal.",
        "Pleural effusion.",
    ),
    "Uncertain": (
        "Heart size is borderline, which may be due to low lung volumes. No pleural effusion.",
        "Possible mild cardiomegaly.",
    ),
}

# Of fluid at the sides of the image: 1 is the right of the image and the left of the patient.
ANGLE, EFFUSION = "the costophrenic angle", "Pleural effusion."
SIDES = {
    (-1,): ("the right costophrenic angle", "Right pleural effusion."),
    (1,): ("the left costophrenic angle", "Left pleural effusion."),
    (-1, 1): ("both costophrenic angles", "Bilateral pleural effusions."),
}


@dataclass(frozen=True)
class Study:
    subject: int
    study: int
    finding: str
    uncertain: bool
    split: str
    views: tuple[str, ...]


def write_cxr(folder: str | Path, patients: int, seed: int) -> None:
    """Write files/ (DICOM and reports) and the metadata, split and chexpert tables.

    Among them are one truncated file, one listed file that is missing, and uncertain labels.
    """
    folder = Path(folder)
    rows: list[dict[str, Any]] = []
    for study in _studies(patients, seed):
        home = folder / "files" / f"p{study.subject // 10**6}" / f"p{study.subject}"
        home.mkdir(parents=True, exist_ok=True)
        report = home / f"s{study.study}.txt"
        for view in study.views:
            key = hexes(seed, study.study, view)
            dicom_id = "-".join(key[8 * i : 8 * i + 8] for i in range(5))
            path = home / f"s{study.study}" / f"{dicom_id}.dcm"
            rng = numpy_rng(seed, "radiograph", study.subject, study.study, view)
            image, sides = _drawn(study.finding, study.uncertain, view, rng)
            if view != "LATERAL":
                report.write_text(_report(study, sides))
            if len(rows) != MISSING:
                _write_image(path, image, study, view, len(rows))
            if len(rows) == TRUNCATED:
                truncate(path)
            rows.append(
                {
                    "dicom_id": dicom_id,
                    "subject_id": study.subject,
                    "study_id": study.study,
                    "PerformedProcedureStepDescription": _procedure(study),
                    "ViewPosition": view,
                    "Rows": SIZE,
                    "Columns": SIZE,
                    "StudyDate": 21000101 + digits(2, study.study) % 28,
                    "StudyTime": 120000.0,
                    "ProcedureCodeSequence_CodeMeaning": _procedure(study),
                    "ViewCodeSequence_CodeMeaning": VIEW_NAMES[view],
                    "PatientOrientationCodeSequence_CodeMeaning": "Erect",
                    "split": study.split,
                }
            )
    images = pd.DataFrame(rows)
    _write_csv(images.drop(columns="split"), folder / "mimic-cxr-2.0.0-metadata.csv.gz")
    _write_csv(
        images[["dicom_id", "study_id", "subject_id", "split"]],
        folder / "mimic-cxr-2.0.0-split.csv.gz",
    )
    labels = pd.DataFrame([_labels(s) for s in _studies(patients, seed)])
    _write_csv(labels, folder / "mimic-cxr-2.0.0-chexpert.csv.gz")


def draw(finding: str, uncertain: bool, view: str, rng: np.random.Generator) -> np.ndarray:
    """One radiograph: (128, 128) float64 in [0, 1], bright where the body absorbs."""
    return _drawn(finding, uncertain, view, rng)[0]


def _drawn(
    finding: str, uncertain: bool, view: str, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The radiograph, and at which sides of a frontal view there is fluid."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    tilt, scale = rng.normal(0, 0.03), rng.uniform(0.92, 1.08)
    x, y = (
        (x + tilt * y - rng.normal(0, 0.04)) / scale,
        (y - tilt * x - rng.normal(0, 0.04)) / scale,
    )
    ratio = rng.uniform(0.62, 0.74) if finding == "Cardiomegaly" else rng.uniform(0.38, 0.46)
    if uncertain:
        ratio = rng.uniform(0.52, 0.56)
    fluid = rng.uniform(0.0, 0.25) if finding == "Pleural Effusion" else None  # level at the hilum
    sides: tuple[int, ...] = ()
    if view == "LATERAL":
        image = _lateral(x, y, ratio, fluid)
    else:
        both_sides = rng.random() < 0.4
        wide = ratio * (1.06 if view == "AP" else 1.0)
        image, sides = _frontal(x, y, wide, fluid, both_sides, rng)
    image = np.clip(image * rng.uniform(0.9, 1.1) + rng.normal(0, 0.03), 0, 1) ** rng.uniform(
        0.9, 1.1
    )
    grain = rng.normal(0, 0.03 if view == "AP" else 0.02, image.shape)
    return np.clip(image + grain, 0, 1), sides


def _frontal(
    x: np.ndarray,
    y: np.ndarray,
    ratio: float,
    fluid: float | None,
    both_sides: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, tuple[int, ...]]:
    body = _ellipse(x, y, 0, 0.35, 0.92, 1.25)
    image = 0.04 + 0.50 * body
    diaphragm = 0.62 - 0.22 * np.cos(np.pi * np.clip((np.abs(x) - 0.38) / 0.8, -0.5, 0.5))
    above = _edge(diaphragm + 0.06 * (x > 0) - y)  # the right dome, image left, stands higher
    lungs = [_ellipse(x, y, side * 0.39, 0.02, 0.33, 0.68) * above for side in (-1, 1)]
    image -= 0.36 * (lungs[0] + lungs[1])
    ribs = np.sin(11 * (y + 0.35 * x**2 - 0.1)) > 0.6
    image += rng.uniform(0.03, 0.07) * ribs * (lungs[0] + lungs[1])
    image += 0.22 * _edge(0.13 - np.abs(x))  # spine and mediastinum
    width = 0.72 * ratio  # the chest is 1.44 wide inside
    heart = _ellipse(x, y, 0.28 * width, 0.32, width, 0.20 + 0.28 * ratio)
    image = np.maximum(image, 0.72 * heart)
    image += 0.10 * _edge(0.03 - np.abs(y + 0.62 - 0.2 * np.abs(x))) * body  # clavicles
    sides: tuple[int, ...] = ()
    if fluid is not None:
        sides = (-1, 1) if both_sides else (int(rng.choice((-1, 1))),)
        for side in sides:
            image = np.maximum(image, _fluid(side * x, y, fluid))
    return image, sides


def _fluid(lateral: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    meniscus = level + 0.12 - 0.9 * np.clip(lateral - 0.25, 0, 1) ** 2
    brightness = 0.74 - 0.22 * np.clip((y - 0.45) / 0.3, 0, 1)  # merges with the abdomen below
    return brightness * _ellipse(lateral, y, 0.39, 0.25, 0.35, 0.72) * _edge(y - meniscus)


def _lateral(x: np.ndarray, y: np.ndarray, ratio: float, fluid: float | None) -> np.ndarray:
    body = _ellipse(x, y, 0, 0.3, 0.75, 1.2)
    image = 0.04 + 0.55 * body
    lung = _ellipse(x, y, 0, 0, 0.52, 0.75) * _edge(0.55 - 0.25 * x - y)
    image -= 0.38 * lung
    image += 0.25 * _edge(0.12 - np.abs(x - 0.55 + 0.15 * y**2)) * body  # spine
    image = np.maximum(image, 0.70 * _ellipse(x, y, -0.2, 0.3, 0.55 * ratio, 0.15 + 0.35 * ratio))
    if fluid is not None:
        behind = _ellipse(x, y, 0.2, 0.3, 0.35, 0.6) * _edge(y - fluid - 0.2 + 0.3 * x)
        image = np.maximum(image, 0.72 * behind)
    return image


def _ellipse(
    x: np.ndarray, y: np.ndarray, cx: float, cy: float, rx: float, ry: float
) -> np.ndarray:
    return _edge((1 - np.hypot((x - cx) / rx, (y - cy) / ry)) * min(rx, ry))


def _edge(distance: np.ndarray) -> np.ndarray:
    # A soft step, one to two pixels wide at this size.
    return 1 / (1 + np.exp(-np.clip(distance / 0.012, -40, 40)))


def _studies(patients: int, seed: int) -> list[Study]:
    studies: list[Study] = []
    for number in range(patients):
        subject = 10**7 + _spread(number, patients, seed, "subject")  # p10 to p19
        split = {7: VALIDATE, 8: TEST, 9: TEST}.get(number // len(CLASSES) % 10, TRAIN)
        for visit in range(2 if number % 4 == 0 else 1):
            count = len(studies)
            finding = CLASSES[number % len(CLASSES)]
            uncertain = finding == "Cardiomegaly" and count % UNCERTAIN_EVERY == 0
            frontal = "AP" if digits(1, seed, "view", count) < 5 else "PA"
            views = (frontal, "LATERAL") if count % 4 == 2 else (frontal,)
            study = 5 * 10**7 + _spread(2 * number + visit, 2 * patients, seed, "study")
            studies.append(Study(subject, study, finding, uncertain, split, views))
    return studies


def _spread(position: int, count: int, *keys: int | str) -> int:
    # A number below 10**7, each in its own block, so that no two are equal.
    block = 10**7 // count
    return position * block + digits(7, *keys, position) % block


def _write_image(path: Path, image: np.ndarray, study: Study, view: str, count: int) -> None:
    header = Dataset()
    header.SOPClassUID = ComputedRadiographyImageStorage
    header.SOPInstanceUID = uid("image", path.stem)
    header.StudyInstanceUID, header.SeriesInstanceUID = (
        uid("study", study.study),
        uid("series", path.stem),
    )
    header.PatientID, header.PatientName, header.StudyID = str(study.subject), "", str(study.study)
    header.Modality, header.BodyPartExamined, header.ViewPosition = "CR", "CHEST", view
    syntax = (*LOSSLESS, JPEGBaseline8Bit)[count % 6]
    bits = 8 if syntax == JPEGBaseline8Bit else (8, 12, 16)[count // 6 % 3]
    header.PhotometricInterpretation = "MONOCHROME1" if count % 5 == 3 else "MONOCHROME2"
    low, high = (0, 255) if bits == 8 else (2**bits // 16, 2**bits // 16 * 13)
    if bits > 8:
        header.WindowCenter, header.WindowWidth = (low + high + 1) / 2, high - low + 1
    if header.PhotometricInterpretation == "MONOCHROME1":
        image = 1 - image
    pixels = np.rint(low + image * (high - low)).astype(np.uint8 if bits == 8 else np.uint16)
    write_dicom(path, header, pixels, bits, syntax)


def _labels(study: Study) -> dict[str, float | int | None]:
    labels: dict[str, float | int | None] = {"subject_id": study.subject, "study_id": study.study}
    labels |= dict.fromkeys(FINDINGS)
    if study.finding != "No Finding":
        labels |= {"Cardiomegaly": 0.0, "Pleural Effusion": 0.0}
    labels[study.finding] = -1.0 if study.uncertain else 1.0
    return labels


def _report(study: Study, sides: tuple[int, ...]) -> str:
    findings, impression = TEXTS["Uncertain" if study.uncertain else study.finding]
    if sides:
        angle, effusion = SIDES[sides]
        findings = findings.replace(ANGLE, angle)
        impression = impression.replace(EFFUSION, effusion)
    return REPORT.format(
        views=" AND ".join(study.views),
        complaint="dyspnea" if study.study % 2 else "chest pain",
        question="?acute process",
        findings=findings,
        impression=impression,
    )


def _procedure(study: Study) -> str:
    return "CHEST (PORTABLE AP)" if study.views[0] == "AP" else "CHEST (PA AND LAT)"


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    # No time stamp in the gzip header: equal tables are equal bytes.
    frame.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
