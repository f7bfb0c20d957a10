"""Small radiographs and downloads of them, for tests. Not a test file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from medsynth.demo.dicom import write_dicom

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def radiograph(path: Path, syntax: str = ExplicitVRLittleEndian, uid: str = "1.2.3") -> Path:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = ComputedRadiographyImageStorage, uid
    header.Modality, header.PhotometricInterpretation = "CR", "MONOCHROME2"
    write_dicom(path, header, RAMP, 12, syntax)
    return path


def mimic(root: Path, images: int) -> list[Path]:
    """A download of so many good radiographs, one a patient, and its metadata table."""
    rows = [
        {"dicom_id": f"i{k}", "subject_id": f"{k + 10}", "study_id": "5"} for k in range(images)
    ]
    table = pd.DataFrame(rows).assign(ViewPosition=["AP", "PA"] * (images // 2))
    root.mkdir(parents=True, exist_ok=True)
    table.to_csv(root / "mimic-cxr-2.0.0-metadata.csv", index=False)
    files = []
    for row in rows:
        subject = f"p{row['subject_id']}"
        place = root / "files" / subject[:3] / subject / "s5" / f"{row['dicom_id']}.dcm"
        files.append(radiograph(place))
    return files
