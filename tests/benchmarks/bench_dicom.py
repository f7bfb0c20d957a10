"""Reading a radiograph to 8-bit grey against pydicom's bare decoding of the same file."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median

import pydicom

from medsynth.demo.radiographs import write_cxr
from medsynth.imaging.dicom import read_radiograph

ROUNDS = 5


def _files() -> list[Path]:
    real = Path(os.environ.get("MEDSYNTH_REAL_DATA", "../shared/data")) / "mimic-cxr-layout"
    folder = real if real.is_dir() else Path(tempfile.mkdtemp())
    if folder is not real:
        write_cxr(folder, 20, 7)
    return sorted(folder.glob("files/**/*.dcm"))[:40]


def rows():
    files = _files()
    seconds = {"ours": [], "peer": []}
    for _ in range(ROUNDS):
        for file in files:
            start = time.perf_counter()
            pydicom.dcmread(file).pixel_array  # noqa: B018  (the access decodes)
            middle = time.perf_counter()
            read_radiograph(file)
            seconds["peer"].append(middle - start)
            seconds["ours"].append(time.perf_counter() - middle)
    ours, peer = median(seconds["ours"]) * 1000, median(seconds["peer"]) * 1000
    yield {
        "name": "DICOM radiograph read / bare pydicom",
        "unit": "ms",
        "ours": ours,
        "peer": peer,
        "ratio": ours / peer,
        "goal": "<= 1.18 (0.85 of its speed)",
    }
