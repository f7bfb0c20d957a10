"""The types of records are what is written, and what is checked when a record is read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NotRequired, get_origin, get_type_hints

import pytest
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards

from medsynth.lineage.recording import records, spool
from medsynth.lineage.recording.capture import JobRecorder
from medsynth.lineage.recording.schema import EVERY, FIELDS, FILE, INSIDE

TYPES = {
    ("job", "start"): records.JobStart,
    ("job", "end"): records.JobEnd,
    ("invocation", "start"): records.InvocationStart,
    ("invocation", "end"): records.InvocationEnd,
    ("job", "killed"): records.Killed,
    ("invocation", "killed"): records.Killed,
}


def fields(kind: type) -> tuple[set[str], set[str]]:
    """Names of a type's fields: those that are always there, and the others."""
    hints = get_type_hints(kind, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
    return hints.keys() - optional, optional


@pytest.mark.parametrize("kind", FIELDS, ids="-".join)
def test_what_is_checked_is_what_the_type_promises(kind):
    always, _ = fields(TYPES[kind])
    # Of an end, whose start says so too, nobody asks for the invocation.
    assert always - {"invocation"} == (FIELDS[kind] | EVERY).keys() - {"invocation"}


def test_files_and_processes_are_checked_as_their_types_promise():
    assert fields(records.RecordedFile) == (set(FILE), set())
    assert fields(records.Process) == (set(INSIDE["process"]), set())
    assert fields(records.CodeState) == (set(INSIDE["git"]), set())


def test_capture_writes_what_the_types_promise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").write_text("read")

    def run(input, output, params, wildcards, threads, resources, log, jobid):
        (tmp_path / "out").write_text("made")

    nobody = SimpleNamespace(named_in=lambda given: set())
    recorder = JobRecorder(tmp_path / "results", SimpleNamespace(attempt=1), nobody)
    rule = SimpleNamespace(name="make", run_func=run, output=[])
    lists = InputFiles(["in"]), OutputFiles(["out"]), Params(), Wildcards()
    recorder.recording(rule)(*lists, 1, ResourceList(), Log(), 1)
    start, end = (record for _, record in spool.read(tmp_path / "results"))
    assert start.keys() - {"anchored"} == fields(records.JobStart)[0]
    assert end.keys() - {"anchored", "changed"} == fields(records.JobEnd)[0]
    assert "changed" in fields(records.JobEnd)[1]
    assert [file.keys() for file in start["inputs"] + end["outputs"]] == [FILE.keys()] * 2
