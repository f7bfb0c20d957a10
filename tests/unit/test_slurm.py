"""What is done beside Slurm's executor, with programs that stand for Slurm's."""

from __future__ import annotations

import os
from logging import INFO, LogRecord
from pathlib import Path
from types import SimpleNamespace

import pytest
import terminal_toy as toy
import yaml
from snakemake_interface_logger_plugins.common import LogEvent

from medsynth.lineage.recording import invocation, leftovers, slurm
from snakemake_logger_plugin_medsynth import cluster
from snakemake_logger_plugin_medsynth.view import View

plugin = pytest.importorskip("snakemake_executor_plugin_slurm", reason="of the extra slurm")

# Lists what is not cancelled yet.
SQUEUE = """
for job in 11,dead_run 12,dead-mine_run 13,alive_run; do
    grep -qw ${job%,*} cancelled 2>/dev/null || echo "${job%,*} ${job#*,}"
done
"""
# Takes every job but one, and says in which state they ended.
SBATCH = """
log=$(echo "$*" | sed 's/.*--output \\([^ ]*\\)%j.log.*/\\1/')
case "$*" in
    *wildcards_i*) cp imported "${log}23.log"; echo 23;;
    *wildcards_k*) cp killed "${log}24.log"; echo 24;;
    *wildcards_d*) echo 25;;
    *wildcards_b*) echo "sbatch: error: Too much
sbatch: error: Batch job submission failed: Invalid account" >&2; exit 1;;
    *wildcards_a*) echo 21;; *wildcards_c*) echo 22;;
esac
"""
# At first the controller is away: longer than the executor asks by default, after which it would
# have forgotten its jobs.
ENDED = """
echo asked >> asked
[ $(wc -l < asked) -gt 7 ] || exit 1
echo '21|OUT_OF_MEMORY'; echo '22|CANCELLED'; echo '23|FAILED'; echo '24|FAILED'
echo '25|DEADLINE'
"""
# The executor's logs of jobs that ended before they had one of their own.
LOGS = {
    "imported": "ModuleNotFoundError: No module named 'torch'\nRuleException:\n"
    'CalledProcessError in file "Snakefile", line 3:\n'
    "Command 'python a.py' returned non-zero exit status 1.\n",
    "killed": 'RuleException:\nCalledProcessError in file "Snakefile", line 3:\n'
    "Command 'python a.py' died with <Signals.SIGKILL: 9>.\n",
}
AFTER = "WorkflowError:\nAt least one job did not complete successfully.\n"
PROFILE = Path(__file__).parents[2] / "profiles" / "slurm" / "config.yaml"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put shell scripts on the path in place of Slurm's programs."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)

    def write(**scripts: str) -> Path:
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}")
            (tmp_path / name).chmod(0o755)
        return tmp_path

    return write


def test_a_killed_workflows_jobs_are_cancelled_and_no_others(programs, capsys):
    folder = programs(squeue=SQUEUE, scancel='echo "$@" >> cancelled')
    leftovers.stop_jobs("dead", in_slurm=True)
    assert (folder / "cancelled").read_text() == "11 12\n"
    assert "cancelled 2 Slurm jobs" in capsys.readouterr().err


def test_jobs_that_do_not_end_let_nothing_begin(programs, monkeypatch):
    programs(squeue=SQUEUE, scancel="")
    monkeypatch.setattr(slurm, "CANCEL_SECONDS", 0)
    with pytest.raises(Exception, match="Slurm jobs 11, 12 of a killed workflow do not end"):
        leftovers.stop_jobs("dead", in_slurm=True)


def test_what_cannot_be_asked_lets_nothing_begin_if_it_had_jobs(programs, monkeypatch, capsys):
    monkeypatch.setattr(slurm, "ANSWER_SECONDS", 1)
    monkeypatch.setattr(slurm.time, "sleep", lambda seconds: None)
    folder = programs(
        squeue=f"echo asked >> asks; [ $(wc -l < asks) -gt 2 ] || exit 1\n{SQUEUE}",
        scancel='echo "$@" >> cancelled',
    )
    leftovers.stop_jobs("dead", in_slurm=True)  # it was away for a moment
    assert (folder / "cancelled").read_text() == "11 12\n"

    programs(squeue="exit 1")
    leftovers.stop_jobs("dead")
    with pytest.raises(Exception, match="Slurm does not answer"):
        leftovers.stop_jobs("dead", in_slurm=True)


def test_the_lock_says_whether_jobs_are_slurms(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(invocation, "stop_jobs", lambda run, **where: asked.append((run, where)))
    lock = tmp_path / "lineage" / "workflow.lock"
    for left in ("dead", "dead slurm"):
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(left)
        invocation._hold(lock, "alive").close()
        assert lock.read_text() == "alive"
    assert asked == [("dead", {"in_slurm": False}), ("dead", {"in_slurm": True})]


def test_what_cannot_go_well_in_slurm_is_refused(programs, monkeypatch):
    folder = programs(sbatch="")
    invocation.refuse_slurm(plugin.ExecutorSettings())
    # Tasks of an array remove the files of the first one.
    with pytest.raises(Exception, match="--slurm-array-jobs: "):
        invocation.refuse_slurm(plugin.ExecutorSettings(array_jobs="all"))
    settings = plugin.ExecutorSettings()
    (folder / "sbatch").unlink()
    monkeypatch.setenv("PATH", str(folder))
    invocation.refuse_slurm(None)  # another executor's
    with pytest.raises(Exception, match="there is no sbatch here"):
        invocation.refuse_slurm(settings)


@pytest.mark.parametrize(
    ("given", "name"), [("", "f" * 32), ("mine" * 12, f"{'f' * 32}-{'mine' * 4}m")]
)
def test_jobs_are_named_after_their_run(given, name):
    settings = plugin.ExecutorSettings(jobname_prefix=given)
    assert slurm.prepare(settings, "f" * 32)
    assert settings.jobname_prefix == name
    assert not slurm.prepare(None, "f" * 32)  # another executor's


@pytest.mark.parametrize(
    ("sacct", "asked", "seconds"), [("exit 1", "squeue", 20), ("", "sacct", 40)]
)
def test_where_there_is_no_accounting_squeue_is_asked_before_it_forgets(
    programs, sacct, asked, seconds
):
    programs(sacct=sacct, scontrol="echo 'MinJobAge               = 60 sec'")
    settings = plugin.ExecutorSettings(status_command="sacct")
    slurm.prepare(settings, "run")
    assert settings.status_command == asked
    assert settings.init_seconds_before_status_checks == seconds


def test_the_terminal_says_what_slurm_did_to_a_job(programs):
    folder = programs(
        sbatch=SBATCH, squeue=ENDED, sinfo="", scontrol="echo MinJobAge = 300", sacct="exit 1"
    )
    toy.write(folder)
    for name, text in LOGS.items():
        (folder / name).write_text(text + AFTER)
    options = ["--executor", "slurm", "--jobs", "6", "--slurm-status-command", "squeue"]
    options += ["--slurm-init-seconds-before-status-checks", "1", "--config", "ends=abcdik"]
    options += ["--default-resources", "mem_mb=700"]
    attempts = yaml.safe_load(PROFILE.read_text())["slurm-status-attempts"]
    options += ["--slurm-status-attempts", str(attempts)]
    code, printed = toy.snakemake(folder, *options)
    found = toy.blocks(printed)
    assert code == 1 and set(found) == {f"ends {x}" for x in "abcdik"}, printed
    assert "✗ ends a, Slurm job 21: OUT_OF_MEMORY\n" in printed
    assert found["ends a"][0].endswith("let it ask for more: --set-resources ends:mem_mb=MB")
    refused, asked = found["ends b"][0].split(" (asked for: ")
    assert refused == (
        "Slurm does not take it: Too much; Batch job submission failed: Invalid account"
    )
    assert "--mem 700, --cpus-per-task=1" in asked and "); unless Slurm is away" in asked
    assert found["ends c"][0].startswith("it was cancelled in Slurm; call snakemake again")
    assert found["ends d"][0].startswith("Slurm ended it: DEADLINE")
    assert found["ends i"][0] == "ModuleNotFoundError: No module named 'torch'"
    assert found["ends i"][1].startswith("traceback: ")
    assert found["ends k"][0].startswith("killed from outside (SIGKILL)")
    assert "--set-resources ends:mem_mb=MB" in found["ends k"][0]
    assert "sbatch" not in printed.replace(str(folder), "")


def test_a_job_that_the_executor_does_not_submit_has_its_reason_and_no_traceback(programs):
    folder = programs(sbatch="echo 21", squeue="", sinfo="", scontrol="", sacct="exit 1")
    toy.write(folder)
    options = ["--executor", "slurm", "--jobs", "1", "--slurm-status-command", "squeue"]
    options += ["--slurm-init-seconds-before-status-checks", "1"]
    options += ["--set-resources", "ends:slurm_extra='--mem=3G'"]
    code, printed = toy.snakemake(folder, *options)
    [cause] = toy.blocks(printed)["ends a"]
    assert code == 1
    assert cause.startswith("it was not given to Slurm: The --memory option is not allowed")
    assert cause.endswith("; correct that, then call snakemake again")
    assert "Traceback" not in printed


QUEUE = """
echo '21|PENDING|PartitionTimeLimit'; echo '22|PENDING|PartitionTimeLimit'
echo '23|PENDING|Priority'; echo '24|PENDING|Nodes required for job are DOWN, DRAINED or more'
echo '25|PREEMPTED|None'; echo '99|PENDING|JobHeldUser'
"""


def test_what_waits_for_ever_in_the_queue_is_told_once(programs, capsys):
    programs(squeue=QUEUE)
    view = View(SimpleNamespace(nocolor=True, stdout=True, dryrun=False, quiet=None))
    for number, rule in ((1, "train"), (2, "train"), (3, "train"), (4, "report"), (5, "page")):
        job = {"jobid": number, "rule_name": rule, "wildcards": {"x": f"m{number}"}}
        record = LogRecord("", INFO, "", 0, "", None, None)
        vars(record).update(job, log=[], output=["file"], event=LogEvent.JOB_INFO)
        view.take(record)
        said = f"Job {number} has been submitted with SLURM jobid 2{number} (log: a)."
        view.take(LogRecord("", INFO, "", 0, said, None, None))
    for _ in range(2):
        view._asked = -1e9
        view.tick()
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith(
        "train m1, Slurm job 21 waits: PartitionTimeLimit; it asks for more time"
    )
    assert "--set-resources train:runtime=MINUTES" in first
    assert second.startswith("report m4, Slurm job 24 waits: Nodes required")
    assert third.startswith("page m5, Slurm job 25 waits: PREEMPTED; another job took its place")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("QOSMaxMemoryPerJob", "--set-resources r:mem_mb=MB"),
        ("AssocMaxWallDurationPerJobLimit", "r:runtime=MINUTES"),
        ("AssocGrpCPUMinutesLimit", "the time of its account is used up"),
        ("JobHeldAdmin", "scontrol release 7"),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "its nodes are away"),
        ("QOSNotAllowed", "slurm_account"),
        ("Resources", None),
        ("QOSMaxJobsPerUserLimit", None),
    ],
)
def test_waiting_that_may_not_end_is_told_from_a_turn_that_comes(reason, told):
    found = cluster.stuck("r", "7", reason)
    assert (told in found) if told else (found is None)
