"""One file from a local archive: resumed, verified, given up with a reason, never half there."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from medsynth.fetch import connection as connections
from medsynth.fetch import downloads
from medsynth.fetch.connection import Connection, FetchError, TokenHeader, UnusableFile, read_token
from medsynth.fetch.downloads import Wanted, fetch_file, inside
from medsynth.store.digest_cache import DigestCache
from tests.unit.archive_stub import TOKEN, Archive, serving

BODY = np.random.default_rng(0).bytes(4 << 20)
SHA256 = hashlib.sha256(BODY).hexdigest()
MIB = 1 << 20


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited; no test waits for them."""
    waited = []
    monkeypatch.setattr(connections, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def archive():
    with serving(Archive(files={"/big": BODY})) as stub:
        yield stub


@pytest.fixture
def fetch(archive, tmp_path, waits):
    """Fetch /big to tmp_path/data/big and return that path."""
    cache = DigestCache(tmp_path / "digests.db")

    def run(size=None, checksum=SHA256, auth=None):
        wanted = Wanted("big", f"{archive.url}/big", "sha256", checksum, size)
        path = tmp_path / "data" / "big"
        fetch_file(wanted, path, Connection("Set VARIABLE.", auth), cache)
        return path

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_a_cut_connection_goes_on_where_it_broke(archive, fetch, size, waits):
    archive.cuts["/big"] = [MIB + 5, 2 * MIB]
    path = fetch(size)
    assert path.read_bytes() == BODY and names(path.parent) == ["big"]
    first, *others = archive.ranges
    assert first is None and others == [f"bytes={MIB + 5}-", f"bytes={3 * MIB + 5}-"]
    assert waits == [2, 2]  # each brought something new


def test_a_server_without_ranges_starts_again(archive, fetch):
    archive.ranges_work = False
    archive.cuts["/big"] = [MIB]
    assert fetch().read_bytes() == BODY
    assert archive.ranges == [None, f"bytes={MIB}-"]


def test_a_finished_part_is_only_verified(archive, fetch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big.part").write_bytes(BODY)
    assert fetch().read_bytes() == BODY
    assert archive.ranges == [f"bytes={len(BODY)}-"]  # answered with 416 and no body
    assert fetch(len(BODY)) and len(archive.asked) == 1


@pytest.mark.parametrize("rest", [b"x" * 100, BODY + b"more"])
def test_a_part_of_something_else_is_thrown_away(archive, fetch, tmp_path, rest):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big.part").write_bytes(rest)
    assert fetch(len(BODY)).read_bytes() == BODY


def test_a_complete_file_asks_nothing_and_is_read_once(archive, fetch, monkeypatch):
    path = fetch()
    asked = len(archive.asked)
    monkeypatch.setattr(downloads, "is_right", lambda *_: pytest.fail("read again"))
    assert fetch() == path and len(archive.asked) == asked


def test_a_file_that_changed_on_the_disk_is_fetched_again(archive, fetch):
    path = fetch(len(BODY))
    path.write_bytes(BODY[:-1] + b"?")
    assert fetch(len(BODY)).read_bytes() == BODY and archive.ranges == [None, None]


def test_half_a_file_of_another_program_goes_on(archive, fetch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big").write_bytes(BODY[:MIB])
    assert fetch().read_bytes() == BODY and archive.ranges == [f"bytes={MIB}-"]


def test_a_wrong_file_that_cannot_be_replaced_loses_its_name(archive, fetch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "big").write_bytes(b"wrong")
    archive.answers["/big"] = [(404, {})]
    with pytest.raises(UnusableFile):
        fetch()
    assert not (tmp_path / "data" / "big").exists()


def test_wrong_bytes_once_are_fetched_from_the_start(archive, fetch):
    archive.corrupt["/big"] = 1
    assert fetch().read_bytes() == BODY
    assert archive.ranges == [None, None]


def test_wrong_bytes_twice_are_given_up_and_leave_nothing(archive, fetch, tmp_path):
    archive.corrupt["/big"] = 9
    with pytest.raises(UnusableFile) as error:
        fetch()
    assert error.value.reason == "wrong_checksum" and len(archive.asked) == 2
    assert names(tmp_path / "data") == []


def test_retry_after_is_obeyed_within_bounds(archive, fetch, waits):
    archive.answers["/big"] = [
        (429, {"Retry-After": "7"}),
        (503, {"Retry-After": "99999"}),
        (502, {}),
    ]
    assert fetch().read_bytes() == BODY
    assert waits == [7, connections.LONGEST_WAIT, 8]


def test_patience_ends(archive, fetch, waits):
    archive.answers["/big"] = [(500, {})] * 99
    with pytest.raises(UnusableFile) as error:
        fetch()
    assert error.value.reason == "unavailable" and "status 500" in str(error.value)
    assert len(archive.asked) == connections.TRIES and waits == sorted(waits)


def test_a_connection_that_always_breaks_at_the_same_byte_is_given_up(archive, fetch):
    archive.ranges_work = False
    archive.cuts["/big"] = [MIB] * 99
    with pytest.raises(UnusableFile, match="again and again"):
        fetch()
    assert len(archive.asked) <= connections.TRIES + 1


@pytest.mark.parametrize(("status", "reason"), [(404, "not_found"), (400, "refused")])
def test_what_the_archive_has_not_is_asked_for_once(archive, fetch, status, reason):
    archive.answers["/big"] = [(status, {})]
    with pytest.raises(UnusableFile) as error:
        fetch()
    assert error.value.reason == reason and len(archive.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_denied_access_stops_at_once_and_says_what_to_set(archive, fetch, status, waits):
    archive.answers["/big"] = [(status, {})]
    with pytest.raises(FetchError, match=rf"access denied \({status}\). Set VARIABLE."):
        fetch()
    assert len(archive.asked) == 1 and waits == []


def test_a_token_does_not_follow_to_another_host(archive, fetch):
    with serving(Archive(files={"/elsewhere": BODY})) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost") + "/elsewhere"
        archive.answers["/big"] = [(302, {"Location": elsewhere})]
        assert fetch(auth=TokenHeader("X-Auth-Token", TOKEN)).read_bytes() == BODY
        assert archive.headers[0]["X-Auth-Token"] == TOKEN
        assert TOKEN not in str(other.headers)
    assert archive.headers[0]["User-Agent"].startswith("medsynth/")


@pytest.mark.parametrize("content", ["", "two words", "line\nline", "tökén"])
def test_a_file_without_a_token_is_refused_without_being_shown(tmp_path, monkeypatch, content):
    (tmp_path / "token").write_text(content)
    monkeypatch.setenv("GDC_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(FetchError, match="GDC_TOKEN_FILE") as error:
        read_token("GDC_TOKEN_FILE")
    assert not content or content not in str(error.value)


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "", ".", "a\\b", "a\nb", "link/x", "a\0b"]
)
def test_paths_that_lead_out_are_refused(tmp_path, path):
    destination = tmp_path / "data"
    destination.mkdir()
    (destination / "link").symlink_to(tmp_path)
    with pytest.raises(FetchError, match="leads out"):
        inside(destination, path)
    assert inside(destination, "files/p10/..x/a b.dcm") == destination / "files/p10/..x/a b.dcm"


KILLED = """
import sys
from pathlib import Path
from medsynth.fetch.connection import Connection
from medsynth.fetch.downloads import Wanted, fetch_file
from medsynth.store.digest_cache import DigestCache
url, folder, sha256 = sys.argv[1:]
wanted = Wanted("big", url + "/big", "sha256", sha256)
fetch_file(wanted, Path(folder, "big"), Connection("", None), DigestCache(Path(folder, "cache.db")))
"""


def test_a_killed_download_goes_on_from_its_part(archive, tmp_path):
    archive.stalls["/big"] = 3 * MIB
    command = [sys.executable, "-c", KILLED, archive.url, str(tmp_path), SHA256]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment)
    part = tmp_path / "big.part"
    deadline = time.monotonic() + 60
    while not part.exists() or part.stat().st_size < 2 * MIB:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part.stat().st_size
    assert not (tmp_path / "big").exists()

    archive.stalls.clear()
    subprocess.run(command, env=environment, check=True)
    assert (tmp_path / "big").read_bytes() == BODY and not part.exists()
    assert archive.ranges == [None, f"bytes={kept}-"]
