"""What was read is what is recorded, however it is changed behind the back of names and times."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from lineage_records import whole
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards

from medsynth.commands.lineage import status, verify
from medsynth.commands.lineage import trace as asked
from medsynth.lineage.collector import drain
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.queries.trace import trace
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.capture import JobRecorder
from medsynth.store import digests
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_bytes, digest_file, digest_files, digest_path
from medsynth.store.folders import files_below, state_of
from medsynth.store.layout import Layout


class Study:
    """Jobs in this process with their true capture, in a results folder of their own."""

    def __init__(self, folder: Path):
        self.results = folder / "results"
        nobody = SimpleNamespace(named_in=lambda given: set())
        self.recorder = JobRecorder(self.results, SimpleNamespace(attempt=1), nobody)
        flow = {"kind": "invocation", "phase": "start", "id": "flow", "workdir": str(folder)}
        spool.write(self.results, whole(flow | {"results": str(self.results)}))

    def job(self, inputs, output, meanwhile=lambda: None, log=()):
        """A job that reads its inputs, after something else has happened."""

        def write():
            meanwhile()
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            Path(output).write_text(f"{output} of {len(inputs)}")

        self.make(inputs, output, write, log)

    def make(self, inputs, output, write, log=()):
        def run(input, output, params, wildcards, threads, resources, log, jobid):
            write()

        rule = SimpleNamespace(name="make", run_func=run, output=[])
        lists = (InputFiles(inputs), OutputFiles([output]), Params(), Wildcards())
        self.recorder.recording(rule)(*lists, 1, ResourceList(), Log(log), 1)
        with closing(Ledger(ledger_path(self.results))) as ledger:
            drain(self.results, ledger)

    def misread(self):
        """(state, path) of what status tells; verify tells the same and all else is as it was."""
        told = status.answer(self.results)["misread"]
        checked = verify.answer(self.results, deep=False)
        assert told == [f for f in checked["wrong"] if f["state"] in ("changed", "foreign")]
        assert status.wrong({"ok": not told}) == bool(told)
        return [(file["state"], file["path"]) for file in told]


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    Path("raw/a").write_text("aaaa")
    Path("raw/b").write_text("bbbb")
    Path("one").write_text("1111")
    Path("link").symlink_to("one")
    Path("other").write_text("2222")
    return Study(tmp_path)


def with_its_time_kept(path, data):
    before = os.stat(path)
    Path(path).write_text(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def renamed_over(path, data):
    before = os.stat(path)
    Path("new").write_text(data)
    os.utime("new", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace("new", path)


def link_swapped(path, data):
    Path("link").unlink()
    Path("link").symlink_to("other")


CHANGES = [
    ("one", lambda: Path("one").write_text("3333")),
    ("one", lambda: with_its_time_kept("one", "3333")),
    ("one", lambda: renamed_over("one", "3333")),
    ("one", lambda: Path("one").unlink()),
    ("link", lambda: link_swapped("link", "")),
    ("link", lambda: with_its_time_kept("one", "3333")),
    ("raw", lambda: Path("raw/c").write_text("cccc")),
    ("raw", lambda: Path("raw/a").unlink()),
    ("raw", lambda: with_its_time_kept("raw/b", "3333")),
    ("raw", lambda: os.rename("raw/a", "raw/z")),
]


@pytest.mark.parametrize(("path", "change"), CHANGES)
def test_an_input_that_changes_while_its_job_runs_is_told(study, path, change):
    study.job([path], "results/x", meanwhile=change)
    assert study.misread() == [("changed", path)]
    answer = trace(study.results, "results/x")
    assert asked.wrong(answer)
    assert "CHANGED while the job ran" in "\n".join(asked.show(answer | {"embedded": None}))
    # Made anew of what is there now, nothing is wrong any more.
    if os.path.exists(path):
        study.job([path], "results/x")
        assert study.misread() == [] and not asked.wrong(trace(study.results, "results/x"))


@pytest.mark.parametrize(
    "touch",
    [
        lambda: os.utime("one"),
        lambda: os.chmod("one", 0o600),
        lambda: os.link("one", "more"),
        lambda: (os.rename("one", "away"), Path("one").write_text("x"), os.replace("away", "one")),
    ],
)
def test_an_input_that_is_touched_is_noted_as_that(study, touch):
    study.job(["one"], "results/x", meanwhile=touch)
    assert study.misread() == []
    answer = trace(study.results, "results/x")
    assert not asked.wrong(answer)
    assert "touched, its bytes the same while the job ran" in "\n".join(asked.show(answer))


def test_what_a_job_writes_into_its_own_input_folder_is_no_change(study):
    log = "raw/log"

    def write():
        Path(log).write_text("at work")

    study.job(["raw"], "raw/out", meanwhile=write, log=[log])
    assert study.misread() == []


@pytest.mark.parametrize("path", ["one", "link", "raw"])
def test_bytes_changed_between_jobs_are_recorded_as_they_are(study, path):
    study.job([path], "results/x")
    inside = "raw/a" if path == "raw" else "one"
    with_its_time_kept(inside, "3333")
    study.job([path], "results/y")
    now = digest_path(path)[0]
    recorded = [trace(study.results, f"results/{n}")["jobs"] for n in "xy"]
    old, new = (next(iter(jobs.values()))["inputs"][0]["sha256"] for jobs in recorded)
    assert (new, old != now) == (now, True)


@pytest.mark.parametrize("kept_time", [False, True])
def test_foreign_bytes_at_a_made_path_are_altered_and_never_raw(study, kept_time):
    study.job(["one"], "results/x")
    change = with_its_time_kept if kept_time else lambda p, d: Path(p).write_text(d)
    change("results/x", "x" * Path("results/x").stat().st_size)
    study.job(["results/x"], "results/y")
    for name in ("results/y", digest_path("results/x")[0]):
        answer = trace(study.results, name)
        assert asked.wrong(answer)
        text = "\n".join(asked.show(answer))
        assert "results/x" in text and "ALTERED before it was read" in text
        assert "raw: no job made it" not in text.split("results/x")[1].split("\n")[0]
        # And it goes on to what the bytes that were altered came from.
        assert "one  [" in text and len(answer["jobs"]) == (2 if name == "results/y" else 1)
    answer = verify.answer(study.results, deep=False)
    assert ("altered", "results/x") in [(f["state"], f["path"]) for f in answer["wrong"]]
    # Put right on the disk, but not in what was made of it.
    study.job(["one"], "results/x")
    assert study.misread() == [("foreign", "results/x")]


def test_a_file_of_a_folder_that_was_altered_is_told(study):
    def folder():
        Path("results/made").mkdir(parents=True)
        for name in "ab":
            Path("results/made", name).write_text(name)

    study.make(["one"], "results/made", folder)
    study.job(["results/made/a"], "results/x")
    assert not asked.wrong(trace(study.results, "results/x"))
    Path("results/made/a").write_text("foreign")
    study.job(["results/made/a"], "results/y")
    answer = trace(study.results, "results/y")
    assert asked.wrong(answer)
    text = "\n".join(asked.show(answer))
    assert "of results/made  [" in text and "ALTERED" in text


def test_a_raw_file_that_jobs_only_read_stays_raw(study):
    study.job(["one", "raw"], "results/x")
    Path("one").write_text("another raw file")
    study.job(["one", "raw"], "results/y")
    text = "\n".join(asked.show(trace(study.results, "results/y")))
    assert text.count("raw: no job made it") == 2 and "ALTERED" not in text


# The cache below it all.


def cached(tmp_path):
    (tmp_path / "cache").mkdir(exist_ok=True)
    return DigestCache(tmp_path / "cache" / "digests.db")


def test_a_change_within_one_tick_of_the_clock_is_not_missed(tmp_path):
    file = tmp_path / "file"
    with closing(cached(tmp_path)) as cache:
        for number in range(50):
            text = f"{number:04d}"
            if file.exists():
                with_its_time_kept(file, text)
            else:
                file.write_text(text)
            assert digest_file(file, cache) == digest_bytes(text.encode())


def test_stamps_of_whole_seconds_are_not_trusted_until_the_second_is_over(tmp_path, monkeypatch):
    now = 1_000_000_000_000_000_000
    with closing(cached(tmp_path)) as cache:
        monkeypatch.setattr(cache, "_now_ns", lambda: now + 1_500_000_000)
        stats = {
            name: SimpleNamespace(st_ctime_ns=stamp)
            for name, stamp in {
                "coarse": now,
                "coarse, old": now - 10**9,
                "fine": now + 1,
                "future": now + 60 * 10**9 + 1,
            }.items()
        }
        assert cache.settled(stats) == {"coarse, old", "fine"}


def test_a_file_that_is_written_while_it_is_read_is_not_remembered(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("half")
    real = digests._sha256

    def read_while_written(path):
        found = real(path)
        with open(path, "a") as more:
            more.write(" and half")
        return found

    with closing(cached(tmp_path)) as cache:
        monkeypatch.setattr(digests, "_sha256", read_while_written)
        digest_file(file, cache)
        monkeypatch.undo()
        assert cache.get(str(file), file.stat()) is None
        assert digest_file(file, cache) == digest_bytes(b"half and half")


def test_a_cache_with_another_key_is_begun_anew(tmp_path):
    import sqlite3

    path = tmp_path / "digests.db"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("CREATE TABLE digests (path TEXT PRIMARY KEY, size, mtime_ns, inode, sha256)")
        old.execute("INSERT INTO digests VALUES ('/raw/patient', 1, 2, 3, '0')")
    with closing(DigestCache(path)) as cache:
        assert cache._execute(lambda db: db.execute("SELECT * FROM digests").fetchall()) == []


def test_a_folder_is_all_that_lies_behind_its_links_but_no_circle(tmp_path):
    top, away = tmp_path / "top", tmp_path / "away"
    (top / "sub").mkdir(parents=True)
    (away / "deep").mkdir(parents=True)
    (away / "deep" / "file").write_text("1")
    (top / "linked").symlink_to(away)
    (top / "sub" / "up").symlink_to(top)
    (away / "back").symlink_to(top / "sub")
    (top / "broken").symlink_to("nowhere")
    assert sorted(files_below(top)) == ["linked/deep/file"]
    before = digest_path(top), state_of(top)
    (away / "deep" / "file").write_text("2")
    assert digest_path(top) != before[0] and state_of(top) != before[1]
    shutil.rmtree(away)
    assert list(files_below(top)) == []


def test_a_raw_file_is_read_once_for_its_index_and_for_the_record(study, monkeypatch):
    """The job asks the cache that capture has filled, as the rules of the index give it."""
    read = []
    sha256 = digests._sha256
    monkeypatch.setattr(digests, "_sha256", lambda path: read.append(path) or sha256(path))

    def index():
        with closing(DigestCache(Layout(study.results).digests)) as cache:
            found = digest_files(["raw/a", "raw/b"], cache)
            Path("results/index").write_text(str(list(found)))

    study.make(["raw"], "results/index", index)
    raw = [os.path.abspath(path) for path in ("raw/a", "raw/b")]
    assert sorted(path for path in read if path in raw) == raw
