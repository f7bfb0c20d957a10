"""What each of Snakemake's records means to the user, and when it is shown."""

from __future__ import annotations

import re
import time
from collections import Counter
from logging import WARNING, LogRecord
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_medsynth import cluster
from snakemake_logger_plugin_medsynth.children import ChildrensOutput
from snakemake_logger_plugin_medsynth.estimate import Estimate
from snakemake_logger_plugin_medsynth.failures import Failure, Failures
from snakemake_logger_plugin_medsynth.jobs import Job, duration
from snakemake_logger_plugin_medsynth.plan import plan
from snakemake_logger_plugin_medsynth.screen import Screen

# Beginnings of what Snakemake says and nobody needs to know, or is said here in other words.
NOISE = (
    "===== A Job preemption",
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Cleaning up SLURM log files",
    "Complete log(s):",
    "Conda environments: ignored",
    "Elapsed time:",
    "Exception in run_job for rule",
    "Exiting because a job execution failed",
    "Group jobs: inactive",
    "No SLURM account given",
    "No account was given",
    "Reasons:",
    "Rules with provenance triggered jobs",
    "SLURM run ID:",
    "Select jobs to execute",
    "Shutting down, this might take some time",
    "Singularity containers: ignored",
    "Some jobs were triggered by provenance information",
    "This was a dry-run",
    "Unable to guess SLURM account",
    "Using shell:",
    "Waiting at most",
)
STOPPED = "Terminating processes on user request"
# The one error of a job that Snakemake shows as nobody's.
UNMADE = re.compile(r"Job (\d+) +completed successfully, but .*?\n(.*)", re.S)
AGAIN = "Trying to restart job "
PLAIN_SECONDS = 60  # between two lines of progress where no line can be rewritten
QUEUE_SECONDS = 60  # between two questions why jobs wait in Slurm's queue


class View:
    """The course of one call of Snakemake.

    Args:
        common: Snakemake's settings of output.
    """

    def __init__(self, common: Any) -> None:
        self.screen = Screen(common.nocolor, common.stdout)
        self._children = ChildrensOutput()
        self._dry = common.dryrun
        self._quiet = {what.name.lower() for what in common.quiet or ()}
        self._stats: dict[str, int] = {}
        self._waiting: Counter[str] = Counter()
        self._planned: list[Job] = []
        self._running: dict[int, Job] = {}
        self._done, self._total = 0, 0
        self._failures = Failures(self._children.path)
        self._estimate = Estimate()
        self._stopped = False
        self._page: str | None = None
        self._begun = self._said = self._asked = time.monotonic()
        self._stuck: set[tuple[str, str]] = set()  # rules with reasons that were told
        self._last = ""

    def take(self, record: LogRecord) -> None:
        """Show what a record tells, or keep it for the end."""
        event = getattr(record, "event", None)
        if event == LogEvent.WORKFLOW_STARTED and not self._dry:
            self._children.begin()
        elif event == LogEvent.RUN_INFO:
            self._plan(record)
        elif event == LogEvent.JOB_INFO:
            self._start(record)
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record)
        elif event == LogEvent.PROGRESS:
            self._done, self._total = vars(record)["done"], vars(record)["total"]
        elif event == LogEvent.JOB_ERROR:
            self._fail(record)
        elif event == LogEvent.ERROR:
            self._keep_error(record)
        elif event is None:
            self._tell(record)

    def _shows(self, what: str) -> bool:
        return not {what, "all"} & self._quiet

    def _plan(self, record: LogRecord) -> None:
        stats = dict(vars(record)["stats"])
        self._total = stats.pop("total")
        self._stats, self._waiting = stats, Counter(stats)
        if not self._dry and self._shows("progress"):
            self.screen.say(f"{_jobs(self._total)} to do")

    def _start(self, record: LogRecord) -> None:
        job = Job.of(record)
        if self._dry:
            self._planned.append(job)
            return
        self._running[job.id] = job
        self._waiting[job.rule] -= 1
        self._estimate.look_up_earlier(job)

    def _finish(self, record: LogRecord) -> None:
        job = self._running.pop(vars(record)["job_id"], None)
        if job is None:
            return
        took = time.monotonic() - job.begun
        self._estimate.finished(job, took)
        self._page = next((path for path in job.outputs if path.endswith(".html")), self._page)
        if job.log and self._shows("progress") and self._shows("rules"):
            self.screen.say(f"✓ {job.title}  ", dim=f"{duration(took)}{job.place}")

    def _fail(self, record: LogRecord) -> None:
        told = Job.of(record)
        job = self._running.pop(told.id, told)
        job.log = told.log  # a cluster's own, too
        said = vars(record).get("rule_msg") or ""
        failure = self._failures.of_job(job, record.thread, said)
        if ended := cluster.state(said, job.log):
            job.slurm = f"{job.slurm}: {ended}"
        if not (self._stopped and failure.interrupted):
            self.screen.say(f"✗ {failure.title}{job.place}", style="red")

    def _keep_error(self, record: LogRecord) -> None:
        text, exception = record.getMessage(), vars(record).get("exception", "")
        if (unmade := UNMADE.search(text)) and (job := self._running.pop(int(unmade[1]), None)):
            self._failures.of_job_without(job, unmade[2])
            self.screen.say(f"✗ {job.title}", style="red")
        else:
            self._failures.keep_error(text, exception, record.thread)

    def _tell(self, record: LogRecord) -> None:
        text = record.getMessage().strip()
        if text.startswith(STOPPED):
            self._stopped = True
            self.screen.say("Stopping: the jobs at work are ended …")
        elif submitted := cluster.SUBMITTED.match(text):
            if job := self._running.get(int(submitted[1])):
                job.slurm = submitted[2]
        elif text.startswith(AGAIN):
            failure = self._failures.forget(int(text.removeprefix(AGAIN).rstrip(".")))
            self._waiting[failure.rule] += 1
            self.screen.say(f"↻ {failure.title} once more")
        elif text in ("", "None") or text.startswith(NOISE) or not self._shows("all"):
            return
        elif record.levelno >= WARNING:
            self.screen.say(text, style="yellow")
        elif record.levelname == "INFO":
            self.screen.say(text)

    def tick(self) -> None:
        """A second has passed: rewrite the line, or now and then say it."""
        if not self._shows("progress"):
            return
        if not any(job.outputs for job in self._running.values()):
            self.screen.update(None)
            return
        if time.monotonic() - self._asked > QUEUE_SECONDS:
            self._tell_stuck()
            self._asked = time.monotonic()
        if self.screen.live:
            self.screen.update(self._line())
        elif time.monotonic() - self._said > PLAIN_SECONDS:
            if (line := self._line()) != self._last:
                self.screen.say(line)
            self._said, self._last = time.monotonic(), line

    def _tell_stuck(self) -> None:
        """Once of a rule and reason: jobs that Slurm lets wait for what may never come."""
        jobs = {job.slurm: job for job in self._running.values() if job.slurm}
        for number, reason in cluster.reasons().items() if jobs else ():
            job = jobs.get(number)
            if job is None or (job.rule, reason) in self._stuck:
                continue
            if told := cluster.stuck(job.rule, number, reason):
                self._stuck.add((job.rule, reason))
                self.screen.say(f"{job.title}{job.place} {told}", style="yellow")

    def _line(self) -> str:
        """Jobs done, what runs, and the time left where it can be told."""
        for job in self._running.values():
            job.look()
        left = self._estimate.left(self._running.values(), +self._waiting)
        parts = [f"{self._done}/{self._total} jobs", *self._at_work(), *([left] if left else [])]
        return " · ".join(parts)

    def _at_work(self) -> list[str]:
        """What runs, trainings first: `train_model a 40 %, b 7 %`."""
        rules: dict[str, list[str]] = {}
        for job in sorted(self._running.values(), key=lambda job: job.progress is None):
            part = f" {job.progress.percent} %" if job.progress else " (queue)" if job.waits else ""
            if job.outputs:  # a target only gathers
                rules.setdefault(job.rule, []).append(f"{job.name}{part}".strip())
        return [f"{rule} {', '.join(names)}".rstrip() for rule, names in rules.items()]

    def leave(self) -> None:
        """Give the terminal back as it was."""
        self.screen.end()
        self._children.end()

    def close(self) -> None:
        """What remains when all is over: a plan, or that it is done, or what failed."""
        self.leave()
        failed = self._failures.of_jobs(self._stopped)
        if self._dry:
            self._show_plan()
        elif self._stopped:
            self.screen.say(
                f"Stopped by you; done and kept: {self._done} of {_jobs(self._total)}. Call"
                " snakemake again to go on: a training goes on from its last checkpoint."
            )
        elif failed and self._total:
            self._sum_up(failed)
        elif self._total and self._done == self._total and self._shows("progress"):
            took = duration(time.monotonic() - self._begun)
            self.screen.say(f"{_jobs(self._done)} done in {took}", style="green")
            if self._page:
                self.screen.say(f"The page: {self._page}")
        for block in self._failures.blocks(failed, self.screen.width, self._stopped):
            self.screen.block(block)

    def _show_plan(self) -> None:
        if self._total:
            self.screen.table(plan(self._planned, self._stats))
            self.screen.say("A dry run: nothing was done.")

    def _sum_up(self, failed: list[Failure]) -> None:
        summary = f"{len(failed)} of {_jobs(self._total)} failed"
        if self._shows("progress"):  # else Snakemake does not count
            left = self._total - self._done - len(failed)
            summary += f"; done and kept: {self._done}"
            summary += f"; not run for want of them: {left}" if left else ""
        self.screen.say("")
        self.screen.say(f"{summary}.", style="bold")


def _jobs(number: int) -> str:
    return f"{number} job" if number == 1 else f"{number} jobs"
