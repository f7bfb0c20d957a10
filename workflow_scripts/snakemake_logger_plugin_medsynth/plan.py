"""What a dry run found: one table of rules, how many jobs of each, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from snakemake_logger_plugin_medsynth.jobs import Job
from snakemake_logger_plugin_medsynth.reasons import why

NAMED = 4  # jobs of a row that are named
HEADING = ("rule", "jobs", "reason")
# Needs no names: what a first run has, and what is below a job that is named.
COMMON = ("missing output", FOLLOWS := "follows from ")


def plan(jobs: Iterable[Job], stats: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """Rows of a heading, of jobs with one rule and one reason, and of the sum.

    Args:
        jobs: what Snakemake told of; with --quiet, of none.
        stats: how many jobs of each rule, in the order of the data.
    """
    known = list(jobs)
    told = _reasons(known)
    rows: list[tuple[str, str, str]] = []
    for rule, count in stats.items():
        reasons: dict[str, list[str]] = {}
        for job in known:
            if job.rule == rule and job.outputs:  # a target only gathers
                reasons.setdefault(told[job.id], []).append(job.name)
        if not reasons:
            rows.append((rule, str(count), ""))
        for reason, names in sorted(reasons.items()):
            rows.append((rule, str(len(names)), _of(names, reason, len(reasons) > 1)))
    return [HEADING, *rows, ("total", str(sum(stats.values())), "")]


def _reasons(jobs: list[Job]) -> dict[int, str]:
    """{job: its own reasons, else the rules that have some and that it follows from}."""
    whys = {job.id: why(job.reason) for job in jobs}
    maker = {path: job for job in jobs for path in job.outputs}
    roots: dict[int, set[str]] = {}

    def follow(job: Job) -> set[str]:
        if job.id not in roots:
            own, above = whys[job.id]
            makers = {id(maker[path]): maker[path] for path in above if path in maker}
            roots[job.id] = (
                {job.rule} if own else set().union(*(follow(other) for other in makers.values()))
            )
        return roots[job.id]

    return {
        job.id: "; ".join(whys[job.id].own) or f"{FOLLOWS}{', '.join(sorted(follow(job)))}"
        for job in jobs
    }


def _of(names: list[str], reason: str, several: bool) -> str:
    named = sorted(name for name in names if name)
    if not named or (reason.startswith(COMMON) and not several):
        return reason
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"{', '.join(named[:NAMED])}{more}: {reason}"
