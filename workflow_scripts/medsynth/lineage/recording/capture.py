"""Capture: every job leaves a start and an end record, whatever its rule's author thinks of.

:func:`install`, on the Snakefile's last line, wraps each rule's run function, which every
executor calls for `shell:`, `script:` and `run:` alike, in the main process or in a child. It
also wraps `workflow.execute`, where an invocation begins and ends. These two names and the run
function's parameters are the only Snakemake internals used; a contract test guards them.
Standard library only, because jobs wait for this import.
"""

from __future__ import annotations

import functools
import inspect
import os
import stat
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from medsynth.lineage.recording import masking, spool
from medsynth.lineage.recording.environment import canonical
from medsynth.lineage.recording.identifiers import STARRED, KnownPatients
from medsynth.lineage.recording.invocation import recording_invocation
from medsynth.lineage.recording.leftovers import INVOCATION, refusal
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import File, JobEnd, JobStart, ended
from medsynth.runtime.run_info import clear_info, info_path, read_info
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path
from medsynth.store.folders import state_of
from medsynth.store.privacy.secrets import learn


def install(workflow: Any, settings: Any) -> None:
    """Record every job of `workflow`; call it after the last rule of the Snakefile.

    Args:
        workflow: Snakemake's, as the Snakefile sees it.
        settings: the checked configuration: `results_dir`, `lineage` and `model_dump`.
    """
    # Before anything is said or written: with all that the user gave, checked or not.
    checked = plain(settings.model_dump(mode="json"))
    learn([plain(workflow.globals.get("config") or {}), checked])
    results = Path(os.path.abspath(settings.results_dir))
    known = KnownPatients(results, checked)
    recorder = JobRecorder(results, workflow, known)
    for rule in workflow.rules:
        if not rule.norun:
            rule.run_func = recorder.recording(rule)
    masking.mask_messages()
    if workflow.is_main_process:
        masking.mask_metadata()
        workflow.execute = recording_invocation(workflow, settings, results)


def plain(value: Any) -> Any:
    """`value` as JSON has it: tuples and sets become lists, paths and the rest strings."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=canonical)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _named(values: Any) -> list[tuple[str | None, Any]]:
    """(name, item) of each item in one of Snakemake's named lists; None where it has no name."""
    names: list[str | None] = [None] * len(values)
    for name, (start, end) in values._get_names():
        end = start + 1 if end is None else end  # 0 ends an empty list that stands first
        names[start:end] = [name] * (end - start)
    return list(zip(names, values, strict=True))


def _as_dict(values: Any) -> dict[str, Any]:
    """A named list as a dict; items without a name are called by their position."""
    named = {name: getattr(values, name) for name, _ in values._get_names()}
    named |= {str(i): item for i, (name, item) in enumerate(_named(values)) if name is None}
    return {name: plain(value) for name, value in named.items()}


def _seed(params: dict[str, Any]) -> int | None:
    for group in (params, *(v for v in params.values() if isinstance(v, dict))):
        if isinstance(seed := group.get("seed"), int):
            return seed
    return None


def _states(job: dict[str, Any], items: list[tuple[str | None, str]]) -> list[str | None]:
    """The state of each input; what the job itself writes into an input folder does not count."""
    written = [*job["output"], *job["log"], *map(info_path, job["log"])]
    own = {os.path.abspath(path) for path in written}
    return [state_of(path, own) for _, path in items]


class JobRecorder:
    """Makes run functions that write a job's two records to the spool."""

    def __init__(self, results: Path, workflow: Any, patients: KnownPatients):
        self.results = results
        self.workflow = workflow
        self.patients = patients
        self.places = Places(results, Path.cwd())
        self._attempts: Counter[int] = Counter()
        self._lock = threading.Lock()

    def _attempt(self, jobid: int) -> int:
        """Snakemake repeats failed jobs under one id here, or tells a child which time it is."""
        with self._lock:
            self._attempts[jobid] += 1
            return int(self.workflow.attempt) - 1 + self._attempts[jobid]

    def _artifacts(
        self,
        items: list[tuple[str | None, str]],
        skip: set[int],
        cache: DigestCache,
        threads: int,
    ) -> list[File]:
        """Name, path, sha256 and size of each file or folder; pipes are never opened."""
        found: list[File] = []
        for position, (name, path) in enumerate(items):
            where = self.places.recorded(path)
            entry: File = {"name": name, "path": where, "sha256": None, "bytes": None}
            mode = os.stat(path).st_mode if os.path.exists(path) else 0
            if position not in skip and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                entry["sha256"], entry["bytes"] = digest_path(path, cache, threads)
            found.append(entry)
        return found

    def _changed(
        self, job: dict[str, Any], start: JobStart, before: list[Any], cache: DigestCache
    ) -> list[File]:
        """The inputs that were touched while the job ran, as they are now; bytes may be equal.

        What was read in between nobody knows. A pipe is read away, and is no such input.
        """
        found: list[File] = []
        for item, file, state in zip(_named(job["input"]), start["inputs"], before, strict=True):
            if file["sha256"] and _states(job, [item])[0] != state:
                try:
                    found += self._artifacts([item], set(), cache, job["threads"])
                except OSError:  # it may go any moment
                    found.append({**file, "sha256": None, "bytes": None})
        return found

    def _start(self, rule: Any, job: dict[str, Any], inputs: list[File]) -> JobStart:
        params = _as_dict(job["params"])
        resources = _as_dict(job["resources"])
        return {
            "kind": "job",
            "phase": "start",
            "id": uuid.uuid4().hex,
            "invocation": os.environ.get(INVOCATION),
            "time": time.time(),
            "rule": rule.name,
            "wildcards": _as_dict(job["wildcards"]),
            "params": params,
            "code": params.get("code"),
            "seed": _seed(params),
            "threads": job["threads"],
            # Without Snakemake's own (_cores, _nodes) and the machine's.
            "resources": {
                k: v for k, v in resources.items() if not k.startswith("_") and k != "tmpdir"
            },
            "attempt": self._attempt(job["jobid"]),
            "log": [self.places.recorded(path) for path in job["log"]],
            "inputs": inputs,
            "outputs": [self.places.recorded(path) for path in job["output"]],
            "process": spool.this_process(),
        }

    def _refuse_patients(self, rule: Any, job: dict[str, Any]) -> None:
        """Stop a job that would carry a patient's id into the record, which then has none of it.

        Raises:
            WorkflowError: a wildcard, parameter, path or the rule's name holds a known id.
        """
        given = {f"wildcard {k}": v for k, v in _as_dict(job["wildcards"]).items()}
        given |= {f"parameter {k}": v for k, v in _as_dict(job["params"]).items()}
        for what in ("input", "output", "log"):
            given[what] = [self.places.recorded(path) for path in job[what]]
        if not (named := self.patients.named_in(given | {"its name": rule.name})):
            return

        def starred(what: str, group: dict[str, Any]) -> dict[str, Any]:
            return {k: STARRED if f"{what} {k}" in named else v for k, v in group.items()}

        start = self._start(rule, job, inputs=[])
        start["outputs"], start["log"] = [], []
        start["rule"] = STARRED if "its name" in named else start["rule"]
        start["wildcards"] = starred("wildcard", start["wildcards"])
        start["params"] = starred("parameter", start["params"])
        spool.write(self.results, start)
        spool.write(self.results, ended(start, start["time"], "PatientId", None, []))
        raise refusal(
            f"rule {start['rule']}: {', '.join(sorted(named))}: the id of a patient of this study"
            " stands there, and would go into the record and into MLflow; number patients instead"
        )

    def _end(
        self,
        job: dict[str, Any],
        start: JobStart,
        at: float,
        error: str | None,
        unhashed: set[int],
        cache: DigestCache,
    ) -> JobEnd:
        # A failed job's outputs are removed by Snakemake and never become anyone's input.
        outputs = (
            [] if error else self._artifacts(_named(job["output"]), unhashed, cache, job["threads"])
        )
        if any(o["sha256"] is None for i, o in enumerate(outputs) if i not in unhashed):
            # Snakemake finds out next, and fails the job.
            error, outputs = "MissingOutput", []
        info = read_info(job["log"])  # the job runs in a process of its own
        end = ended(start, at, error, info.get("device"), outputs)
        if info.get("reused"):
            end["reused"] = True
        if usage := info.get("usage"):
            end["usage"] = usage
        return end

    def recording(self, rule: Any) -> Callable[..., None]:
        """The run function of `rule`, with records before and after it."""
        run = rule.run_func
        signature = inspect.signature(run)
        # Their bytes are a stream, or are made by Snakemake after the run function.
        unhashed = {
            i
            for i, output in enumerate(rule.output)
            if {"pipe", "service", "touch"} & set(getattr(output, "flags", {}))
        }

        @functools.wraps(run)
        def recorded(*args: Any) -> None:
            job = signature.bind(*args).arguments
            error = None
            self._refuse_patients(rule, job)
            with closing(spool.digest_cache(self.results)) as cache:
                before = _states(job, _named(job["input"]))  # first: it may change while it is read
                inputs = self._artifacts(_named(job["input"]), set(), cache, job["threads"])
                start = self._start(rule, job, inputs)
                clear_info(job["log"])
                begun = time.monotonic()  # the other clock may step
                spool.write(self.results, start)
                try:
                    run(*args)
                except BaseException as exception:
                    # The message may name patients; the log it stands in is theirs to read.
                    error = type(exception).__name__
                    raise
                finally:
                    at = start["time"] + time.monotonic() - begun
                    end = self._end(job, start, at, error, unhashed, cache)
                    end["changed"] = self._changed(job, start, before, cache)
                    spool.write(self.results, end)

        vars(recorded)["records_lineage"] = True
        return recorded
