"""All that is recorded, as a Workflow Run RO-Crate for others to read.

The crate holds the workflow's files, the configuration of every run, and every job with what went
in and came out, by sha256. It holds no data and no patient's id.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.locating import current_places, snakefile_of
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.queries.crate import WORKFLOW, Crate


class Exported(TypedDict):
    """crate: its folder. jobs, invocations, entities: how many it describes."""

    crate: str
    jobs: int
    invocations: int
    entities: int


def export(results: Path, folder: Path) -> Exported:
    """Write the crate.

    Raises:
        UnknownArtifact: the folder exists, or nothing was recorded.
    """
    if folder.exists():
        raise UnknownArtifact(f"{folder} exists already; export wants a new folder")
    with existing_ledger(results) as ledger:
        rows = ledger.query("SELECT id, kind FROM items ORDER BY seq")
        items = {row["id"]: ledger.item(row["id"]) for row in rows}
        base = current_places(results, ledger)
    jobs = [item for item in items.values() if item["kind"] == "job"]
    invocations = [item for item in items.values() if item["kind"] == "invocation"]
    if not invocations:
        raise UnknownArtifact(
            f"{results}: no invocation is recorded, so there is nothing to tell: run snakemake"
        )
    last = invocations[-1]["start"]
    folder.mkdir(parents=True)
    crate = Crate(_copy_workflow(snakefile_of(last, base), folder), last, base)
    for job in jobs:
        crate.add_job(job)
    for item in invocations:
        config = f"config-{item['id']}.json"
        (folder / config).write_text(json.dumps(item["start"]["config"], indent=1) + "\n")
        crate.add_invocation(item, config)
    metadata = crate.metadata()
    (folder / "ro-crate-metadata.json").write_text(metadata)
    return {
        "crate": str(folder),
        "jobs": len(jobs),
        "invocations": len(invocations),
        "entities": len(json.loads(metadata)["@graph"]),
    }


def _copy_workflow(snakefile: Path, folder: Path) -> list[str]:
    """The Snakefile and the rules beside it, as they are now."""
    if not snakefile.exists():
        raise UnknownArtifact(
            f"{snakefile}, the workflow that ran, is not there any more; put it back"
        )
    shutil.copy(snakefile, folder / WORKFLOW)
    copied = [WORKFLOW]
    for rules in sorted(snakefile.parent.glob("rules/*.smk")):
        (folder / "rules").mkdir(exist_ok=True)
        shutil.copy(rules, folder / "rules")
        copied.append(f"rules/{rules.name}")
    return copied
