"""Genomic Data Commons: the files of a manifest, as gdc-client lays them, and their sample sheet.

API: https://docs.gdc.cancer.gov/API/Users_Guide/Downloading_Files/ (data endpoint, Range,
X-Auth-Token) and .../Search_and_Retrieval/ (files endpoint).
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medsynth.fetch.archive import Archive
from medsynth.fetch.connection import Connection, FetchError, TokenHeader, read_token
from medsynth.fetch.downloads import Wanted
from medsynth.fetch.settings import GdcDownload
from medsynth.store.atomic import write_text

log = logging.getLogger(__name__)

TOKEN_FILE = "GDC_TOKEN_FILE"
COLUMNS = ["id", "filename", "md5", "size"]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MD5 = re.compile(r"[0-9a-f]{32}")
SHEET = "gdc_sample_sheet.tsv"
FILES_AT_ONCE = 500
REFUSED = (
    f"Set {TOKEN_FILE} to the path of a token downloaded from the GDC Data Portal within the last"
    " 30 days, of an account with dbGaP access to every project of the manifest:"
    " https://gdc.cancer.gov/access-data/obtaining-access-controlled-data"
)


class Gdc(Archive):
    """The manifest's files go to <destination>/<id>/<filename>, with gdc_sample_sheet.tsv.

    Raises:
        FetchError: the file of the token cannot be read.
    """

    def __init__(self, settings: GdcDownload):
        token = read_token(TOKEN_FILE)
        auth = TokenHeader("X-Auth-Token", token) if token else None
        super().__init__(settings.destination, Connection(REFUSED, auth))
        self._settings = settings

    def wanted(self) -> list[Wanted]:
        return read_manifest(self._settings.manifest, self._settings.base_url)

    def finish(self, wanted: Sequence[Wanted]) -> None:
        ids = [file.path.split("/")[0] for file in wanted]
        sheet = self.destination / SHEET
        write_sample_sheet(ids, sheet, self._settings.base_url, self.connection)


def read_manifest(path: Path, base_url: str) -> list[Wanted]:
    """The files of a manifest: tab-separated id, filename, md5, size; other columns are passed.

    Raises:
        FetchError: another file, or a row that cannot be.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"{path}: cannot be read ({type(error).__name__})") from None
    if missing := [c for c in COLUMNS if c not in (reader.fieldnames or [])]:
        raise FetchError(
            f"{path}: no column {', '.join(missing)}; give the manifest as the GDC Data Portal"
            " makes it (Download Cart, Manifest)"
        )
    wanted = {}
    for number, row in enumerate(rows, 2):
        name = row["filename"] or ""
        if (
            not UUID.fullmatch(row["id"] or "")
            or not MD5.fullmatch(row["md5"] or "")
            or not (row["size"] or "").isdigit()
            or not name
            or "/" in name
            or name == ".."
        ):
            raise FetchError(f"{path}: line {number} is damaged; download the manifest again")
        url = f"{base_url}/data/{row['id']}"
        wanted[row["id"]] = Wanted(f"{row['id']}/{name}", url, "md5", row["md5"], int(row["size"]))
    if not wanted:
        raise FetchError(f"{path}: it lists no file")
    return [wanted[key] for key in sorted(wanted)]


def write_sample_sheet(ids: list[str], path: Path, base_url: str, connection: Connection) -> None:
    """Write which sample each file is of, with the portal's column names, unless it is there.

    gdc-client leaves this to the portal's web page; copy-number segments cannot be read without.

    Raises:
        FetchError: the archive does not say.
    """
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            if set(ids) <= {row["File ID"] for row in csv.DictReader(file, delimiter="\t")}:
                return
    rows: list[dict[str, str]] = []
    for start in range(0, len(ids), FILES_AT_ONCE):
        part = ids[start : start + FILES_AT_ONCE]
        query = {
            "filters": {"op": "in", "content": {"field": "file_id", "value": part}},
            "fields": "file_id,file_name,data_category,data_type,cases.project.project_id,"
            "cases.submitter_id,cases.samples.submitter_id,cases.samples.sample_type",
            "format": "JSON",
            "size": len(part),
        }
        answer = connection.text(f"{base_url}/files", json=query)
        try:
            rows += [_sheet_row(hit) for hit in json.loads(answer)["data"]["hits"]]
        except (ValueError, KeyError, TypeError):
            raise FetchError(f"{base_url}/files: not the answer that is documented") from None
    if absent := len(set(ids) - {row["File ID"] for row in rows}):
        log.warning("the archive knows the sample of all but %d files", absent)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(_sheet_row({})), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["File ID"]))
    write_text(text.getvalue(), path)


def _sheet_row(hit: dict[str, Any]) -> dict[str, str]:
    cases = hit.get("cases", [])
    samples = [sample for case in cases for sample in case.get("samples", [])]
    return {
        "File ID": hit.get("file_id", ""),
        "File Name": hit.get("file_name", ""),
        "Data Category": hit.get("data_category", ""),
        "Data Type": hit.get("data_type", ""),
        "Project ID": ", ".join(case["project"]["project_id"] for case in cases),
        "Case ID": ", ".join(case["submitter_id"] for case in cases),
        "Sample ID": ", ".join(sample["submitter_id"] for sample in samples),
        "Sample Type": ", ".join(sample.get("sample_type", "") for sample in samples),
    }


SETTINGS, ARCHIVE = GdcDownload, Gdc
