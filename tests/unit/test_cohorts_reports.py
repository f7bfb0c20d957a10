"""Dividing radiology reports into sections, and reading them from an archive or a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from medsynth.cohorts.mimic_cxr.reports import counts, read_reports
from medsynth.store.manifests import manifest
from medsynth.store.quarantine import CohortError
from medsynth.text.headings import NAMES
from medsynth.text.sections import SECTIONS, sections_of

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
        " FINDINGS {}\n\n IMPRESSION {}",
        " FINDINGS:  {}\n\n CONCLUSION:  {}",
        " TECHNIQUE AND FINDINGS:  {}\n\n IMPRESSIONS:  {}",
        " CHEST, PA AND LATERAL:  {}\n\n IMPRESSION:  {}",
        # what has no heading, where findings belong
        " COMPARISON:  ___.\n\n {}\n\n IMPRESSION:  {}",
        " TECHNIQUE:  PA and lateral.\n COMPARISON:  None.\n \n {}\n \n IMPRESSION:  {}",
        " HISTORY:  fever\n\n CHEST, TWO VIEWS.\n\n {}\n\n IMPRESSION:  {}",
        " EXAM:  ___\n\n Comparison is made with prior study of ___.\n\n {}\n\n IMPRESSION: {}",
        " {}\n\n IMPRESSION:  {}",
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


MISTAKES = {
    "findings": "FINDNGS FIDNINGS FINDIGNS FINDINGGS FINDINFS Findnigs finidngs FIINDINGS INDINGS",
    "impression": "IMPRESSON IMPRESSSION IMPERSSION IMRPESSION IMPRESSION_ Impresion CONCLUSOIN",
    "comparison": "COMPARISION COMPARSION COMPARION Comparisom",
    "indication": "INDICATON INDICTAION CLINICAL INDIATION",
    "history": "HISOTRY HSTORY CLINICAL HISTROY",
    "technique": "TECHNIQE TECHINQUE TECHNIQUES",
}


@pytest.mark.parametrize("section", MISTAKES)
def test_a_heading_with_one_mistake_is_a_heading(section):
    names = MISTAKES[section].replace("CLINICAL ", "CLINICAL-").split()
    for name in (name.replace("-", " ") for name in names):
        found = sections_of(f" EXAMINATION:  chest\n {name}:  What it says.\n\n RULE OUT:  x")
        assert found[section].startswith("What it says."), name


def test_a_heading_with_one_mistake_and_no_colon_stands_on_its_own_line():
    found = sections_of(" FINDIGNS\n PNEUMOTHORAX\n None.\n\n IMPRESSSION\n\n Normal.\n")
    assert found == {"findings": "PNEUMOTHORAX\n None.", "impression": "Normal."}
    found = sections_of(" COMPARISON:  ___.\n\n ATELECTASIS\n Mild.\n\n IMPRESSION:  Same.\n")
    assert found["findings"] == "ATELECTASIS\n Mild."


def test_joint_headings_with_mistakes():
    found = sections_of(" FINDNGS AND IMPRESSOIN:  Clear.")
    assert found == {"findings": "Clear.", "impression": "Clear."}


@pytest.mark.parametrize(
    "word",
    [
        *(
            "Lungs",
            "Heart",
            "Bones",
            "Pleura",
            "Lines",
            "Exams",
            "Price",
            "Reasons",
            "View",
            "Sturdy",
        ),
        *("Compression", "Depression", "Concussion", "Occlusion", "Modification", "Fixation"),
        *("In summary we find", "Other findings", "FIDNIGNS", "IMPRSION", "Chest tube", "Chest CT"),
    ],
)
def test_other_words_are_no_headings(word):
    text = f" FINDINGS:  Clear.\n {word}: normal.\n\n {word.upper()}:  normal."
    assert sections_of(text) == {"findings": text[12:].strip()}


@pytest.mark.parametrize(
    "views",
    [
        "PA AND LATERAL",
        "AP CHEST, 5:40 A.M., ON JULY 15",
        "AP CHEST, 5:40 A.M., ___",
        "PORTABLE UPRIGHT FRONTAL CHEST RADIOGRAPH",
        "CHEST, PA AND LATERAL",
        "CHEST (PA & LAT)",
        "Chest PA and lateral",
        "FRONTAL AND LATERAL VIEWS OF THE CHEST",
        "PORTABLE SEMI-ERECT CHEST FILM, ___ AT 16:18",
        "CHEST, TWO VIEWS",
        "CHEST X-RAY, 2 VIEWS, 03/04/2011",
        "SINGLE AP PORTABLE VIEW",
        "AP/LATERAL",
        "SUPINE AP",
        "CHEST RADIOGRAPH PERFORMED ON ___",
        "PA and lateral chest compared to ___",
    ],
)
@pytest.mark.parametrize("words", ["Normal.", "Lungs clear.\n\n LINES:  none.\n\n Heart normal."])
def test_what_stands_under_the_name_of_the_views_are_the_findings(views, words):
    found = sections_of(f" HISTORY:  pain\n {views}:  {words}\n\n IMPRESSION:  Well.")
    assert found == {"history": "pain", "findings": words, "impression": "Well."}
    below = sections_of(f" HISTORY:  pain\n\n {views}:\n\n {words}\n\n ______________\n")
    assert below == {"history": "pain", "findings": words}
    assert sections_of(f" HISTORY:  pain\n\n {views}:  ___.\n") == {"history": "pain"}
    with_heading = f" HISTORY:  pain\n\n {views}:  at 5 a.m.\n\n FINDINGS:  {words}"
    assert sections_of(with_heading) == {"history": "pain", "findings": words}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a word within a section, unlike the headings of the report or one that it has had
        (
            " FINDINGS:  Clear. Comparison: no change. Heart normal.\n\n IMPRESSION:  Well.",
            {"findings": "Clear. Comparison: no change. Heart normal.", "impression": "Well."},
        ),
        (
            " FINDINGS:  Clear.\n Comparison: no change.\n Heart normal.\n\n IMPRESSION:  Well.",
            {"findings": "Clear.\n Comparison: no change.\n Heart normal.", "impression": "Well."},
        ),
        (
            "Comparison: none\nFindings: Clear.\nComparison: no change.\nImpression: Well.",
            {
                "comparison": "none",
                "findings": "Clear.\nComparison: no change.",
                "impression": "Well.",
            },
        ),
        (
            "INDICATION: pain. History: smoker. FINDINGS: Clear. IMPRESSION: Well.",
            {
                "indication": "pain. History: smoker.",
                "findings": "Clear.",
                "impression": "Well.",
            },
        ),
        # the weaker of two names of the impression
        (
            " FINDINGS:  Clear.\n\n SUMMARY:  No change.\n\n IMPRESSION:  Well.",
            {"findings": "Clear.\n\n SUMMARY:  No change.", "impression": "Well."},
        ),
        (
            " FINDINGS:  Clear.\n\n IMPRESSION:  Well. SUMMARY: no change.",
            {"findings": "Clear.", "impression": "Well. SUMMARY: no change."},
        ),
        (
            " FINDINGS:  Clear.\n\n CONCLUSION:  Well. Summary: no change.",
            {"findings": "Clear.", "impression": "Well. Summary: no change."},
        ),
        (" FINDINGS:  Clear.\n\n SUMMARY:  Well.", {"findings": "Clear.", "impression": "Well."}),
        # the name of the views within the technique
        (
            "EXAMINATION:\nChest: Two views\n\nTECHNIQUE:\nChest: Frontal and Lateral\n\n"
            "FINDINGS:\n\nClear.",
            {"technique": "Chest: Frontal and Lateral", "findings": "Clear."},
        ),
        # a name within a longer one, or within its own section
        (
            " FINDINGS:  Clear.\n\n IMPRESSION:  Well.\n\n INCIDENTAL FINDINGS:  Old fracture.",
            {"findings": "Clear.", "impression": "Well.\n\n INCIDENTAL FINDINGS:  Old fracture."},
        ),
        (
            " CHEST FINDINGS:  Clear.\n\n IMPRESSION:  Well.",
            {"findings": "Clear.", "impression": "Well."},
        ),
        (" INDICATION:  INDICATION: PAIN", {"indication": "INDICATION: PAIN"}),
        # headings all the same
        (
            " FINDINGS:  Clear.\n\n COMPARISON:  ___.\n\n IMPRESSION:  Well.",
            {"findings": "Clear.", "comparison": "___.", "impression": "Well."},
        ),
        (
            " IMPRESSION:  Well.\n\n RECOMMENDATION(S):  None.\n\n NOTIFICATION:  Dr. ___",
            {"impression": "Well."},
        ),
        (
            " INDICATION:  pain. Findings: Clear. Impression: Well.",
            {"indication": "pain.", "findings": "Clear.", "impression": "Well."},
        ),
    ],
)
def test_words_within_a_section_and_headings(text, expected):
    assert sections_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            " COMPARISON:  ___.\n\n Lungs clear.\n\n Heart normal.\n\n ______________\n",
            {"comparison": "___.", "findings": "Lungs clear.\n\n Heart normal."},
        ),
        (
            " COMPARISON:  ___.\n\n LUNGS:  Clear.\n\n HEART:  Normal.\n\n IMPRESSION:  Well.",
            {
                "comparison": "___.",
                "findings": "LUNGS:  Clear.\n\n HEART:  Normal.",
                "impression": "Well.",
            },
        ),
        (
            " INDICATION:  pain\n\n Left side.\n\n COMPARISON:  ___.\n\n FINDINGS:  Clear.",
            {"indication": "pain", "comparison": "___.", "findings": "Clear."},
        ),
        (  # compared with, and how: no findings
            " INDICATION:  pain\n\n Comparison is made to the patient's previous study dated ___ at"
            " 9:07.\n\n Portable AP upright chest film ___ at 9:01 is submitted.\n\n IMPRESSION:"
            "  Well.",
            {"indication": "pain", "impression": "Well."},
        ),
        (
            " IMPRESSION:  Well.\n\n NOTIFICATION:  Dr. ___\n\n by phone, at once.",
            {"impression": "Well."},
        ),
    ],
)
def test_what_has_no_heading(text, expected):
    assert sections_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        " WET READ: ___ ___ 8:03 PM\n  {}\n",
        " WET READ: ___ ___ 8:03 PM\n  {}\n ______________\n FINAL REPORT\n",
        " WET READ: ___ ___ 8:03 PM\n  {}\n ______________\n FINAL REPORT\n AP CHEST, 6:36 P.M.\n",
        " WET READ: SMIth WED ___ 8:03 PM\n  {}\n  \n WET READ VERSION #1 ___ ___ 7:01 PM\n",
        " WETREAD:  {}",
        " PRELIMINARY REPORT\n {}",
        " Wet Read: {}",
        " PROVISIONAL FINDINGS IMPRESSION (PFI): ___ ___ 8:03 PM\n {}",
        " PFI:  ___ 8:03 PM\n {}\n ______________\n FINAL REPORT\n",
    ],
)
def test_a_wet_read_stands_for_a_report_that_says_nothing_else(text):
    words = "1. Effusion.\n  2. No edema."
    assert sections_of(text.format(words)) == {"last_paragraph": words}


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
    several = " HISTORY:  fever\n\n Lungs are clear.\n\n Heart is normal.\n"
    assert sections_of(several)["last_paragraph"] == "Lungs are clear.\n\n Heart is normal."
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
    table = read_reports(index(), write(tmp_path / "reports", top), {})
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
    assert counts(table, {}) == {
        "studies": 4,
        "with_report": 3,
        "with_findings": 2,
        "with_impression": 1,
        "empty": 1,
        "with_unread_heading": {},
        "other_lines_like_headings": 0,
    }


def test_what_is_no_archive_of_reports_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(CohortError, match="no folders pNN of reports.*mimic-cxr-reports.zip"):
        read_reports(index(), tmp_path / "other.zip", {})
    (tmp_path / "cut.zip").write_bytes(packed(tmp_path / "a.zip", "files/").read_bytes()[:-30])
    with pytest.raises(CohortError, match="BadZipFile.; .* download it again"):
        read_reports(index(), tmp_path / "cut.zip", {})
    with pytest.raises(CohortError, match="none of the cohort's 1 studies"):
        read_reports(index()[:1], tmp_path / "a.zip", {})


def test_a_damaged_report_names_no_patient(tmp_path):
    path = packed(tmp_path / "a.zip", "files/")
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("files/p10/p10000032/s50000001.txt")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start : start + 40] = b"\x00" * 40
    path.write_bytes(data)
    with pytest.raises(CohortError, match="download it again") as caught:
        read_reports(index(), path, {})
    assert "10000032" not in str(caught.value) and caught.value.__cause__ is None
