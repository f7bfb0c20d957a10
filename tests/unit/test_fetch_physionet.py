"""PhysioNet, from a local archive that speaks its documented interface."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import traceback

import pandas as pd
import pytest

from medsynth.fetch import batch, downloads
from medsynth.fetch.connection import FetchError
from medsynth.fetch.physionet import PhysioNet, parse_sums
from medsynth.fetch.settings import PhysioNetDownload
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file
from tests.unit.archive_stub import PASSWORD, USER, files_below

pytest_plugins = ["tests.unit.archive_fixtures"]

SUBJECT = "p10000032"
DICOM = {f"files/p10/{SUBJECT}/s5041{i}/image{i}.dcm": bytes([i]) * 3000 for i in range(8)}


@pytest.fixture
def mimic(archive, tmp_path, monkeypatch):
    """Settings for images of one project and tables of another, with credentials."""
    archive.restricted = "physionet"
    archive.add_project("mimic-cxr/2.1.0", DICOM | {"LICENSE.txt": b"one"})
    tables = {"mimic-cxr-2.0.0-metadata.csv.gz": b"table", "LICENSE.txt": b"two"}
    archive.add_project("mimic-cxr-jpg/2.1.0", tables)
    monkeypatch.setenv("PHYSIONET_USERNAME", USER)
    monkeypatch.setenv("PHYSIONET_PASSWORD", PASSWORD)

    def settings(images=("files/*",), tables=("*.csv.gz",), agent="Wget/1.21 (medsynth)"):
        return PhysioNetDownload(
            kind="physionet",
            destination=tmp_path / "data",
            projects=[
                {"path": "mimic-cxr/2.1.0", "include": images},
                {"path": "mimic-cxr-jpg/2.1.0", "include": tables},
            ],
            user_agent=agent,
            base_url=archive.url,
        )

    return settings


def test_two_projects_fill_one_folder_and_a_second_run_asks_for_no_file(
    archive, mimic, run, tmp_path
):
    receipts = run(PhysioNet, mimic())
    expected = DICOM | {"mimic-cxr-2.0.0-metadata.csv.gz": b"table"}
    assert files_below(tmp_path / "data") == expected
    assert sorted(receipts["checksum"]) == sorted(
        hashlib.sha256(body).hexdigest() for body in expected.values()
    )
    asked = len(archive.data_requests())
    again = run(PhysioNet, mimic())
    pd.testing.assert_frame_equal(again, receipts)
    assert asked == len(expected) == len(archive.data_requests())


def test_the_password_is_checked_once_a_thread_where_the_archive_keeps_sessions(
    archive, mimic, run
):
    run(PhysioNet, mimic())
    known = ["sessionid=known" in headers.get("Cookie", "") for headers in archive.headers]
    assert len(known) - sum(known) <= 4  # three threads, and the one that read the list


def test_what_was_verified_is_known_to_the_index(mimic, run, tmp_path):
    run(PhysioNet, mimic())
    cache = DigestCache(tmp_path / "digests.db")
    path = tmp_path / "data" / next(iter(DICOM))
    assert cache.get(str(path), path.stat()) == digest_file(path)


def test_globs_narrow_the_selection_and_one_that_matches_nothing_is_an_error(mimic, run, tmp_path):
    run(PhysioNet, mimic(images=["files/*/image3.dcm", "files/*/image5.dcm"]))
    images = [name for name in files_below(tmp_path / "data") if name.endswith(".dcm")]
    assert sorted(name[-10:] for name in images) == ["image3.dcm", "image5.dcm"]
    with pytest.raises(FetchError, match=r"no path matches 'files/p11/\*'"):
        run(PhysioNet, mimic(images=["files/p11/*"]))


def test_projects_that_disagree_about_a_path_are_an_error(mimic, run):
    with pytest.raises(FetchError, match="different files of one path"):
        run(PhysioNet, mimic(images=["*"], tables=["*"]))


@pytest.mark.parametrize("password", ["wrong", None])
def test_without_the_right_password_one_request_says_what_to_do(
    archive, mimic, run, monkeypatch, password
):
    if password:
        monkeypatch.setenv("PHYSIONET_PASSWORD", password)
    else:
        monkeypatch.delenv("PHYSIONET_USERNAME")
        monkeypatch.delenv("PHYSIONET_PASSWORD")
    with pytest.raises(FetchError) as error:
        run(PhysioNet, mimic())
    text = str(error.value)
    assert "PHYSIONET_USERNAME and PHYSIONET_PASSWORD" in text and "(401)" in text
    assert "/content/mimic-cxr/2.1.0/" in text and "agreement" in text
    assert USER not in text and not (password and password in text)
    assert len(archive.asked) == 1


def test_a_user_without_a_password_is_an_error_before_any_request(archive, mimic, run, monkeypatch):
    monkeypatch.delenv("PHYSIONET_PASSWORD")
    with pytest.raises(FetchError, match="set both"):
        run(PhysioNet, mimic())
    assert archive.asked == []


def test_a_program_that_physionet_does_not_know_is_told_so(mimic, run):
    with pytest.raises(FetchError, match=r"\(403\).*does not know the program 'medsynth/0.1'"):
        run(PhysioNet, mimic(agent=PhysioNetDownload.model_fields["user_agent"].default))


def test_both_forms_of_checksum_lines_are_read_and_others_refused():
    one, two = "a" * 64, "B" * 64
    assert parse_sums(f"{one} x y.dcm\n{two}  *./z\n", "p/1") == {"x y.dcm": one, "z": "b" * 64}
    with pytest.raises(FetchError, match="line 2"):
        parse_sums(f"{one} x\n<html>\n", "p/1")


def test_a_list_that_leads_out_writes_nothing_at_all(archive, mimic, run, tmp_path):
    archive.add_project("mimic-cxr/2.1.0", {"files/a": b"a", "../../evil": b"evil"})
    with pytest.raises(FetchError, match="leads out"):
        run(PhysioNet, mimic(images=["*"]))
    assert files_below(tmp_path / "data") == {} and not list(tmp_path.rglob("evil"))


def test_a_bad_file_is_set_aside_and_named_only_in_the_list_for_people(
    archive, mimic, run, tmp_path, caplog
):
    bad = next(iter(DICOM))
    archive.corrupt[f"/files/mimic-cxr/2.1.0/{bad}"] = 2
    with caplog.at_level(logging.INFO):
        receipts = run(PhysioNet, mimic(), max_quarantined=0.2)
    assert receipts["status"].value_counts().to_dict() == {"used": 8, "quarantined": 1}
    name = hashlib.sha256(bad.encode()).hexdigest()[:12]
    row = receipts[receipts["status"] == "quarantined"].iloc[0]
    assert (row["name"], row["reason"]) == (name, "wrong_checksum")
    assert name in caplog.text and "9 of 9" in caplog.text
    assert SUBJECT not in caplog.text and SUBJECT not in receipts.to_csv()
    people = pd.read_csv(tmp_path / "data" / "list.tsv", sep="\t")
    assert people.loc[people["reason"] == "wrong_checksum", "path"].tolist() == [bad]
    assert not (tmp_path / "data" / bad).exists()


def test_too_many_bad_files_are_fatal_and_the_next_run_tries_only_these(archive, mimic, run):
    for path in list(DICOM)[:2]:
        archive.answers[f"/files/mimic-cxr/2.1.0/{path}"] = [(404, {})]
    with pytest.raises(FetchError, match="2 of 9 cannot be had") as error:
        run(PhysioNet, mimic(), max_quarantined=0.2)
    assert "list.tsv" in str(error.value) and SUBJECT not in str(error.value)
    before = len(archive.data_requests())
    assert (run(PhysioNet, mimic())["status"] == "used").all()
    assert len(archive.data_requests()) - before == 2


@pytest.mark.parametrize(
    ("number", "message"), [(errno.ENOSPC, "is full"), (errno.EACCES, "cannot be read or written")]
)
def test_what_disks_do_is_said_without_the_path(mimic, run, monkeypatch, number, message):
    def fails(_, part, __):
        raise OSError(number, os.strerror(number), str(part))

    monkeypatch.setattr(downloads, "_append", fails)
    with pytest.raises(FetchError, match=message) as error:
        run(PhysioNet, mimic())
    shown = "".join(traceback.format_exception(error.value))
    assert "it goes on from here" in shown and SUBJECT not in shown


def test_an_archive_that_is_away_is_not_asked_for_every_file(archive, mimic, run, monkeypatch):
    monkeypatch.setattr(batch, "UNAVAILABLE_IN_A_ROW", 3)
    for path in DICOM:
        archive.answers[f"/files/mimic-cxr/2.1.0/{path}"] = [(503, {})] * 99
    with pytest.raises(FetchError, match="in a row without an answer"):
        run(PhysioNet, mimic(), max_quarantined=1.0)
    assert len(set(archive.data_requests())) < len(DICOM)
