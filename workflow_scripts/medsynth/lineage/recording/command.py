"""A job that a person runs by a command, recorded as the workflow's jobs are.

It belongs to no invocation, so that code and environment stand in its own record.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from medsynth.lineage.errors import PatientNamed
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.environment import code_state, environment
from medsynth.lineage.recording.identifiers import KnownPatients
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import File, JobRecord, JobStart, ended
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path

CHECKOUT = Path(__file__).resolve().parents[4]
Files = Mapping[str, str | Path]


@contextmanager
def recorded_command(
    results: str | Path,
    name: str,
    inputs: Files,
    outputs: Files,
    params: dict[str, Any],
    *,
    seed: int,
    device: str,
    places: Places,
) -> Iterator[None]:
    """Record the block as one job: its start before, its end, also by an error, after it.

    Args:
        results: whose ledger it goes to.
        name: of the job, as `rule` names those of the workflow.
        inputs, outputs: files and folders by role; the outputs are there when the block ends.
        params: JSON values.
        device: what it computes on.
        places: of the results, as questions about them will read recorded paths.

    Raises:
        PatientNamed: the id of a known patient would go into the record.
    """
    results = Path(os.path.abspath(results))
    files = {**inputs, **outputs}
    # Absolute first: a person may be in any folder.
    where = {role: places.recorded(os.path.abspath(path)) for role, path in files.items()}
    if named := KnownPatients(results, {}).named_in({**where, **params}):
        raise PatientNamed(
            f"{', '.join(sorted(named))}: the id of a patient of this study stands there, and would"
            " go into the record and into MLflow; use another name"
        )

    def digested(files: Files, cache: DigestCache) -> list[File]:
        found: list[File] = []
        for role, path in files.items():
            sha256, size = digest_path(path, cache)
            found.append({"name": role, "path": where[role], "sha256": sha256, "bytes": size})
        return found

    job: JobRecord = {
        "kind": "job",
        "id": uuid.uuid4().hex,
        "time": time.time(),
        "invocation": None,
    }
    with closing(spool.digest_cache(results)) as cache:
        start: JobStart = {
            **job,
            "phase": "start",
            "rule": name,
            "wildcards": {},
            "params": params,
            "code": None,
            "seed": seed,
            "threads": 1,
            "resources": {},
            "attempt": 1,
            "log": [],
            "inputs": digested(inputs, cache),
            "outputs": [where[role] for role in outputs],
            "process": spool.this_process(),
            "git": code_state(CHECKOUT, spool.lineage_dir(results) / "code"),
            "environment": environment(CHECKOUT),
        }
        begun = time.monotonic()  # the other clock may step
        spool.write(results, start)
        error, made = None, []
        try:
            yield
            made = digested(outputs, cache)
        except BaseException as exception:
            error = type(exception).__name__  # its message may name patients
            raise
        finally:
            at = start["time"] + time.monotonic() - begun
            end = ended(start, at, error, device, made)
            spool.write(results, end | {"changed": []})
