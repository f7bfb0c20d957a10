"""What capture relies on in Snakemake, and the small functions around it."""

from __future__ import annotations

import inspect
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from lineage_records import whole
from lineage_toy import wait_until
from snakemake import api, workflow
from snakemake.executors import local
from snakemake.persistence import PersistenceBase

from medsynth.lineage.recording import capture, environment, leftovers, spool
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_bytes, digest_file


def test_contract_with_the_pinned_snakemake():
    """The internals capture uses; when this fails after an update, look at capture first."""
    source = inspect.getsource(local.run_wrapper)
    assert "run = job_rule.run_func" in source
    assert "params,\n" in source and "jobid,\n" in source
    assert "workflow.execute(" in inspect.getsource(api.DAGApi.execute_workflow)
    assert "executor_plugin=" in inspect.getsource(api.DAGApi.execute_workflow)
    assert isinstance(workflow.Workflow.is_main_process, property)
    assert isinstance(workflow.Workflow.attempt, property)
    assert hasattr(workflow.Workflow, "register_envvars")
    finished = inspect.getsource(PersistenceBase.finished)
    assert (
        "self._write_record(key, record)" in finished and "record.shellcmd = shellcmd" in finished
    )
    assert "self._params(job)" in finished and "self._code(job.rule)" in finished


def test_plain_gives_json_whatever_a_parameter_is():
    value = {"shape": (1, 2), "path": Path("a/b"), "set": {3, 1, 2}, 5: None, "x": [True, 0.5]}
    expected = {"shape": [1, 2], "path": "a/b", "set": [1, 2, 3], "5": None, "x": [True, 0.5]}
    assert capture.plain(value) == expected
    json.dumps(capture.plain(value))


def test_the_code_state_is_head_and_a_blob_of_what_differs(tmp_path):
    repo, blobs = tmp_path / "repo", tmp_path / "blobs"

    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=e@x"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=repo, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    repo.mkdir()
    assert environment.code_state(repo, blobs) == {"head": None, "dirty": None}
    git("init", "-q")
    (repo / "a.py").write_text("one\n")
    git("add", ".")
    git("commit", "-qm", "m")
    head = git("rev-parse", "HEAD")
    assert environment.code_state(repo, blobs) == {"head": head, "dirty": None}

    (repo / "a.py").write_text("two\n")
    (repo / "new.py").write_text("three\n")
    (repo / "report.txt").write_text("a patient\n")
    (repo / "tracked.csv").write_text("a patient\n")
    git("add", "tracked.csv")
    (repo / "sub" / "latin.py").parent.mkdir()
    (repo / "sub" / "latin.py").write_bytes("naïve\n".encode("latin-1"))
    git("add", "sub")
    state = environment.code_state(repo, blobs)
    blob = (blobs / f"{state['dirty']}.diff").read_text()
    assert state["head"] == head
    assert "+two" in blob and "three" in blob and "patient" not in blob
    assert "na\N{REPLACEMENT CHARACTER}ve" in blob
    below = environment.code_state(repo / "sub", blobs)["dirty"]
    assert "+two" in (blobs / f"{below}.diff").read_text()


@pytest.mark.parametrize("first", [0, 4096], ids=["all", "behind the first page"])
def test_a_damaged_digest_cache_fails_no_job_and_is_begun_anew(tmp_path, first):
    path, file = tmp_path / "digests.db", tmp_path / "file"
    file.write_bytes(b"content")
    with closing(DigestCache(path)) as cache:
        for number in range(1000):
            cache.put(f"/raw/{number}", file.stat(), "0" * 64)
    healthy = path.read_bytes()
    path.write_bytes(healthy[:first] + b"x" * (len(healthy) - first))
    for _ in range(2):
        with closing(DigestCache(path)) as cache:
            assert digest_file(file, cache) == digest_bytes(b"content")
    assert (tmp_path / "digests.db.damaged").exists() and path.stat().st_size < len(healthy)
    with closing(DigestCache(path)) as cache:
        cache.forget(lambda path: path.endswith("file"))
        assert cache.get(str(file), file.stat()) is None
    assert not (tmp_path / "digests.db.damaged").exists()


def test_a_lock_on_the_digest_cache_is_no_damage(tmp_path):
    cache = DigestCache(tmp_path / "digests.db")
    with closing(cache), pytest.raises(sqlite3.OperationalError):
        cache._renew(sqlite3.OperationalError("database is locked"))
    assert [path.name for path in tmp_path.iterdir()] == ["digests.db"]


@pytest.mark.parametrize("related", [False, True])
def test_a_killed_workflows_processes_are_stopped_but_no_ancestor(monkeypatch, related):
    child = subprocess.Popen(["sleep", "600"], env=os.environ | {leftovers.INVOCATION: "dead"})
    environ = Path(f"/proc/{child.pid}/environ")
    wait_until(environ.read_bytes, "the environment of the child")  # just after exec it is empty
    assert {os.getpid(), os.getppid()} <= leftovers._ancestors()
    if related:
        monkeypatch.setattr(leftovers, "_ancestors", lambda: {child.pid})
    leftovers.stop_jobs("dead")
    ended = child.poll()
    child.kill()
    child.wait()
    assert ended == (None if related else -9)


def test_records_come_back_in_order_and_a_broken_one_is_set_aside(tmp_path):
    for job in ("b", "a", "c"):
        spool.write(tmp_path, whole({"kind": "job", "id": job, "phase": "start"}))
    (spool.spool_dir(tmp_path) / "00000-half.json").write_text('{"id": ')
    (spool.spool_dir(tmp_path) / ".0-unfinished.json").write_text("")
    assert [record["id"] for _, record in spool.read(tmp_path)] == ["b", "a", "c"]
    assert (spool.spool_dir(tmp_path) / "00000-half.unreadable").exists()


def test_a_process_is_known_beyond_its_pid():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    me = spool.this_process()
    ticks = spool._start_ticks(child.pid)
    assert spool.is_gone(me) is False
    assert spool.is_gone(me | {"pid": child.pid, "start_ticks": ticks}) is False
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert spool.is_gone(me | {"pid": child.pid, "start_ticks": ticks}) is True
    child.communicate()
    assert spool.is_gone(me | {"pid": child.pid, "start_ticks": ticks}) is True
    assert spool.is_gone(me | {"start_ticks": me["start_ticks"] + 1}) is True  # pid used again
    assert spool.is_gone(me | {"boot_id": "before"}) is True
    assert spool.is_gone(me | {"boot_id": "other", "host": "other"}) is None


def test_capture_imports_the_standard_library_only():
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "import medsynth.lineage.recording.capture",
        ],  # -S: no site-packages
        env={"PYTHONPATH": str(Path(capture.__file__).parents[3])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
