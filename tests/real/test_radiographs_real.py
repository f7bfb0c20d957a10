"""Real radiographs, odd DICOM files and real reports: decoded, shown and divided as they should."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pydicom
import pytest

from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing, CxrRead, ViewLabel
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.imaging.dicom import open_dicom, read_radiograph
from medsynth.imaging.pixels import stored_codes
from medsynth.store.quarantine import UnusableImage
from medsynth.text.headings import says_nothing
from medsynth.text.sections import sections_of
from tests.checkout import ROOT
from tests.unit.jpeg_oracle import reference_pixels

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)
RADIOGRAPHS = sorted((DATA / "mimic-cxr-layout" / "files").rglob("*.dcm"))[:12]


def grey_of_pydicom(path: Path) -> np.ndarray | None:
    """pydicom's pixels, if it can decode one frame of 8 to 16 grey bits."""
    try:
        dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
            dataset = open_dicom(path)
        grey = str(dataset.PhotometricInterpretation).startswith("MONOCHROME")
        usable = grey and 8 <= dataset.BitsStored <= 16 and not dataset.get("NumberOfFrames", 1) > 1
        return reference_pixels(dataset) if usable else None
    except Exception:
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", ["dicom-edge", "cxr-dicom"])
def test_odd_files_are_decoded_as_pydicom_does_or_set_aside(folder):
    equal = aside = 0
    for file in sorted(path for path in (DATA / folder).rglob("*") if path.is_file()):
        expected = grey_of_pydicom(file)
        if expected is None:
            with pytest.raises(UnusableImage):
                stored_codes(open_dicom(file))
            aside += 1
        else:
            codes, levels = stored_codes(open_dicom(file))
            assert np.abs(levels[codes] - expected).max() < 0.75, file.name  # of integers: equal
            equal += 1
    assert (equal, aside) == {"dicom-edge": (31, 42), "cxr-dicom": (3, 0)}[folder]


@pytest.mark.parametrize("file", RADIOGRAPHS, ids=range(len(RADIOGRAPHS)))
def test_radiographs_span_black_to_white(file):
    dataset = pydicom.dcmread(file)
    pixels = dataset.pixel_array.astype(float)
    expected = (pixels - pixels.min()) / np.ptp(pixels) * 255
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        expected = 255 - expected
    np.testing.assert_allclose(read_radiograph(file), expected, rtol=0, atol=0.501)


def test_the_layout_of_the_archive_is_indexed_and_read(tmp_path):
    root = DATA / "mimic-cxr-layout"
    index = index_mimic_cxr(root, CxrIndexing(label=ViewLabel(kind="view"), shards=10))
    assert index["label"].value_counts().to_dict() == {"AP": 104, "PA": 35}
    assert index["split_hint"].notna().all()
    rows = index[index["shard"] == 0]
    items = shard_mimic_cxr(rows, root, CxrRead(image_size=64), tmp_path / "0.h5", {})
    assert len(items) == len(rows) > 5 and (items["status"] == "used").all()


# --- reports ----------------------------------------------------------------------------------

ORDER = ["indication", "comparison", "findings", "impression"]


def wrapped(text: str) -> str:
    return textwrap.fill(
        text,
        76,
        initial_indent=" ",
        subsequent_indent=" ",
        break_long_words=False,
        break_on_hyphens=False,
    )


VIEWS = {"findings": "PORTABLE AP CHEST, 5:40 A.M., ___"}
OTHER_NAMES = {"impression": "CONCLUSION", "indication": "REASON FOR EXAM"}
LAYOUTS = {
    "as in MIMIC-CXR": lambda report: (
        " " * 33
        + "FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n\n"
        + "\n\n".join(wrapped(f"{name.upper()}:  {text}") for name, text in report.items())
    ),
    "headings above": lambda report: "\n\n".join(
        f" {name.upper()}:\n\n{wrapped(text)}" for name, text in report.items()
    ),
    "one line": lambda report: " ".join(f"{n.upper()}: {text}" for n, text in report.items()),
    "lower case": lambda report: "\n".join(f"{name}: {text}" for name, text in report.items()),
    "no colon": lambda report: "\n\n".join(f"{n.title()}\n\n{text}" for n, text in report.items()),
    "other names": lambda report: "\n".join(
        f"{OTHER_NAMES.get(name, name.upper())}: {text}" for name, text in report.items()
    ),
    "misspelt": lambda report: "\n\n".join(
        wrapped(f"{name.upper().replace('IN', 'NI', 1).replace('ARI', 'AR', 1)}:  {text}")
        for name, text in report.items()
    ),
    "views for findings": lambda report: "\n\n".join(
        wrapped(f"{VIEWS.get(name, name.upper())}:  {text}") for name, text in report.items()
    ),
}


@pytest.fixture(scope="module")
def open_i() -> list[dict[str, str]]:
    reports = []
    with tarfile.open(DATA / "openi-reports" / "reports.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".xml"):
                tree = ElementTree.parse(archive.extractfile(member))
                texts = {e.get("Label").lower(): e.text for e in tree.iter("AbstractText")}
                reports.append({n: t.strip() for n in ORDER if (t := texts.get(n)) and t.strip()})
    return reports


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sections_of_open_i_are_found_again(open_i, layout):
    """One report holds another one, headings and all; four repeat the heading of a section, which
    where it stands on a line of its own is that of an empty section.
    """
    assert len(open_i) == 2400
    wrong = dict.fromkeys(ORDER, 0)
    for report in open_i:
        found = sections_of(LAYOUTS[layout](report))
        for name in ORDER:
            wrong[name] += found.get(name, "").split() != report.get(name, "").split()
    own_line = layout in ("headings above", "no colon")
    assert wrong == {
        "findings": 0,
        "comparison": 0,
        "impression": 1,
        "indication": 4 if own_line else 0,
    }


def test_findings_of_open_i_without_their_heading_are_found_again(open_i):
    """After a comparison, or before an impression. Five begin with "Chest:", a name of views."""
    wrong = 0
    for report in open_i:
        if "findings" in report and report.keys() & {"comparison", "impression"}:
            heads = {name: f"{name.upper()}:  " for name in ORDER} | {"findings": ""}
            text = "\n\n".join(wrapped(heads[name] + words) for name, words in report.items())
            found = sections_of(f" EXAMINATION:  CHEST (PA AND LAT)\n\n{text}")
            wrong += found["findings"].removeprefix("Chest:").split() != (
                report["findings"].removeprefix("Chest:").split()
            )
    assert wrong == 0


def test_no_report_of_the_labelled_ones_loses_what_it_says():
    file = DATA / "cxr-reports-labelled" / "reports.jsonl.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines()
    reports = [json.loads(line)["report"] for line in lines]
    told = {"findings", "impression", "last_paragraph"}
    empty = [text for text in reports if not sections_of(text).keys() & told]
    # Cut off before anything was said of the image.
    assert len(empty) <= 0.08 * len(reports)
    for text in reports:
        found = sections_of(text)
        if text.lstrip().startswith("WET READ") and "FINAL REPORT" not in text:
            assert found.keys() & told, text
        if "last_paragraph" in found:
            assert not says_nothing(found["last_paragraph"])


def test_impressions_without_a_heading_are_last_paragraphs():
    folder = DATA / "chexpert-labeler-sample"
    for text in pd.read_csv(folder / "labeled_reports.csv")["Reports"]:
        assert sections_of(text) == {"last_paragraph": text}
