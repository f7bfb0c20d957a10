"""What Slurm's executor says of a job: its number there, and why it ended or never began."""

from __future__ import annotations

import re
from collections.abc import Iterable

from snakemake_logger_plugin_medsynth.jobs import tail

SUBMITTED = re.compile(r"Job (\d+) has been submitted with SLURM jobid (\S+)")
STATE = re.compile(r"SLURM status is: '(\w+)'")
REFUSED = re.compile(r"SLURM sbatch failed\. The error message was '(.*?)'\.\n *sbatch call:", re.S)
# Of a job that Slurm killed for memory it often says only that it failed; its log says why.
NO_MEMORY = re.compile(r"oom.?kill|out of memory|memory limit", re.I)

ENDED = {
    "OUT_OF_MEMORY": "Slurm ended it, for it took more memory than it asked for; let it ask for"
    " more: --set-resources {rule}:mem_mb=MB",
    "TIMEOUT": "Slurm ended it, for its time was over; let it ask for more: --set-resources"
    " {rule}:runtime=MINUTES. A training goes on from its last checkpoint",
    "CANCELLED": "it was cancelled in Slurm; call snakemake again: a training goes on from its last"
    " checkpoint",
    "NODE_FAIL": "its node failed; call snakemake again",
}
REMEDY = "unless Slurm is away, correct what profiles/slurm asks for; then call snakemake again"


def state(said: str, logs: Iterable[str]) -> str | None:
    """In which state Slurm's job ended; None of a job that is none of Slurm's."""
    if not (found := STATE.search(said)):
        return None
    if found[1] == "FAILED" and any(NO_MEMORY.search(tail(log)) for log in logs):
        return "OUT_OF_MEMORY"
    return found[1]


def cause(rule: str, said: str, logs: Iterable[str]) -> str | None:
    """Why it ended or never began, and what to do; None if Slurm does not know."""
    if refused := REFUSED.search(said):
        words = " ".join(refused[1].replace("sbatch: error: ", "").split())
        return f"Slurm does not take it: {words}; {REMEDY}"
    ended = state(said, logs)
    return ENDED[ended].format(rule=rule) if ended in ENDED else None
