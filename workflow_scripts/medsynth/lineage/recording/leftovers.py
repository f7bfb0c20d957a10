"""What a killed workflow left running, here and in Slurm: it would write the same files."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from medsynth.lineage.recording import slurm, spool
from medsynth.lineage.recording.records import Process

# Jobs find their invocation's id here, in whatever process they run.
INVOCATION = "MEDSYNTH_INVOCATION"
# How long jobs of a killed workflow may take to die: those in a system call are late.
STOP_SECONDS = 30


def refusal(message: str) -> Exception:
    """The error that Snakemake shows without a traceback."""
    from snakemake.exceptions import WorkflowError  # slow, and jobs import this module

    error: Exception = WorkflowError(message)
    return error


def stop_jobs(invocation: str, *, in_slurm: bool = False) -> None:
    """End what is left of an invocation whose workflow process is gone, and see it gone.

    Raises:
        WorkflowError: some of it does not end, or nobody can tell.
    """
    cancelled, left = _cancel_jobs(invocation) if in_slurm else ([], [])
    if left:
        raise refusal(
            f"Slurm jobs {', '.join(left)} of a killed workflow do not end; see `squeue --me`, then"
            " call snakemake again"
        )
    if cancelled:
        print(
            f"Lineage: cancelled {len(cancelled)} Slurm jobs that a killed workflow left.",
            file=sys.stderr,
        )
    _stop_processes(invocation)


def _cancel_jobs(invocation: str) -> tuple[list[str], list[str]]:
    try:
        return slurm.cancel_jobs(invocation)
    except TimeoutError:
        raise refusal(
            "Slurm does not answer (squeue --me), and may have jobs of the workflow before, which"
            " would write the same files; call snakemake again when it does, where it can be asked."
            " If that Slurm is no more, empty lineage/workflow.lock in the results folder"
        ) from None


def _ancestors() -> set[int]:
    """The calling process, its parent, and so on."""
    found, pid = set(), os.getpid()
    while pid:
        found.add(pid)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (PermissionError, FileNotFoundError):
            break  # another user's, where these are hidden
        pid = int(stat.rpartition(")")[2].split()[1])  # proc(5): the name may hold blanks
    return found


def _stop_processes(invocation: str) -> None:
    """Kill what is left of an invocation whose workflow process is gone, and see it gone.

    This process and its ancestors are spared, even if one was started by such a job.
    """
    mark = f"{INVOCATION}={invocation}".encode()
    spared = _ancestors()
    stopped: dict[int, Process] = {}
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        found = False
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            try:
                if pid in spared or mark not in (process / "environ").read_bytes().split(b"\0"):
                    continue
                stopped.setdefault(pid, spool.identity(pid))
                os.kill(pid, signal.SIGKILL)
                found = True
            except (PermissionError, FileNotFoundError, ProcessLookupError):
                continue  # another user's, or just gone
        # Once more: one that died may have started another behind the search's back.
        if not found and all(map(spool.is_gone, stopped.values())):
            break
        if time.monotonic() > deadline:
            raise refusal(
                f"processes {', '.join(map(str, sorted(stopped)))} of a killed workflow do not"
                " die; stop them, then call snakemake again"
            )
        time.sleep(0.05)
    if stopped:
        print(
            f"Lineage: stopped {len(stopped)} processes that a killed workflow left running.",
            file=sys.stderr,
        )
