"""Contrast phase by a header: descriptions, the bolus module, contradictions."""

from __future__ import annotations

import pandas as pd
import pytest
from pydicom.dataset import Dataset

from medsynth.imaging.ct.contrast.phase import header_phase
from medsynth.imaging.dicom import open_dicom
from tests.unit.real_data import need


def contrast_of(dataset):
    return header_phase(dataset).label


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
        ({"ContrastBolusAgent": "OMNIPAQUE", "ContrastBolusVolume": "0"}, None),
        ({"ContrastBolusAgent": "MELADON", "ContrastBolusVolume": "90"}, "cect"),
        ({"ContrastBolusAgent": "SALINE", "ContrastBolusRoute": "IV"}, None),
        ({"ContrastBolusAgent": "ISOVUE", "ContrastBolusRoute": "INTRATHECAL"}, None),
        ({"ContrastBolusAgent": "O", "ContrastBolusRoute": "IV"}, "cect"),
        ({"SeriesDescription": "Thorax nativ", "ContrastBolusAgent": ""}, "ct"),
        ({"SeriesDescription": "PORTAL VENOUS 5.0"}, "cect"),
        ({"SeriesDescription": "C-SPINE", "ProtocolName": "CHEST ROUTINE"}, None),
        ({"ProtocolName": "CHEST W/O & W CONTRAST", "StudyDescription": "CT W CONTRAST"}, None),
        ({"ProtocolName": "2D WB PTCT WITH CONTRAST"}, "cect"),
        ({"ProtocolName": "TRAUMA (NON CONTRAST)", "StudyDescription": "WITH CONTRAST"}, "ct"),
        ({"SeriesDescription": "LOCALIZATION", "StudyDescription": "CT WITH CONTRAST"}, None),
        ({"SeriesDescription": "PREMONITORING", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "VIRTUAL NON CONTRAST", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "PRE AND POST", "StudyDescription": "CT WITH CONTRAST"}, None),
        ({"SeriesDescription": "PRE AND POST", "ContrastBolusAgent": "ISOVUE"}, None),
        ({"SeriesDescription": "AX", "StudyDescription": "CT ABD W ORAL CONTRAST"}, None),
        ({"ContrastBolusVolume": "0", "ContrastBolusStartTime": "101530"}, "cect"),
        ({"SeriesDescription": "DELAYED", "StudyDescription": "CT WITH CONTRAST"}, "cect"),
        ({"RequestedProcedureDescription": "CT CHEST WITHOUT CONTRAST"}, None),
    ],
)
def test_what_a_header_says(tags, expected):
    assert contrast_of(header(**tags)) == expected


NAMED = """APPLIED IV CE Y yes Omni OMNIPAQUE ISOVUE300/100 Ultravist|370 Visipaque iohexol Iomeron
125CC|OPTIRAY 100|ML|OPTI|350 NON|IONIC Non-ionic nonionic|100cc MELADON|350 90|ml Contrast KM
ORAL|&|IV IV|and|PO 100ML|OMNI|W/|50|SALINE Kontrastmittel Gadovist iodine MD-76 C+ Omnipaque|+|NaCl
Isovue|100ml,|no|reaction"""
DENIED = """NONE NO No|contrast None|given Not|given Not|applied N 0 0.0 0|ml 0cc OMNIPAQUE|0|ml
XENETIX|350|-|0.0|ml NO|IV|CONTRAST NO|OMNIPAQUE WITHOUT W/O ohne keine sin|contraste|iv sans C-
senza|mdc Non|contrast geen IV|NO OMNIPAQUE|NOT|GIVEN Patient|refused no|agent
IV|contrast|not|administered"""
UNSAID = """N/A -- - ? unknown Not|known see|notes ORAL water Omnipaque|oral VISIPAQUE|320,|PO
barium gastrografin no|oral|contrast saline|50|ml 350 DEIDENTIFIED MELADON intrathecal|isovue TBD
contrast|allergy Allergic|to|iodine Contrast|agent|unknown IV? Omnipaque|oral?"""


def fields(text: str) -> list[str]:
    return [field.replace("|", " ") for field in text.split()]


@pytest.mark.parametrize("agent", fields(NAMED))
def test_an_agent_in_the_vein_makes_a_slice_enhanced_unless_the_series_denies_it(agent):
    assert contrast_of(header(ContrastBolusAgent=agent)) == "cect"
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W CONTRAST")) == "cect"
    for keyword in ("SeriesDescription", "ProtocolName"):
        phase = header_phase(header(ContrastBolusAgent=agent, **{keyword: "CHEST W/O CONTRAST"}))
        assert phase.label is None and phase.reason == "contrast_contradiction"
        assert f'"{agent}"' in phase.detail and f'{keyword} "w / o contrast"' in phase.detail
    # A study is what was ordered: the injection came about.
    assert contrast_of(header(ContrastBolusAgent=agent, StudyDescription="CT W/O")) == "cect"


@pytest.mark.parametrize("agent", fields(DENIED))
def test_a_denied_agent_is_no_label_and_contradicts_a_text_that_names_one(agent):
    assert contrast_of(header(ContrastBolusAgent=agent)) is None
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W/O CONTRAST")) == "ct"
    for keyword in ("SeriesDescription", "ProtocolName", "StudyDescription"):
        phase = header_phase(header(ContrastBolusAgent=agent, **{keyword: "WITH CONTRAST"}))
        assert phase.label is None and phase.reason == "contrast_contradiction"
        assert f'"{agent}"' in phase.detail and f'{keyword} "with contrast"' in phase.detail
    assert header_phase(header(ContrastBolusAgent=agent, ContrastBolusVolume="90")).reason == (
        "contrast_contradiction"
    )


@pytest.mark.parametrize("agent", fields(UNSAID))
def test_a_field_that_names_no_agent_leaves_it_to_the_descriptions(agent):
    phase = header_phase(header(ContrastBolusAgent=agent))
    assert phase.label is None and phase.reason == "no_contrast_label" and agent in phase.detail
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W CONTRAST")) == "cect"
    assert contrast_of(header(ContrastBolusAgent=agent, SeriesDescription="W/O CONTRAST")) == "ct"


def test_coded_agents_are_read():
    code = header(CodeMeaning="Iopamidol")
    assert contrast_of(header(ContrastBolusAgentSequence=[code])) == "cect"


def test_real_headers_are_right_wherever_they_say_something():
    folder = need("tcga-ct-slices")
    table = pd.read_csv(folder / "contrast.csv")
    said = [contrast_of(open_dicom(folder / "dicom" / f, pixels=False)) for f in table["file"]]
    pairs = [(s, "cect" if c else "ct") for s, c in zip(said, table["contrast"], strict=True) if s]
    assert len(pairs) >= 15
    assert [p for p in pairs if p[0] != p[1]] == []
