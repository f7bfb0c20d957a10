"""Radiology reports: reading them, and dividing their free text into sections.

MIMIC-CXR's reports (mimic-cxr-reports.zip, files/pNN/pNNNNNNNN/sNNNNNNNN.txt) were dictated:
headings are spelt, joined, placed and left out as the speaker liked.
"""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd

from medsynth.cohorts.unusable import CohortError

log = logging.getLogger(__name__)

NAMES = {
    "findings": ["finding", "findings"],
    "impression": [
        *("impression", "impressions", "final impression", "conclusion", "conclusions"),
        *("interpretation", "opinion", "summary"),
    ],
    "indication": [
        *("indication", "indications", "clinical indication", "clinical indications", "reason"),
        *("indication for study", "reason for exam", "reason for examination", "reason for study"),
        *("reason for the exam", "reason for this exam", "reason for this examination"),
    ],
    "history": [
        *("history", "clinical history", "patient history", "medical history"),
        *("clinical information", "clinical data", "history of present illness"),
    ],
    "comparison": [
        *("comparison", "comparisons", "comparison exam", "comparison film", "comparison films"),
        *("comparison study", "comparison studies", "prior", "prior studies", "reference exam"),
    ],
    "technique": ["technique", "techniques", "procedure", "views"],
    # Headings that end the section before them and whose own text is not asked for.
    "other": [
        *("exam", "examination", "type of examination", "study", "wet read", "addendum"),
        *("recommendation", "recommendations", "recommendation(s)"),
        *("notification", "notifications", "notification(s)"),
        "provisional findings impression (pfi)",
    ],
}
SECTIONS = ["findings", "impression", "indication", "history", "comparison", "technique"]
SECTION_OF = {name: section for section, names in NAMES.items() for name in names}
LEAST_WORDS = 5  # of findings below the name of the views, where a date or nothing may stand
WORDED = {"findings", "impression"}  # of several paragraphs and with subheadings (LUNGS:)


def _alternatives(names: list[str]) -> str:
    name = "|".join(re.escape(n).replace(r"\ ", r"[ \t]+") for n in sorted(names, key=len)[::-1])
    return rf"(?:{name})(?:[ \t]*(?:/|,|&|\b(?:and|AND)\b)[ \t]*(?:{name}))*"


_ANY = f"(?i:{_alternatives(list(SECTION_OF))})"
_CAPITALS = _alternatives([name.upper() for name in SECTION_OF])
_HEADING = re.compile(
    rf"^[ \t]*(?P<line>{_ANY})[ \t]*:"  # Findings: at the start of a line
    rf"|^[ \t]*(?P<bare>{_CAPITALS})[ \t]*$"  # FINDINGS on a line of its own
    # after an empty line also Findings on a line of its own, FINDINGS. and FINDINGS -
    rf"|^[ \t]*(?P<alone>{_ANY}(?=[ \t]*$)|{_CAPITALS}(?=[ \t]*(?:[.;]|-\s)))[ \t]*[.;-]?"
    rf"|(?<=\s)(?P<inside>{_CAPITALS})[ \t]*:"  # FINDINGS: in the middle of a line
    rf"|(?:(?<=[.!?]\s)|(?<=[.!?]\s\s))(?=[A-Z])(?P<sentence>{_ANY})[ \t]*:"  # normal. Findings:
    r"|^[ \t]*(?P<unknown>[A-Z][A-Z0-9 ()/,&.'+-]*):(?=\s)"  # AP CHEST: after an empty line
    r"|^[ \t]*(?P<rule>_{10,})[ \t]*$",
    re.MULTILINE,
)
_FINAL = re.compile(r"^[ \t]*FINAL REPORT\b[ \t]*:?", re.MULTILINE)
_VIEW = re.compile(r"\b(?:CHEST|VIEWS?|RADIOGRAPHS?|FILMS?|X-?RAYS?)\b")
# Between paragraphs; the second and later points of a list belong to the one before.
_EMPTY_LINE = re.compile(r"\n[ \t]*\n(?!\s*(?:[2-9]|\d\d)[.)])")


def sections_of(text: str) -> dict[str, str]:
    """The sections of a report.

    A heading stands at the start of a line in any case with a colon, alone on its line, or in
    capitals with a colon anywhere. FINDINGS AND IMPRESSION fills both; where a heading is
    repeated, the last one that says something counts. Preliminary text (a wet read, an addendum)
    before the line FINAL REPORT is left out. Without findings, what stands under the name of the
    views (PORTABLE AP CHEST:) is taken for them.

    Returns:
        Those of :data:`SECTIONS` that are there, verbatim pieces of the text without surrounding
        white space; "last_paragraph" where there is neither findings nor impression.
    """
    final = _FINAL.search(text)
    body = text[final.end() :] if final and text[final.end() :].strip() else text
    found: dict[str, str] = {}
    headings = [*_headings(body), (len(body), len(body), set())]
    for (_, start, names), (end, _, _) in pairwise(headings):
        words = body[start:end].strip()
        if not names & (WORDED | {"view"}):
            words = _EMPTY_LINE.split(words)[0].rstrip()  # what follows has no heading
        found |= dict.fromkeys(names, words) if words else {}
    view = found.pop("view", None)
    if view and "findings" not in found and len(view.split()) >= LEAST_WORDS:
        found["findings"] = view
    if not found.keys() & WORDED and (last := _last_paragraph(body)):
        found["last_paragraph"] = last
    return {name: words for name, words in found.items() if name != "other"}


def _headings(body: str) -> Iterator[tuple[int, int, set[str]]]:
    """Start and end of every heading, and the sections it opens."""
    current: set[str] = set()
    for match in _HEADING.finditer(body):
        name = match[match.lastgroup]
        if match.lastgroup in ("alone", "unknown") and not _after_empty_line(body, match.start()):
            continue
        if match.lastgroup == "rule":
            current = {"other"}
        elif match.lastgroup == "unknown":
            if current & WORDED:
                continue  # a subheading
            current = {"view"} if _VIEW.search(name) else {"other"}
        else:
            words = " ".join(name.lower().split())
            parts = [words] if words in SECTION_OF else re.split(r" ?[/,&] ?| and ", words)
            current = {SECTION_OF[part] for part in parts}
        yield match.start(), match.end(), current


def _after_empty_line(body: str, start: int) -> bool:
    return not body[:start].removesuffix("\n").rpartition("\n")[2].strip()


def _last_paragraph(body: str) -> str | None:
    """The last one that has words and no heading of another section."""
    for paragraph in reversed(_EMPTY_LINE.split(body)):
        words = paragraph.strip()
        heading = _HEADING.match(words)
        if words.strip("_ \n") and not (heading and heading["unknown"] is None):
            return words
    return None


def read_reports(index: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The reports of a cohort's studies.

    Args:
        index: index manifest.
        path: mimic-cxr-reports.zip, which is read as it is, or the folder it was unpacked to.

    Returns:
        One row a study of the index, sorted: patient, group, the sections, last_paragraph, text
        (the whole report); null where there is none.

    Raises:
        CohortError: the archive is damaged, or holds no report of these studies.
    """
    studies = index[["patient", "group"]].dropna().drop_duplicates()
    studies = studies.sort_values(["patient", "group"], ignore_index=True)
    try:
        files = _files(zipfile.Path(path) if path.is_file() else path)
        texts = [_text(files, patient, study) for patient, study in studies.to_numpy()]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        # Not chained: the message names a patient's file.
        raise CohortError(
            f"{path}: cannot be read ({type(error).__name__}); download it again"
        ) from None
    if not any(text is not None for text in texts):
        raise CohortError(f"{path}: none of the cohort's {len(studies)} studies has a report in it")
    log.info("%d studies, %d without a report", len(studies), texts.count(None))
    sections = [sections_of(text or "") for text in texts]
    columns = [*SECTIONS, "last_paragraph"]
    table = pd.DataFrame(sections, columns=columns, index=studies.index, dtype="str")
    return studies.join(table.assign(text=pd.array(texts, dtype="str")))


def counts(reports: pd.DataFrame) -> dict[str, int]:
    """How many studies there are, and how many have what; "empty" is a report without text."""
    present = reports.notna().sum()
    return {
        "studies": len(reports),
        "with_report": int(present["text"]),
        "with_findings": int(present["findings"]),
        "with_impression": int(present["impression"]),
        "empty": int((reports["text"].str.strip() == "").sum()),
    }


def _files(top: Path | zipfile.Path) -> Path | zipfile.Path:
    """The folder of the folders pNN."""
    below = [child / "files" for child in top.iterdir() if child.is_dir()]
    for folder in [top, top / "files", *below]:
        names = [child.name for child in folder.iterdir()] if folder.is_dir() else []
        if any(re.fullmatch(r"p\d\d", name) for name in names):
            return folder
    raise CohortError(
        f"{top}: no folders pNN of reports; set the cohort's reports to mimic-cxr-reports.zip of"
        " MIMIC-CXR, or to the folder it was unpacked to"
    )


def _text(files: Path | zipfile.Path, patient: str, study: str) -> str | None:
    file = files / f"p{patient}"[:3] / f"p{patient}" / f"s{study}.txt"
    if not file.is_file():
        return None
    return file.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
