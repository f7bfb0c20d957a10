"""One recorded job again, alone in a clean folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from medsynth.lineage.recording import spool
from medsynth.lineage.recording.leftovers import INVOCATION
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import (
    InvocationStart,
    JobEnd,
    JobItem,
    JobStart,
    job_end,
    job_start,
)
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path
from medsynth.store.source.checkout import LIBRARY


def link_inputs(
    history: list[JobItem], base: Places, top: Path, clean: Places, cache: DigestCache
) -> list[str]:
    """Links to all the job was made of; says which of its own inputs are not as they were.

    What lies further back is linked where it is unaltered: a rule may read the files that its
    input lists. Its own inputs are read byte by byte.
    """
    reasons = []
    own = {file["path"] for file in history[0]["start"]["inputs"]}
    files = {f["path"]: f for item in history[::-1] for f in item["start"]["inputs"]}
    for path, file in sorted(files.items()):  # a folder comes before what lies in it
        real, link = base / path, clean / path
        if os.path.isabs(path):
            link = Path(f"{top}{path}")
        state = "missing"
        if real.exists():
            sha256 = digest_path(real, None if path in own else cache)[0]
            state = "same" if file["sha256"] in (None, sha256) else "altered"
        if path in own and state != "same":
            reasons.append(f"input {path} is {state}")
        if state == "missing" or (state == "altered" and path not in own) or link.exists():
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        if any(output.startswith(f"{path}/") for output in history[0]["start"]["outputs"]):
            shutil.copytree(real, link)  # the job writes into it
        else:
            link.symlink_to(real.resolve())
    return reasons


def run_alone(
    start: JobStart, ran: InvocationStart, snakefile: Path, top: Path, clean: Places
) -> tuple[JobStart | None, JobEnd | None]:
    """The records that the repeated job leaves, as those of a workflow's own jobs."""
    config = dict(ran["config"])
    if "results_dir" in config:  # an absolute one would be written into
        config["results_dir"] = os.path.relpath(clean.results, clean.workdir)
    (top / "config.json").write_text(json.dumps(config))
    wildcards = ",".join(f"{k}={v}" for k, v in start["wildcards"].items())
    resources = [f"gpu={start['resources']['gpu']}"] if start["resources"].get("gpu") else []
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += ["--directory", str(clean.workdir), "--configfile", str(top / "config.json")]
    # How Snakemake itself starts one job in a process of its own.
    command += ["--mode", "subprocess", "--target-jobs", f"{start['rule']}:{wildcards}"]
    command += ["--allowed-rules", start["rule"], "--force", "--nolock"]
    command += ["--cores", str(start["threads"]), "--workflow-profile", "none"]
    command += ["--resources", *resources] if resources else []
    environ = {k: v for k, v in os.environ.items() if k != INVOCATION}
    # The library beside the Snakefile, if it has its own.
    scripts = snakefile.with_name("workflow_scripts")
    path = [str(scripts), str(LIBRARY), environ.get("PYTHONPATH")]
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    with open(top / "snakemake.log", "w") as log:
        subprocess.run(command, env=environ, stdout=log, stderr=log, check=False)
    records = {r["phase"]: r for _, r in spool.read(clean.results)}
    return job_start(records.get("start")), job_end(records.get("end"))
