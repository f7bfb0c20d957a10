"""What Slurm and its executor say of a job: its number, why it waits, ended or never began."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable

from snakemake_logger_plugin_medsynth.jobs import tail

SUBMITTED = re.compile(r"Job (\d+) has been submitted with SLURM jobid (\S+)")
STATE = re.compile(r"SLURM status is: '(\w+)'")
REFUSED = re.compile(
    r"SLURM sbatch failed\. The error message was '(.*?)'\.\n *sbatch call:(.*)", re.S
)
NOT_SUBMITTED = re.compile(
    r"Job submission failed with exception: (.*?)(?:For further error details|$)", re.S
)
# What a call of sbatch asks for; its command comes after.
ASKED = re.compile(r"(?<= )(?:-[AptC]|--(?:mem|gpus|gres|cpus-per-task|cpus-per-gpu|qos)\b)[ =]\S+")
# Of a job that Slurm killed for memory it often says only that it failed; its log says why.
NO_MEMORY = re.compile(r"oom.?kill|out of memory|memory limit", re.I)

# What a job printed last before Snakemake said, in the executor's log of it, that it failed.
LAST_WORDS = re.compile(r"^(\S.*)\nRuleException:", re.M)

ENDED = {
    "OUT_OF_MEMORY": "Slurm ended it, for it took more memory than it asked for; let it ask for"
    " more: --set-resources {rule}:mem_mb=MB",
    "TIMEOUT": "Slurm ended it, for its time was over; let it ask for more: --set-resources"
    " {rule}:runtime=MINUTES. A training goes on from its last checkpoint",
    "CANCELLED": "it was cancelled in Slurm; call snakemake again: a training goes on from its last"
    " checkpoint",
    "NODE_FAIL": "its node failed; call snakemake again",
}
# A failure of its own is no end by Slurm.
OTHER = "Slurm ended it: {state}; call snakemake again"
KILLED = (
    "killed from outside (SIGKILL), as a node does that has no memory left; let it ask for more:"
    " --set-resources {rule}:mem_mb=MB"
)
AGAIN = "then call snakemake again"
REMEDY = f"unless Slurm is away, correct what profiles/slurm or an option asks for; {AGAIN}"

# Reasons of Slurm's (squeue(1)) for which a job may wait for ever, and what to do.
STUCK = {
    r"PartitionTimeLimit|\w*WallDuration\w*": "it asks for more time than its partition, account or"
    " QOS gives; press Ctrl-C and let it ask for less, or another partition: --set-resources"
    " {rule}:runtime=MINUTES or {rule}:slurm_partition=NAME. A training that is ended goes on from"
    " its last checkpoint",
    r"PartitionConfig|PartitionNodeLimit|BadConstraints|\w+Per(?:Job|Node)\w*": "it asks for more"
    " than a node has, or than a job may have; press Ctrl-C and let it ask for less, or another"
    " partition: --set-resources {rule}:mem_mb=MB or {rule}:slurm_partition=NAME, --set-threads"
    " {rule}=1",
    r"Invalid(?:Account|QOS)|\w+NotAllowed": "its account or QOS may not be used there; press"
    " Ctrl-C and correct slurm_account, slurm_partition or --slurm-qos",
    r"\w+Minutes\w*": "the time of its account is used up; ask those who run the cluster, or press"
    " Ctrl-C and set another slurm_account",
    r"JobHeld\w+|JobHoldMaxRequeue": "it is held; to let it go: scontrol release {job}",
    r"PartitionDown|PartitionInactive|ReqNodeNotAvail.*|Nodes required for job are DOWN.*": "its"
    " nodes are away or kept for others; it begins when they are back",
    r"PREEMPTED": "another job took its place, and Slurm does not begin it anew; press Ctrl-C and"
    " call snakemake again: a training goes on from its last checkpoint. Where the cluster allows"
    " it, --slurm-requeue has Slurm do that",
}
ASK_SECONDS = 5  # a controller that is away is asked again later


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
        words = refused[1].removeprefix("sbatch: error: ").replace("sbatch: error: ", "; ")
        asked = ", ".join(ASKED.findall(refused[2].partition(" --wrap=")[0]))
        return f"Slurm does not take it: {_line(words)} (asked for: {asked}); {REMEDY}"
    if failed := NOT_SUBMITTED.search(said):
        return f"it was not given to Slurm: {_line(failed[1])}; correct that, {AGAIN}"
    ended = state(said, logs)
    if ended in (None, "FAILED"):
        return None
    return ENDED.get(ended, OTHER).format(rule=rule, state=ended)


def last_words(log: str) -> str | None:
    """What a job said that failed before it had a log of its own."""
    found = LAST_WORDS.findall(tail(log))
    return found[-1] if found else None


def reasons() -> dict[str, str]:
    """{job: why it does not run}, of the user's; nothing while Slurm does not answer."""
    if not shutil.which("squeue"):
        return {}
    command = ["squeue", "--me", "--noheader", "--states=PENDING,PREEMPTED", "--format=%i|%T|%r"]
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=ASK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = (line.strip().split("|", 2) for line in done.stdout.splitlines())
    return {job: reason if state == "PENDING" else state for job, state, reason in lines}


def stuck(rule: str, job: str, reason: str) -> str | None:
    """What to tell of a job that may wait for ever; None of one whose turn comes."""
    found = next((told for which, told in STUCK.items() if re.fullmatch(which, reason)), None)
    return found and f"waits: {reason}; {found.format(rule=rule, job=job)}"


def _line(words: str) -> str:
    return " ".join(words.split()).replace(" ; ", "; ").rstrip(".")
