"""The Cancer Imaging Archive, from a local one that speaks its documented interface."""

from __future__ import annotations

import hashlib
import stat
import zipfile

import pytest

from medsynth.fetch import tcia
from medsynth.fetch.connection import FetchError
from medsynth.fetch.settings import TciaDownload
from medsynth.fetch.tcia import Tcia
from tests.unit.archive_stub import TOKEN, files_below

pytest_plugins = ["tests.unit.archive_fixtures"]

UID = "1.3.6.1.4.1.14519.5.2.1"
IMAGES = {f"0000000{i}.dcm": bytes([i]) * 5000 for i in range(1, 4)}


@pytest.fixture
def lung(archive, tmp_path):
    """Settings for one series of a manifest."""
    archive.add_series(UID, IMAGES)
    manifest = tmp_path / "cart.tcia"
    manifest.write_text(
        "downloadServerUrl=https://example.org/nbia-download/servlet/DownloadServlet\n"
        f"includeAnnotation=true\nmanifestVersion=3.0\nListOfSeriesToDownload=\n{UID}\n"
    )
    return TciaDownload(
        kind="tcia", destination=tmp_path / "data", manifest=manifest, base_url=archive.url
    )


def only_series(tmp_path):
    """What lies in the destination, which must hold nothing but the series' folder."""
    found = files_below(tmp_path / "data")
    assert {name.split("/")[0] for name in found} <= {UID}
    return {name.split("/")[1]: body for name, body in found.items() if name.endswith(".dcm")}


def test_a_series_is_unpacked_verified_and_then_known(archive, lung, run, tmp_path):
    archive.cuts[f"/getImageWithMD5Hash?{UID}"] = [20]
    receipts = run(Tcia, lung)
    assert only_series(tmp_path) == IMAGES
    assert sorted(receipts["checksum"]) == sorted(
        hashlib.md5(body).hexdigest() for body in IMAGES.values()
    )
    asked = len(archive.asked)
    assert asked == 2  # the cut, and all of it
    run(Tcia, lung)
    assert len(archive.asked) == asked

    (tmp_path / "data" / UID / "00000002.dcm").write_bytes(b"damaged")
    run(Tcia, lung)
    assert only_series(tmp_path) == IMAGES and len(archive.asked) == asked + 1


def test_leftovers_of_a_kill_are_replaced(lung, run, tmp_path):
    (tmp_path / "data" / f"{UID}.part").mkdir()
    (tmp_path / "data" / f"{UID}.part" / "00000001.dcm").write_bytes(b"half")
    (tmp_path / "data" / f"{UID}.zip.part").write_bytes(b"half")
    run(Tcia, lung)
    assert only_series(tmp_path) == IMAGES


@pytest.mark.parametrize(
    ("zip_of", "reason", "requests"),
    [
        ({"hashes": False}, "incomplete", 2),  # the server broke off inside: a valid ZIP
        ({"wrong": True}, "wrong_checksum", 2),
        ({"extra": [zipfile.ZipInfo("extra.dcm")]}, "incomplete", 2),
        ({"extra": [zipfile.ZipInfo("../evil.dcm")]}, "unsafe", 1),
        ({"extra": [zipfile.ZipInfo("/tmp/evil.dcm")]}, "unsafe", 1),
        ({"extra": [zipfile.ZipInfo("sub/evil.dcm")]}, "unsafe", 1),
        ({"extra": [zipfile.ZipInfo("..")]}, "unsafe", 1),
        ({"extra": ["link"]}, "unsafe", 1),
    ],
)
def test_a_bad_zip_is_set_aside_and_leaves_nothing(
    archive, lung, run, tmp_path, zip_of, reason, requests
):
    if zip_of.get("extra") == ["link"]:
        link = zipfile.ZipInfo("evil.dcm")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zip_of = {"extra": [link]}
    archive.add_series(UID, IMAGES, **zip_of)
    receipts = run(Tcia, lung, max_quarantined=1.0)
    assert receipts["reason"].tolist() == [reason] and len(archive.asked) == requests
    assert files_below(tmp_path / "data") == {} and not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 10_000), ("MAX_FILES", 3)])
def test_a_zip_beyond_the_bounds_is_not_unpacked(lung, run, tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(tcia, limit, value)
    receipts = run(Tcia, lung, max_quarantined=1.0)
    assert receipts["reason"].tolist() == ["unsafe"] and only_series(tmp_path) == {}


@pytest.mark.parametrize("damage", [lambda z: z[:200], lambda z: z[:45] + b"????" + z[49:]])
def test_a_damaged_zip_is_incomplete(archive, lung, run, tmp_path, damage):
    path = f"/getImageWithMD5Hash?{UID}"
    archive.files[path] = damage(archive.files[path])
    receipts = run(Tcia, lung, max_quarantined=1.0)
    assert receipts["reason"].tolist() == ["incomplete"] and only_series(tmp_path) == {}


def test_a_collection_is_listed_by_the_archive(archive, run, tmp_path):
    archive.add_series(UID, IMAGES)
    archive.collection["TCGA-LUAD"] = [UID]
    settings = {"kind": "tcia", "destination": tmp_path / "data", "base_url": archive.url}
    run(Tcia, TciaDownload(collection="TCGA-LUAD", modality="CT", **settings))
    assert only_series(tmp_path) == IMAGES
    with pytest.raises(FetchError, match="no series"):
        run(Tcia, TciaDownload(collection="TCGA-XXXX", **settings))


def test_a_restricted_collection_takes_a_token(archive, lung, run, tmp_path, monkeypatch):
    archive.restricted = "tcia"
    with pytest.raises(FetchError, match=r"\(401\).*TCIA_TOKEN_FILE"):
        run(Tcia, lung)
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("TCIA_TOKEN_FILE", str(tmp_path / "token"))
    run(Tcia, lung)
    assert only_series(tmp_path) == IMAGES


@pytest.mark.parametrize("text", ["nothing", "ListOfSeriesToDownload=\n../../x\n", f"{UID}\n"])
def test_another_file_than_a_manifest_is_refused(archive, lung, run, text):
    lung.manifest.write_text(text)
    with pytest.raises(FetchError, match="cart.tcia"):
        run(Tcia, lung)
    assert archive.asked == []
