"""Contrast phase from headers: the bolus module, and descriptions from the most specific on."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from pydicom.dataset import Dataset

from medsynth.cohorts.contrast import contrast_of
from medsynth.cohorts.dicom import open_dicom

REAL = Path(
    os.environ.get("MEDSYNTH_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)


def header(**tags) -> Dataset:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"ContrastBolusAgent": "", "ContrastBolusRoute": "IV"}, "cect"),
        ({"ContrastBolusVolume": "100"}, "cect"),
        ({"ContrastBolusVolume": "0"}, None),
        ({"ContrastFlowRate": ["0", "4.5"]}, "cect"),
        ({"ContrastBolusStartTime": "101530.00"}, "cect"),
        ({"ContrastBolusStartTime": "000000"}, None),
        ({"ContrastBolusAgent": "BARIUM SULFATE", "ContrastBolusVolume": "450"}, None),
        ({"ContrastBolusAgent": "NONE", "ContrastBolusRoute": "IV"}, None),
        ({"SeriesDescription": "Thorax nativ", "ContrastBolusAgent": ""}, "ct"),
        ({"SeriesDescription": "PORTAL VENOUS 5.0"}, "cect"),
        ({"SeriesDescription": "ABD -C"}, "ct"),
        ({"SeriesDescription": "ABD +C"}, "cect"),
        ({"SeriesDescription": "C-SPINE"}, None),
        ({"ProtocolName": "CHEST W/O & W CONTRAST"}, None),
        ({"ProtocolName": "2D WB PTCT WITH CONTRAST"}, "cect"),
        ({"ProtocolName": "TRAUMA (NON CONTRAST)", "StudyDescription": "WITH CONTRAST"}, "ct"),
        ({"SeriesDescription": "LOCALIZATION", "StudyDescription": "CT WITH CONTRAST"}, None),
        ({"RequestedProcedureDescription": "CT CHEST WITHOUT CONTRAST"}, None),
    ],
)
def test_what_a_header_says(tags, expected):
    assert contrast_of(header(**tags)) == expected


def test_real_headers_are_right_wherever_they_say_something():
    folder = REAL / "tcga-ct-slices"
    if not folder.is_dir():
        pytest.skip(f"no real CT slices in {folder}; set MEDSYNTH_REAL_DATA")
    table = pd.read_csv(folder / "contrast.csv")
    said = [contrast_of(open_dicom(folder / "dicom" / f, pixels=False)) for f in table["file"]]
    pairs = [(s, "cect" if c else "ct") for s, c in zip(said, table["contrast"], strict=True) if s]
    assert len(pairs) >= 15
    assert [p for p in pairs if p[0] != p[1]] == []
