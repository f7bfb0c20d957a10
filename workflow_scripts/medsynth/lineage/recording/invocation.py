"""Where a workflow invocation begins and ends: its record, its collector, its refusals."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from medsynth.lineage.recording import slurm, spool
from medsynth.lineage.recording.environment import canonical, code_state, environment
from medsynth.lineage.recording.leftovers import INVOCATION, refusal, stop_jobs
from medsynth.lineage.recording.records import InvocationEnd, InvocationStart
from medsynth.store.atomic import sweep, sweep_folders
from medsynth.store.digests import digest_bytes
from medsynth.store.layout import Layout
from medsynth.store.privacy.secrets import without_secrets

# Where to deliver, in the environment because it may hold a password: ps shows arguments.
TRACKING_URI, ARTIFACT_URI = "MEDSYNTH_TRACKING_URI", "MEDSYNTH_ARTIFACT_URI"
# How long a finished workflow waits for MLflow; what is late is delivered by the next run.
DRAIN_SECONDS = 120
# Stands in the lock beside the invocation, if its jobs are Slurm's.
IN_SLURM = "slurm"
# Locks of this process: closing the file would free them.
_HELD: list[IO[str]] = []


def _refuse_unrecordable(workflow: Any) -> None:
    for rule in workflow.rules:
        if not rule.norun and not hasattr(rule.run_func, "records_lineage"):
            raise refusal(
                f"rule {rule.name} would run unrecorded: it was defined after lineage.install();"
                " make that call the Snakefile's last line"
            )
        if rule.cache.output:
            raise refusal(
                f"rule {rule.name} uses cache:, whose results no job of this workflow made;"
                " remove the directive"
            )


def refuse_slurm(settings: Any) -> None:
    """Refuse, of the settings of Slurm's executor, what cannot go well."""
    if slurm.is_meant(settings) and not shutil.which("sbatch"):
        raise refusal(
            "there is no sbatch here; call snakemake where jobs are given to Slurm, on the login"
            " node of the cluster, or without --workflow-profile profiles/slurm"
        )
    if getattr(settings, "array_jobs", None):
        raise refusal(
            "--slurm-array-jobs: every task of an array takes the files of the first one for its"
            " own, and removes them when it fails; leave the option out"
        )


def refuse_python(rules: Iterable[Any]) -> None:
    """Refuse resources that Snakemake would evaluate: a partition called open is a function to it.

    Its own error names neither resource nor word, or is a traceback.
    """
    for rule in rules:
        for name, resource in rule.resources.items():
            if slurm.means_python(word := getattr(resource, "raw", None)):
                raise refusal(
                    f"{name} of rule {rule.name} is {word}, which Snakemake takes for Python's"
                    f" {word}; quote it twice, so that it is a word: {name}: '\"{word}\"' in"
                    f' set-resources, - {name}="{word}" in default-resources of'
                    f" profiles/slurm/config.yaml, '{name}=\"{word}\"' on the command line"
                )


def _hold(path: Path, invocation: str) -> IO[str]:
    """Lock the results for this process; a kill frees them, unlike Snakemake's own lock files.

    The default profile therefore sets nolock. The file says who holds it, so that jobs which a
    killed holder left running, and which would write into the same files, are found and stopped;
    a holder that ends well empties it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+")  # stays open: the lock lives as long as the process
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise refusal(
            f"another snakemake is at work on {path.parents[1]}; wait for it or stop it"
        ) from None
    _HELD.append(file)
    file.seek(0)
    if before := file.read().split():
        stop_jobs(before[0], in_slurm=IN_SLURM in before)
    file.truncate(0)
    file.write(invocation)
    file.flush()
    return file


def _start_record(workflow: Any, settings: Any, results: Path, invocation: str) -> InvocationStart:
    config = without_secrets(settings.model_dump(mode="json"))
    base = Path(workflow.basedir)
    return {
        "kind": "invocation",
        "phase": "start",
        "id": invocation,
        "study": settings.lineage.study,
        "arguments": [*_configuration(workflow), *sys.argv[1:]],
        "snakefile": str(workflow.main_snakefile),
        "workdir": os.getcwd(),
        "results": str(results),
        "config": config,
        "config_sha256": digest_bytes(canonical(config).encode()),
        "git": code_state(base, spool.lineage_dir(results) / "code"),
        "environment": environment(base),
        "process": spool.this_process(),
        "time": time.time(),
    }


def _configuration(workflow: Any) -> list[str]:
    """The option for a configuration that the command line did not name.

    Whoever repeats the call may have another one in the environment.
    """
    given = workflow.config_settings.configfiles
    return [] if given else [f"--configfile={file}" for file in workflow.configfiles]


def recording_invocation(workflow: Any, settings: Any, results: Path) -> Callable[..., Any]:
    """`workflow.execute`, with records before and after it; dry runs and --touch leave none."""
    execute = workflow.execute

    @functools.wraps(execute)
    def recorded(*, executor_plugin: Any, **arguments: Any) -> Any:
        kind = executor_plugin.common_settings
        refuse_python(workflow.rules)
        if kind.dryrun_exec or kind.touch_exec:
            return execute(executor_plugin=executor_plugin, **arguments)
        _refuse_unrecordable(workflow)
        refuse_slurm(arguments.get("executor_settings"))
        invocation = uuid.uuid4().hex
        lock = _hold(spool.lineage_dir(results) / "workflow.lock", invocation)
        # Raw data are nobody's leftovers; a collector may still be at work on the record.
        sweep(results, skipped=("demo", spool.lineage_dir(results).name))
        for own in (Layout(results).work, Layout(results).kept):
            sweep_folders(own)
        if slurm.prepare(arguments.get("executor_settings"), invocation):
            lock.write(f" {IN_SLURM}")
            lock.flush()
        os.environ[INVOCATION] = invocation
        workflow.register_envvars(INVOCATION)  # so that jobs on other machines get it too
        start = _start_record(workflow, settings, results, invocation)
        begun = time.monotonic()  # the other clock may step
        spool.write(results, start)
        collector = _start_collector(results, settings, invocation)
        error = None
        try:
            return execute(executor_plugin=executor_plugin, **arguments)
        except BaseException as exception:
            error = type(exception).__name__
            raise
        finally:
            end: InvocationEnd = {
                "kind": "invocation",
                "phase": "end",
                "id": invocation,
                "status": "FAILED" if error else "COMPLETE",
                "error": error,
                "jobs": len(workflow.dag) if workflow.dag else 0,
                "time": start["time"] + time.monotonic() - begun,
            }
            spool.write(results, end)
            if not error:
                lock.truncate(0)  # no job is left
            if end["jobs"] and error != "SystemExit":  # of a rule file: no job has begun
                _wait_for(collector, results, settings, invocation)
            else:
                _wait_for_ledger(collector, results)

    return recorded


def _start_collector(results: Path, settings: Any, invocation: str) -> subprocess.Popen[bytes]:
    """The collector as a process of its own, which outlives a killed workflow to record that."""
    root = str(Path(__file__).resolve().parents[3])
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    }
    del environ[INVOCATION]  # it is no job of the invocation, and may outlive it
    uris = {
        TRACKING_URI: settings.lineage.tracking_uri,
        ARTIFACT_URI: settings.lineage.artifact_uri,
    }
    environ |= {name: uri for name, uri in uris.items() if uri}
    command = ["-m", "medsynth.lineage.collector", str(results), "--follow", invocation]
    with open(spool.lineage_dir(results) / "collector.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, *command],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # where to look at it, said at the end
            stderr=log,
            start_new_session=True,
        )


def _wait_for_ledger(collector: subprocess.Popen[bytes], results: Path) -> None:
    """Until a call without jobs is recorded: else who asks at once is told of the one before."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while spool.waiting(results) and collector.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _wait_for(
    collector: subprocess.Popen[bytes], results: Path, settings: Any, invocation: str
) -> None:
    if collector.poll() is not None:  # it was killed while the workflow ran
        collector = _start_collector(results, settings, invocation)
    print("Lineage: waiting for the last records to reach MLflow.", file=sys.stderr)
    try:
        said, _ = collector.communicate(timeout=DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        said = b""
    print(said.decode(), end="", file=sys.stderr)
    if collector.returncode != 0:
        print(
            f"Lineage: some records are safe but not yet in MLflow; see `medsynth status --results"
            f" {results}` and {spool.lineage_dir(results)}/collector.log. The next run delivers"
            " them.",
            file=sys.stderr,
        )
