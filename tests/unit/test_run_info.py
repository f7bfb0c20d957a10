"""What a job reports about itself, and that the record has it of this attempt and no other."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards

from medsynth.lineage.recording import spool
from medsynth.lineage.recording.capture import JobRecorder
from medsynth.runtime.lease import choose_device
from medsynth.runtime.logs import configure_logging
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run_info import info_path, read_info, report
from medsynth.runtime.settings import Loop


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


def train(log: str, work: Path) -> None:
    work.mkdir(parents=True)
    loop = Loop(steps=1, batch=1, log_every=1, checkpoint_every=1)
    with configure_logging(log), choose_device("cpu", 0):
        run_steps(lambda i: {"loss": 0.5}, state={}, settings=loop, work=work)


def test_a_training_reports_its_device_and_where_its_curve_grows(tmp_path):
    log = tmp_path / "train.log"
    train(str(log), tmp_path / "work")
    history = str(tmp_path / "work/history.csv")
    assert read_info([tmp_path / "none", log]) == {"device": "cpu", "history": history}
    report({"device": "nobody's"})  # of no job any more
    assert read_info([log])["device"] == "cpu"


@pytest.mark.parametrize("text", ['{"device": "cp', "[]", '{"device": 3, "other": "x"}'])
def test_what_is_no_report_is_none(tmp_path, text):
    info_path(tmp_path / "log").write_text(text)
    assert read_info([tmp_path / "log"]) == {}


@pytest.mark.parametrize(("reports", "device"), [(True, "cpu"), (False, None)])
def test_the_record_has_what_this_attempt_reported(tmp_path, monkeypatch, reports, device):
    """The log, and so the report, lies in an input folder: the job has not changed that."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    info_path("raw/job.log").write_text('{"device": "cuda 1 (H100)"}')  # of a killed attempt

    def run(input, output, params, wildcards, threads, resources, log, jobid):
        if reports:
            train(log[0], Path("work"))
        Path(output[0]).write_text("made")

    nobody = SimpleNamespace(named_in=lambda given: set())
    recorder = JobRecorder(tmp_path / "results", SimpleNamespace(attempt=1), nobody)
    rule = SimpleNamespace(name="train", run_func=run, output=[])
    files = InputFiles(["raw"]), OutputFiles(["out"]), Params(), Wildcards()
    recorder.recording(rule)(*files, 1, ResourceList(), Log(["raw/job.log"]), 1)
    _, end = (record for _, record in spool.read(tmp_path / "results"))
    assert (end["device"], end["changed"]) == (device, [])
