"""Chest radiographs in the layout of a MIMIC-CXR download.

The images are drawn by :mod:`.chest_phantom`. Reports say the finding and, of fluid, on which side
the frontal view has it: what a label does not tell, and a text can.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, JPEGBaseline8Bit

from medsynth.demo.chest_phantom import SIZE, draw
from medsynth.demo.dicom import LOSSLESS, truncate, write_dicom
from medsynth.demo.identifiers import digits, hexes, uid
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import TEST, TRAIN, VALIDATE

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
            image, sides = draw(study.finding, study.uncertain, view, rng)
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
