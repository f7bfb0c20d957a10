"""Genomic Data Commons, from a local archive that speaks its documented interface."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from medsynth.fetch import batch
from medsynth.fetch.connection import FetchError
from medsynth.fetch.gdc import Gdc
from medsynth.fetch.settings import GdcDownload
from tests.unit.archive_stub import TOKEN, files_below

pytest_plugins = ["tests.unit.archive_fixtures"]

UUIDS = [f"{i:08x}-1234-4bcd-8abc-0123456789ab" for i in range(3)]


@pytest.fixture
def cart(archive, tmp_path):
    """Settings for three files of a cart."""
    files = {uuid: (f"{uuid}.seg.txt", uuid.encode() * 99) for uuid in UUIDS}
    manifest = tmp_path / "gdc_manifest.txt"
    manifest.write_text(archive.add_gdc(files))
    return GdcDownload(
        kind="gdc", destination=tmp_path / "data", manifest=manifest, base_url=archive.url
    )


def test_gdc_files_lie_as_gdc_client_lays_them_with_their_sample_sheet(
    archive, cart, run, tmp_path
):
    run(Gdc, cart)
    found = files_below(tmp_path / "data")
    sheet = found.pop("gdc_sample_sheet.tsv").decode()
    assert found == {f"{uuid}/{uuid}.seg.txt": uuid.encode() * 99 for uuid in UUIDS}
    (tmp_path / "sheet.tsv").write_text(sheet)
    rows = pd.read_csv(tmp_path / "sheet.tsv", sep="\t").set_index("File ID")
    assert rows.loc[UUIDS[0], ["File Name", "Case ID", "Sample ID", "Sample Type"]].tolist() == [
        *(f"{UUIDS[0]}.seg.txt", "TCGA-CS-4938", "TCGA-CS-4938-01B", "Primary Tumor")
    ]

    asked = len(archive.asked)
    run(Gdc, cart)
    assert len(archive.asked) == asked  # not even for the sheet


def test_controlled_files_need_a_token_which_is_never_shown(
    archive, cart, run, tmp_path, monkeypatch
):
    archive.restricted = "gdc"
    with pytest.raises(FetchError, match=r"\(403\).*GDC_TOKEN_FILE.*obtaining-access"):
        run(Gdc, cart)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("GDC_TOKEN_FILE", str(tmp_path / "token"))
    receipts = run(Gdc, cart)
    assert len(receipts) == 3 and TOKEN not in receipts.to_csv()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (UUIDS[0], "../../etc"),
        (f"{UUIDS[0]}.seg.txt", "../x.svs"),
        (f"{UUIDS[0]}.seg.txt", ".."),
        ("filename", "file"),
        (f"\t{36 * 99}\t", "\t-1\t"),
    ],
)
def test_a_damaged_manifest_is_refused_before_any_request(archive, cart, run, old, new):
    cart.manifest.write_text(cart.manifest.read_text().replace(old, new, 1))
    with pytest.raises(FetchError, match="gdc_manifest.txt"):
        run(Gdc, cart)
    assert archive.asked == []


def test_too_little_room_is_said_before_any_request(archive, cart, run, monkeypatch):
    monkeypatch.setattr(batch.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(FetchError, match="GiB free"):
        run(Gdc, cart)
    assert archive.asked == []
