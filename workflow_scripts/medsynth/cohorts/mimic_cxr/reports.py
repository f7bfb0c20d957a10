"""Reading radiology reports: mimic-cxr-reports.zip, files/pNN/pNNNNNNNN/sNNNNNNNN.txt."""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.store.quarantine import CohortError
from medsynth.text.own_headings import COLUMNS, in_english, unread_headings
from medsynth.text.sections import SECTIONS, sections_of

log = logging.getLogger(__name__)


def read_reports(
    index: pd.DataFrame, path: Path, headings: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """The reports of a cohort's studies.

    Args:
        index: index manifest.
        path: mimic-cxr-reports.zip, which is read as it is, or the folder it was unpacked to.
        headings: what sections are called where not in English.

    Returns:
        One row a study of the index, sorted: patient, group, the sections, last_paragraph, text
        (the whole report); null where there is none.

    Raises:
        CohortError: the archive or a report cannot be read, or it holds no report of these studies.
    """
    studies = index[["patient", "group"]].dropna().drop_duplicates()
    studies = studies.sort_values(["patient", "group"], ignore_index=True)
    try:
        files = _files(zipfile.Path(path) if path.is_file() else path)
        texts = [_text(files, patient, study) for patient, study in studies.to_numpy()]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        # Not chained: the message names a patient's file.
        raise CohortError(
            f"{path}: cannot be read, or a report in it ({type(error).__name__}); make it readable,"
            " or download it again"
        ) from None
    if not any(text is not None for text in texts):
        raise CohortError(f"{path}: none of the cohort's {len(studies)} studies has a report in it")
    log.info("%d studies, %d without a report", len(studies), texts.count(None))
    sections = [sections_of(in_english(text or "", headings)) for text in texts]
    columns = [*SECTIONS, "last_paragraph"]
    table = pd.DataFrame(sections, columns=columns, index=studies.index, dtype="str")
    return studies.join(table.assign(text=pd.array(texts, dtype="str")))


def counts(reports: pd.DataFrame, headings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """How many studies there are, and how many have what; "empty" is a report without text."""
    present = reports.notna().sum()
    unread = unread_headings(reports[COLUMNS].fillna("").to_numpy(), headings)
    return {
        "studies": len(reports),
        "with_report": int(present["text"]),
        "with_findings": int(present["findings"]),
        "with_impression": int(present["impression"]),
        "empty": int((reports["text"].str.strip() == "").sum()),
        "with_unread_heading": unread.named,
        "other_lines_like_headings": unread.others,
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
