"""Slurm, as far as the executor plugin leaves it to us: names of jobs, and whom to ask for states.

Standard library only, because jobs wait for this import.
"""

from __future__ import annotations

import builtins
import re
import shutil
import subprocess
import time
from typing import Any

NAME_LENGTH = 50  # of what the executor puts before its own name of a run's jobs
# Slurm waits half a minute (KillWait) before it kills what does not end when it is told to.
CANCEL_SECONDS = 120
ANSWER_SECONDS = 60  # how long a controller that restarts may be silent


def is_meant(settings: Any) -> bool:
    """Whether these settings of an executor are those of Slurm's."""
    return hasattr(settings, "jobname_prefix")


def prepare(settings: Any, run: str) -> bool:
    """Complete the executor's settings: jobs can be found by their run, and their ends be seen.

    Args:
        settings: of the executor plugin; others than Slurm's are left as they are.
        run: letters and digits, with which the names of all its jobs shall begin.

    Returns:
        Whether they are Slurm's.
    """
    if not is_meant(settings):
        return False
    given = settings.jobname_prefix
    settings.jobname_prefix = (f"{run}-{given}" if given else run)[:NAME_LENGTH]
    # By default sacct is asked wherever it is installed, and in place of squeue where that forgets
    # jobs too soon. Without a database it does not answer: the executor would wait for ever.
    if _ask("sacct", "-X", "--noheader") is None:
        settings.status_command = "squeue"
        config = _ask("scontrol", "show", "config") or ""
        if kept := re.search(r"MinJobAge\s*=\s*(\d+)", config):
            often = max(int(kept[1]) // 3, 1)
            settings.init_seconds_before_status_checks = min(
                settings.init_seconds_before_status_checks, often
            )
    return True


def means_python(word: Any) -> bool:
    """Whether Snakemake evaluates what a resource is said to be as something that is no value.

    Words of a profile and of the command line are Python to it, and text only where that fails.
    """
    from snakemake.ioutils import register_in_globals  # slow, and jobs import this module

    known: dict[str, Any] = {}
    register_in_globals(known)
    no_values = {*known, "async_run", "shutil", "wildcards"} - {"threads"}  # which is a number
    return isinstance(word, str) and (word in no_values or callable(getattr(builtins, word, None)))


def cancel_jobs(run: str) -> tuple[list[str], list[str]]:
    """Cancel what waits or runs of a run, and see it gone.

    Returns:
        The ids of what was cancelled, and of what is still there.

    Raises:
        TimeoutError: Slurm cannot be asked; what it runs may run on all the same.
    """
    if not (found := _jobs(run)):
        return [], []
    _ask("scancel", *found)
    deadline = time.monotonic() + CANCEL_SECONDS
    while (left := _jobs(run)) and time.monotonic() < deadline:
        time.sleep(1)
    return found, left


def _jobs(run: str) -> list[str]:
    """Ids of those that wait or run."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while (listed := _ask("squeue", "--me", "--noheader", "--format=%i %j")) is None:
        if not shutil.which("squeue") or time.monotonic() > deadline:
            raise TimeoutError("Slurm does not answer")
        time.sleep(1)
    pairs = (line.split(maxsplit=1) for line in listed.splitlines())
    return [job for job, name in pairs if name.startswith(run)]


def _ask(program: str, *arguments: str) -> str | None:
    """What it says; None if it is not there or fails."""
    if not shutil.which(program):
        return None
    done = subprocess.run([program, *arguments], text=True, capture_output=True)
    return None if done.returncode else done.stdout
