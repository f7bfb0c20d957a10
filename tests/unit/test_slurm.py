"""What is done beside Slurm's executor, with programs that stand for Slurm's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import terminal_toy as toy
import yaml

from medsynth.lineage.recording import leftovers, slurm

plugin = pytest.importorskip("snakemake_executor_plugin_slurm", reason="of the extra slurm")

# Lists what is not cancelled yet.
SQUEUE = """
for job in 11,dead_run 12,dead-mine_run 13,alive_run; do
    grep -qw ${job%,*} cancelled 2>/dev/null || echo "${job%,*} ${job#*,}"
done
"""
# Takes every job but one, and says in which state they ended.
SBATCH = """
case "$*" in
    *wildcards_b*) echo "sbatch: error: Batch job submission failed: Invalid account" >&2; exit 1;;
    *wildcards_a*) echo 21;; *wildcards_c*) echo 22;;
esac
"""
# At first the controller is away: longer than the executor asks by default, after which it would
# have forgotten its jobs.
ENDED = """
echo asked >> asked
[ $(wc -l < asked) -gt 7 ] || exit 1
echo '21|OUT_OF_MEMORY'; echo '22|CANCELLED'
"""
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
    leftovers.stop_jobs("dead")
    assert (folder / "cancelled").read_text() == "11 12\n"
    assert "cancelled 2 Slurm jobs" in capsys.readouterr().err


def test_jobs_that_do_not_end_let_nothing_begin(programs, monkeypatch):
    programs(squeue=SQUEUE, scancel="")
    monkeypatch.setattr(slurm, "CANCEL_SECONDS", 0)
    with pytest.raises(Exception, match="Slurm jobs 11, 12 of a killed workflow do not end"):
        leftovers.stop_jobs("dead")


@pytest.mark.parametrize(
    ("given", "name"), [("", "f" * 32), ("mine" * 12, f"{'f' * 32}-{'mine' * 4}m")]
)
def test_jobs_are_named_after_their_run(given, name):
    settings = plugin.ExecutorSettings(jobname_prefix=given)
    slurm.prepare(settings, "f" * 32)
    assert settings.jobname_prefix == name
    slurm.prepare(None, "f" * 32)  # another executor's


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
    options = ["--executor", "slurm", "--jobs", "3", "--slurm-status-command", "squeue"]
    options += ["--slurm-init-seconds-before-status-checks", "1", "--config", "ends=abc"]
    attempts = yaml.safe_load(PROFILE.read_text())["slurm-status-attempts"]
    options += ["--slurm-status-attempts", str(attempts)]
    code, printed = toy.snakemake(folder, *options)
    found = toy.blocks(printed)
    assert code == 1 and set(found) == {"ends a", "ends b", "ends c"}, printed
    assert "✗ ends a, Slurm job 21: OUT_OF_MEMORY\n" in printed
    assert found["ends a"][0].endswith("let it ask for more: --set-resources ends:mem_mb=MB")
    assert found["ends b"][0].startswith(
        "Slurm does not take it: Batch job submission failed: Invalid account; unless Slurm is away"
    )
    assert found["ends c"][0].startswith("it was cancelled in Slurm; call snakemake again")
    assert "sbatch" not in printed.replace(str(folder), "")
