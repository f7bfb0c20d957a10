"""What a workflow shows on the terminal, through Snakemake's own command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import terminal_toy as toy
import yaml

from snakemake_logger_plugin_medsynth.failures import Failures
from snakemake_logger_plugin_medsynth.jobs import Job

ROOT = Path(__file__).parents[2]

# The view fails at the first job that ends.
BROKEN = """
import sys
import snakemake_logger_plugin_medsynth.view as view
from snakemake.cli import main

def broken(self, record):
    raise TypeError("a defect of the view")

view.View._finish = view.View._fail = broken
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory) -> tuple[Path, int, str]:
    """A folder in which one job ended well and six in other ways; exit code; what was printed."""
    folder = toy.write(tmp_path_factory.mktemp("failed"))
    return folder, *toy.snakemake(folder, "--config", "ends=aetdfki")


def test_each_failed_job_is_told_once_last_and_in_short(failed):
    folder, code, printed = failed
    assert code == 1, printed
    assert "6 of 8 jobs failed; done and kept: 1; not run for want of them: 1." in printed
    found = toy.blocks(printed)
    logs = {x: f"log: logs/ends/{x}.log" for x in "etdfk"}
    assert set(found) == {f"ends {x}" for x in "etdfki"}
    assert found["ends e"] == ["labels.csv: no column grade; add it", logs["e"]]
    assert found["ends t"] == [
        *(f"line {i} of a table" for i in range(10)),
        *("…", "lower it"),
        logs["t"],
    ]
    assert found["ends d"] == ["KeyError: 'a defect'", logs["d"].replace("log:", "traceback:")]
    assert found["ends f"][0].startswith("OSError: [Errno 28] No space left on device; make room")
    assert "killed" in found["ends k"][0] and "memory" in found["ends k"][0]
    missing, traceback = found["ends i"]
    assert missing == "ModuleNotFoundError: No module named 'no_such_package'"
    assert missing in (folder / traceback.removeprefix("traceback: ")).read_text()
    for once in ("no column grade", "a defect", "No space left"):
        assert printed.count(once) == 1
    for never in ("Traceback", "Error in rule", "RuleException", "CalledProcess", "Shutting down"):
        assert never not in printed
    assert "Traceback" in (folder / "logs/ends/d.log").read_text()


def test_two_jobs_of_a_rule_that_end_at_once_keep_their_own_causes(tmp_path, monkeypatch):
    """Of a rule only the thread that watched a job tells which exception is whose."""
    monkeypatch.chdir(tmp_path)
    failures = Failures(Path("printed"))
    killed, crashed = (Job(n, "ends", x, [], None, [], "") for n, x in enumerate("kc"))
    died = "RuleException:\nCommand 'python x.ends.py' died with <Signals.{}: 9>."
    failures.keep_error(died.format("SIGSEGV"), "RuleException", 2)
    failures.keep_error(died.format("SIGKILL"), "RuleException", 1)
    assert "memory" in failures.of_job(killed, 1).cause
    assert "SIGSEGV" in failures.of_job(crashed, 2).cause
    assert list(failures.blocks([], 100, False)) == []


def test_what_libraries_print_goes_to_the_log(failed):
    folder, _, printed = failed
    assert "libtiff" not in printed
    assert "libtiff: unknown tag" in (folder / "logs/ends/a.log").read_text()


def test_a_dry_run_says_why_and_ends_in_a_table(failed):
    folder, *_ = failed
    targets = ["--", "out/a.txt", "last/a.txt", "last/b.txt"]
    code, printed = toy.snakemake(folder, "-n", "--config", "steps=80", "code=2", *targets)
    rows = [line.split(maxsplit=2) for line in printed.strip().split("\n")]
    assert code == 0 and rows == [
        ["rule", "jobs", "reason"],
        ["ends", "1", "a: code changed; steps: 60 → 80"],
        ["ends", "1", "b: missing output"],
        ["last", "1", "a: follows from ends"],
        ["last", "1", "b: missing output"],
        ["total", "4"],
        ["A", "dry", "run: nothing was done."],
    ]


def test_a_raw_file_that_is_not_there_is_named(failed):
    folder, *_ = failed
    code, printed = toy.snakemake(folder, "-n", "--", "lost.txt")
    assert code == 1 and printed.strip().split("\n") == [
        "✗ lost: 1 file that it reads is not there, and no rule makes it",
        "    raw/not_there.csv",
        "    put it there, or correct its path in the configuration",
    ]


def test_an_error_before_there_is_a_plan_has_no_traceback(failed):
    folder, *_ = failed
    code, printed = toy.snakemake(folder, "-n", "--configfile", "forgotten.yaml")
    assert code == 1 and printed.strip().split("\n") == [
        "FileNotFoundError: [Errno 2] No such file or directory: 'forgotten.yaml'",
        "    traceback: call it once more with --verbose",
    ]


def test_a_configuration_in_another_encoding_is_named(failed):
    folder, *_ = failed
    (folder / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    code, printed = toy.snakemake(folder, "-n", "--configfile", "latin.yaml")
    said = "✗ latin.yaml: is no text in UTF-8; save it as such"
    assert code == 1 and printed.strip() == said


def test_a_job_that_ends_well_the_second_time_did_not_fail(failed):
    folder, *_ = failed
    code, printed = toy.snakemake(folder, "--", "again.txt")
    assert code == 0 and printed.split("\n")[:3] == [
        "1 job to do",
        "✗ again",
        "↻ again once more",
    ]
    assert "failed" not in printed and "1 job done in" in printed


def test_after_an_error_of_the_view_snakemakes_own_messages_follow(tmp_path):
    folder = toy.write(tmp_path)
    (tmp_path / "broken.py").write_text(BROKEN)
    code, printed = toy.snakemake(folder, "--config", "ends=ae", program=("broken.py",))
    assert code == 1
    assert printed.count("display of the workflow failed") == 1
    assert "TypeError: a defect of the view" in printed
    assert "Error in rule ends" in printed and "no column grade" not in printed
    assert "At least one job did not complete successfully" in printed
    assert (tmp_path / "out/a.txt").exists()


def test_one_line_is_rewritten_on_a_terminal_and_ctrl_c_tells_how_to_go_on(tmp_path):
    folder = toy.write(tmp_path)

    def is_seen(written: str) -> bool:
        return (folder / "waits").exists() and "/3 jobs · " in written

    code, printed = toy.on_terminal(folder, "--config", "ends=aw", stop=is_seen)
    assert code == 1
    lines = [line.strip() for line in printed.split("\n") if line.strip()]
    assert any(re.match(r"[01]/3 jobs · ends (w|a, w|w, a)", line) for line in lines)
    assert all(len(line) <= toy.COLUMNS for line in lines if "jobs ·" in line)
    assert "Traceback" not in printed and "✗" not in printed
    assert lines[-1].startswith("Stopped by you; done and kept: ")


def test_the_plugin_is_light_and_another_logger_replaces_it():
    """Every process that Snakemake starts loads it."""
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert profile["logger"] == ["medsynth"]
    program = (
        "import sys, snakemake_logger_plugin_medsynth\n"
        "print(sorted({'medsynth', 'rich', 'torch', 'pandas', 'mlflow'} & set(sys.modules)))\n"
        "from snakemake.cli import parse_args\n"
        "print(parse_args(['--logger', 'other', '-n'])[1].logger, parse_args(['-n'])[1].logger)"
    )
    other = ROOT / "tests" / "unit" / "other_logger"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=toy._environment() | {"PYTHONPATH": f"{toy.LIBRARY}:{other}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split("\n")[:2] == ["[]", "['other'] ['medsynth']"], done.stderr
