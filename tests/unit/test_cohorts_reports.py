"""Dividing radiology reports into sections, and reading them from an archive or a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from medsynth.cohorts.reports import NAMES, SECTIONS, counts, read_reports, sections_of
from medsynth.cohorts.unusable import CohortError
from medsynth.store.manifests import manifest

USUAL = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___-year-old with chest pain  // ?acute process

 TECHNIQUE:  Chest PA and lateral

 COMPARISON:  ___.

 FINDINGS: 

 The lungs are clear.  ___ catheter ends in the
 right atrium.

 BONES:  Old fracture of the left clavicle.

 IMPRESSION: 

 No acute process.

 NOTIFICATION:  Dr. ___ at 8:03 a.m.
"""


def test_the_usual_layout():
    assert sections_of(USUAL) == {
        "indication": "___-year-old with chest pain  // ?acute process",
        "technique": "Chest PA and lateral",
        "comparison": "___.",
        "findings": "The lungs are clear.  ___ catheter ends in the\n right atrium.\n\n"
        " BONES:  Old fracture of the left clavicle.",
        "impression": "No acute process.",
    }


@pytest.mark.parametrize(
    "layout",
    [
        "FINDINGS: {}\nIMPRESSION: {}",
        "findings: {}\nimpression: {}",
        " Findings :\n\n {}\n\n Impression :\n\n {}\n",
        "HISTORY: cough. FINDINGS: {} IMPRESSION: {}",
        "History: cough. Findings: {} Impression: {}",
        "FINDINGS\n{}\nIMPRESSION\n{}",
        "Findings\n\n{}\n\nImpression\n\n{}",
        " FINDINGS.  {}\n\n IMPRESSION -  {}",
        " FINDINGS:  {}\n\n CONCLUSION:  {}",
        " TECHNIQUE AND FINDINGS:  {}\n\n IMPRESSIONS:  {}",
        " CHEST, PA AND LATERAL:  {}\n\n IMPRESSION:  {}",
        " IMPRESSION:\n\n FINDINGS:  {}\n\n IMPRESSION:  {}",
    ],
)
def test_ways_of_writing_the_headings(layout):
    found = sections_of(layout.format("Lungs clear, heart normal today.", "No acute process."))
    assert found["findings"] == "Lungs clear, heart normal today."
    assert found["impression"] == "No acute process."


@pytest.mark.parametrize(
    "heading", ["FINDINGS AND IMPRESSION", "Findings/Impression", "IMPRESSION & FINDINGS"]
)
def test_a_joint_heading_fills_both(heading):
    found = sections_of(f" {heading}:  Clear.\n\n No effusion.")
    assert found == dict.fromkeys(["findings", "impression"], "Clear.\n\n No effusion.")


def test_a_wet_read_and_an_addendum_are_not_the_report():
    line = "_" * 78
    early = f" WET READ: ___ 8:03 AM\n  Effusion. IMPRESSION: Effusion.\n {line}\n"
    final = " FINAL REPORT\n HISTORY:  fever\n\n IMPRESSION:  No effusion."
    expected = {"history": "fever", "impression": "No effusion."}
    assert sections_of(early + final) == expected
    assert sections_of(" FINAL ADDENDUM\n ADDENDUM:  FINDINGS: x\n" + final) == expected


def test_without_a_heading_the_last_paragraph_stands_for_the_report():
    text = " HISTORY:  fever\n\n AP radiograph.\n\n Lungs are\n clear.\n\n ____________\n"
    assert sections_of(text) == {"history": "fever", "last_paragraph": "Lungs are\n clear."}
    assert sections_of(" PORTABLE CHEST:  ___\n\n Lungs are clear.") == {
        "last_paragraph": "Lungs are clear."
    }
    assert sections_of("History of x.\n\n1. Effusion.\n\n2. No edema.") == {
        "last_paragraph": "1. Effusion.\n\n2. No edema."
    }
    assert sections_of("") == sections_of(" \n\n ") == {}
    assert sections_of(" INDICATION:  pain") == {"indication": "pain"}


def test_words_that_are_no_headings():
    text = " FINDINGS:  In comparison to the prior\n study findings are stable. SVC: normal."
    assert sections_of(text) == {"findings": text[12:].strip()}


words = st.sampled_from([*sum(NAMES.values(), []), "FINAL REPORT", "___", "_" * 20, "clear", "1."])
pieces = st.one_of(words, words.map(str.upper), words.map(str.title), st.text(max_size=5))
marks = st.sampled_from([" ", "\n", "\n\n ", ": ", ":\n", ". ", " and ", "/", "\t", "\r"])


@given(st.lists(st.tuples(pieces, marks), max_size=30))
@examples(max_examples=300, deadline=None)
def test_any_text_gives_pieces_of_itself(parts):
    text = "".join(piece + mark for piece, mark in parts)
    found = sections_of(text)
    assert found.keys() <= {*SECTIONS, "last_paragraph"}
    for section in found.values():
        assert section and section == section.strip() and section in text


# --- archives and folders ---------------------------------------------------------------------

REPORTS = {
    "p10/p10000032/s50000001.txt": USUAL.encode(),
    "p10/p10000032/s50000002.txt": b"\xef\xbb\xbf FINDINGS:  Clear,\r\n 20 \xb0.\r\n",
    "p11/p11000033/s50000003.txt": b" \n",
    "p11/p11000033/s59999999.txt": b" FINDINGS:  of a study that is not in the index",
}


def index() -> pd.DataFrame:
    studies = {"50000004": "12000034", "50000003": "11000033", "50000001": "10000032"}
    studies |= {"50000002": "10000032"}
    rows = [{"item_id": g + v, "patient": p, "group": g} for g, p in studies.items() for v in "ab"]
    return manifest([*rows, {"item_id": "x", "patient": None, "group": None}])


def packed(path: Path, top: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in REPORTS.items():
            archive.writestr(top + name, data)
    return path


def unpacked(folder: Path, top: str) -> Path:
    for name, data in REPORTS.items():
        file = folder / (top + name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


@pytest.mark.parametrize("write", [packed, unpacked])
@pytest.mark.parametrize("top", ["files/", "", "mimic-cxr-reports/files/"])
def test_reports_of_the_index_are_read(tmp_path, write, top):
    table = read_reports(index(), write(tmp_path / "reports", top))
    assert table[["patient", "group"]].to_numpy().tolist() == [
        ["10000032", "50000001"],
        ["10000032", "50000002"],
        ["11000033", "50000003"],
        ["12000034", "50000004"],
    ]
    assert table["findings"].tolist()[1] == "Clear,\n 20 �."
    assert table["impression"].notna().tolist() == [True, False, False, False]
    assert table["text"].isna().tolist() == [False, False, False, True]
    assert table["text"][0] == USUAL
    assert counts(table) == {
        "studies": 4,
        "with_report": 3,
        "with_findings": 2,
        "with_impression": 1,
        "empty": 1,
    }


def test_what_is_no_archive_of_reports_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(CohortError, match="no folders pNN of reports.*mimic-cxr-reports.zip"):
        read_reports(index(), tmp_path / "other.zip")
    (tmp_path / "cut.zip").write_bytes(packed(tmp_path / "a.zip", "files/").read_bytes()[:-30])
    with pytest.raises(CohortError, match="BadZipFile.; download it again"):
        read_reports(index(), tmp_path / "cut.zip")
    with pytest.raises(CohortError, match="none of the cohort's 1 studies"):
        read_reports(index()[:1], tmp_path / "a.zip")


def test_a_damaged_report_names_no_patient(tmp_path):
    path = packed(tmp_path / "a.zip", "files/")
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("files/p10/p10000032/s50000001.txt")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start : start + 40] = b"\x00" * 40
    path.write_bytes(data)
    with pytest.raises(CohortError, match="download it again") as caught:
        read_reports(index(), path)
    assert "10000032" not in str(caught.value) and caught.value.__cause__ is None
