"""What failed, why, and what to do: in few lines a job, at the very end."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snakemake_logger_plugin_medsynth import cluster
from snakemake_logger_plugin_medsynth.jobs import Job, tail, written

SHOWN = 6  # failed jobs with their causes
LINES = 12  # of a cause, between the title and the log: a gate's table fits
FILES = 4  # that are not there, of those that are named
FULL = 2**20  # bytes: a disk with less is full
# What the process that ran a script ended by, in Snakemake's words.
SIGNAL = re.compile(r"died with <Signals\.(SIG\w+)|exit status (\d+)")
BY_STATUS = {130: "SIGINT", 134: "SIGABRT", 135: "SIGBUS", 137: "SIGKILL", 139: "SIGSEGV"} | {
    143: "SIGTERM"
}
# Where in a Snakefile, and by which calls: of no use to who did not write it.
PLACE = re.compile(r"^(?:  File \".*\", line \d+, in .*|Traceback:|)$")
HEAD = re.compile(r"^(\w+)(?: in rule \w+)? in file \".*\", line \d+:$")
MISSING = re.compile(r"Missing input files for rule (\w+):.*affected files:\n(.*)", re.S)
OURS = ("WorkflowError", "MissingInputException")
OF_JOB = "RuleException"
SUMMARY = "At least one job did not complete successfully."

KILLED = (
    "killed from outside (SIGKILL), as a machine does that has no memory left; give it more, or"
    " run fewer jobs at once (--cores), then call snakemake again: a training goes on from its"
    " last checkpoint"
)
DISK_FULL = (
    "no space left on the disk of {folder}; make room, then call snakemake again: what is done is"
    " kept"
)


@dataclass
class Failure:
    """A job that failed. traceback: nobody foresaw it, and the log has one."""

    rule: str
    title: str
    cause: str
    log: str | None
    traceback: bool = False
    interrupted: bool = False


class Failures:
    """Of a whole run; kept until its end.

    Args:
        printed: the file of what jobs print before they have a log.
    """

    def __init__(self, printed: Path) -> None:
        self._printed = printed
        self._jobs: dict[int, Failure] = {}
        # Of no job, or of one that is not yet named: message, kind, thread.
        self._errors: list[tuple[str, str, int | None]] = []

    def keep_error(self, message: str, exception: str, thread: int | None) -> None:
        """An exception that Snakemake shows; of a job it says so before it says of which."""
        self._errors.append((message, exception, thread))

    def of_job(self, job: Job, thread: int | None, said: str = "") -> Failure:
        """Take note of a job that failed.

        Args:
            thread: which tells so: the one that watched the job, and showed its exception, too.
            said: by what ran it, where that is not this process.
        """
        failure = _failure(job, self._said_in(thread), said, self._printed)
        self._jobs[job.id] = failure
        return failure

    def of_job_without(self, job: Job, files: str) -> None:
        """Take note of a job that ended well without having made these files, one a line."""
        log = next(iter(job.log), None)
        missing = ", ".join(line.partition(" (missing")[0] for line in files.strip().split("\n"))
        cause = f"it ended without an error, but did not make {missing}"
        self._jobs[job.id] = Failure(job.rule, job.title, cause, log)

    def _said_in(self, thread: int | None) -> str:
        """The exception of the job that a thread watched; those of others may lie between."""
        found = next((e for e in self._errors if e[1:] == (OF_JOB, thread)), None)
        if found is None:
            return ""
        self._errors.remove(found)
        return found[0]

    def forget(self, jobid: int) -> Failure:
        """It is tried again."""
        return self._jobs.pop(jobid)

    def of_jobs(self, stopped: bool) -> list[Failure]:
        """The jobs that failed, without those that the user stopped."""
        return [f for f in self._jobs.values() if not (stopped and f.interrupted)]

    def blocks(self, failed: Sequence[Failure], width: int, stopped: bool) -> Iterator[list[str]]:
        """What to show of each, a title first; before them what was no job's."""
        for message, exception, _ in self._errors:
            told = SUMMARY in message and (self._jobs or stopped)
            if not (told or (stopped and exception == OF_JOB)):
                yield _error(message, exception)
        for failure in failed[:SHOWN]:
            yield [f"✗ {failure.title}", *_below(failure, width)]
        if rest := failed[SHOWN:]:
            titles = ", ".join(failure.title for failure in rest[:SHOWN])
            more = " …" if len(rest) > SHOWN else ""
            yield [f"and {len(rest)} more: {titles}{more}"]


def _failure(job: Job, said: str, elsewhere: str, printed: Path) -> Failure:
    # Here, when the Snakefile has named its checkout's library.
    from medsynth.runtime.run_info import info_path, read_info

    log = next((path for path in job.log if written(path, job.since)), None)
    info = read_info([path for path in job.log if written(info_path(path), job.since)])
    theirs = job.log[-1] if job.log and cluster.state(elsewhere, ()) else None  # the executor's
    ended = SIGNAL.search(said) or (SIGNAL.search(tail(theirs)) if theirs else None)
    by = (ended[1] or BY_STATUS.get(int(ended[2])) or "") if ended else ""
    failure = Failure(job.rule, job.title, info.get("error", ""), log)
    failure.interrupted = by in ("SIGINT", "SIGTERM") or failure.cause.startswith("Keyboard")
    if failure.cause:
        failure.traceback = info.get("defect", False)
    elif reason := cluster.cause(job.rule, elsewhere, job.log):
        failure.cause = reason
    elif by == "SIGKILL":
        failure.cause = cluster.KILLED.format(rule=job.rule) if theirs else KILLED
    elif by and not failure.interrupted:
        failure.cause = f"a library crashed ({by}); its last words, if any, stand in the log"
    elif job.log and (folder := _full_disk(job.log[0])):
        failure.cause = DISK_FULL.format(folder=folder)
    elif theirs and log == theirs and (words := cluster.last_words(log)):
        failure.cause, failure.traceback = words, True
    elif log is None and written(printed, job.since):
        failure.log, failure.traceback = printed.as_posix(), True
        failure.cause = _last_line(failure.log)
    else:
        failure.cause = (log and _last_line(log)) or _words(said) or "it does not say why"
    return failure


def _last_line(path: str) -> str:
    return next((line for line in reversed(tail(path).split("\n")) if line.strip()), "")


def _full_disk(path: str) -> str | None:
    folder = next(f for f in Path(path).absolute().parents if f.exists())
    return folder.as_posix() if shutil.disk_usage(folder).free < FULL else None


def _words(said: str) -> str:
    return " ".join(line.strip() for line in said.split("\n")[1:] if not PLACE.match(line))


def _below(failure: Failure, width: int) -> Iterator[str]:
    lines = [
        part
        for line in failure.cause.strip().split("\n")
        for part in textwrap.wrap(line, width - 4, break_long_words=False) or [""]
    ]
    if len(lines) > LINES:  # the fault stands first, the remedy last
        lines = [*lines[: LINES - 2], "…", lines[-1]]
    for line in lines:
        yield f"    {line}"
    if failure.log:
        yield f"    {'traceback' if failure.traceback else 'log'}: {failure.log}"


def _error(message: str, exception: str) -> list[str]:
    """An error of no job, without places in files that the user did not write.

    What is not Snakemake's own comes with its traceback: of that, the last line.
    """
    if missing := MISSING.search(message):
        files = [line.strip() for line in missing[2].split("\n") if line.strip()]
        files = [line for line in files if not PLACE.match(f"  {line}")]
        more = [f"    and {len(files) - FILES} more"] if len(files) > FILES else []
        count = "1 file that it reads is" if len(files) == 1 else f"{len(files)} files it reads are"
        return [
            f"✗ {missing[1]}: {count} not there, and no rule makes it",
            *(f"    {file}" for file in files[:FILES]),
            *more,
            "    put it there, or correct its path in the configuration",
        ]
    lines = [line for line in message.split("\n") if not PLACE.match(line)]
    if lines[-1].startswith("UnicodeDecodeError") and "_load_configfile" in message:
        named = ", ".join(filter(_is_no_text, sys.argv[1:])) or "the configuration"
        return [f"✗ {named}: is no text in UTF-8; save it as such"]
    if message.startswith("Traceback"):
        return [lines[-1], "    traceback: call it once more with --verbose"]
    if exception in OURS and len(lines) > 1 and HEAD.match(lines[0]):
        lines = lines[1:]
    elif lines and lines[0].startswith(f"{exception}:"):
        lines[0] = lines[0].removeprefix(f"{exception}:").strip()
        lines = [line for line in lines if line]
    return lines or [exception]


def _is_no_text(argument: str) -> bool:
    """Whether it is the path of a file that is not in UTF-8."""
    try:
        Path(argument).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return True
    except (OSError, ValueError):
        return False
    return False
