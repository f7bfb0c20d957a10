"""The ledger as a Workflow Run RO-Crate: metadata only, every file by its sha256.

Leo et al. 2024, Recording provenance of workflow runs with RO-Crate, PLoS ONE 19(9): e0309210;
profile https://w3id.org/ro/wfrun/provenance/0.5 on RO-Crate 1.1. The crate holds the workflow's
own files and no data: artifacts are named by `ni:` URIs (RFC 6920), so that a copy of one is
recognised wherever it lies, and no patient's file leaves the results folder.
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import File, InvocationItem, InvocationStart, Item, JobItem
from medsynth.lineage.wording import SHORT, job_name

Entity = dict[str, Any]

WORKFLOW = "Snakefile"
CRATE = "https://w3id.org/ro/crate/1.1"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
FOLDER = "A folder, named by the sha256 of its sorted lines `path, bytes, sha256`."
STATUS = {
    "COMPLETE": "CompletedActionStatus",
    "FAILED": "FailedActionStatus",
    "KILLED": "FailedActionStatus",
    "RUNNING": "ActiveActionStatus",
}


def file_uri(sha256: str) -> str:
    """RFC 6920: ni:///sha-256;<base64url of the digest without padding>."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def _references(ids: Iterable[str]) -> Entity | list[Entity] | None:
    found = [{"@id": each} for each in dict.fromkeys(ids)]
    return found[0] if len(found) == 1 else found or None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


class Crate:
    """Collects entities of the metadata file, each once.

    Args:
        parts: files of the crate, relative to it; the Snakefile is one of them.
        last: the start record of the latest invocation.
        base: where recorded paths lead.
    """

    def __init__(self, parts: list[str], last: InvocationStart, base: Places):
        self._parts = parts
        self._base = base
        self._last = last
        self._entities: dict[str, Entity] = {}
        self._files: dict[str, set[str]] = {}  # to their paths
        self._actions: list[str] = []
        self._rules: dict[str, str | None] = {}  # to its latest code
        self._controls: dict[str | None, list[str]] = {}  # by invocation
        self._made: dict[str | None, list[str]] = {}

    def _add(self, id: str, type: str | list[str], **properties: Any) -> str:
        kept = {k: v for k, v in properties.items() if v is not None}
        self._entities[id] = {"@id": id, "@type": type} | kept
        return id

    def _file(self, file: File, sha256: str) -> str:
        is_folder = (self._base / file["path"]).is_dir()
        uri = file_uri(sha256) + "/" * is_folder
        paths = self._files.setdefault(uri, set())
        paths.add(file["path"])
        return self._add(
            uri,
            "Dataset" if is_folder else "File",
            name=min(paths),
            alternateName=" ".join(sorted(paths)[1:]) or None,
            sha256=None if is_folder else sha256,
            description=FOLDER if is_folder else None,
            contentSize=str(file["bytes"]),
            encodingFormat=None if is_folder else _media_type(file["path"]),
        )

    def _all(self, files: Iterable[File]) -> list[str]:
        return [self._file(file, sha256) for file in files if (sha256 := file["sha256"])]

    def _action(self, id: str, item: Item, **properties: Any) -> str:
        start, end = item["start"], item["end"] or item["killed"]
        self._actions.append(id)
        return self._add(
            id,
            "CreateAction",
            startTime=_iso(start["time"]),
            endTime=_iso(end["time"]) if end else None,
            actionStatus=f"http://schema.org/{STATUS[item['status']]}",
            error=item["end"]["error"] if item["end"] else None,
            **properties,
        )

    def add_job(self, item: JobItem) -> None:
        """A CreateAction of a rule, and the ControlAction that tells which step it was."""
        start, end = item["start"], item["end"]
        self._rules[start["rule"]] = start["code"]
        inputs = self._all(start["inputs"])
        outputs = self._all(end["outputs"] if end else [])
        device = end["device"] if end else None
        facts = {"seed": start["seed"], "code_sha256": start["code"], "device": device}
        values = [
            self._add(f"#{item['id']}/{name}", "PropertyValue", name=name, value=str(value))
            for name, value in facts.items()
            if value is not None
        ]
        action = self._action(
            f"#job/{item['id']}",
            item,
            name=job_name(start),
            instrument={"@id": f"#rule/{start['rule']}"},
            object=_references(inputs + values),
            result=_references(outputs),
        )
        control = self._add(
            f"#control/{item['id']}",
            "ControlAction",
            name=f"orchestrates {job_name(start)}",
            instrument={"@id": f"{WORKFLOW}#step/{item['rule']}"},
            object={"@id": action},
        )
        self._controls.setdefault(item["invocation"], []).append(control)
        self._made.setdefault(item["invocation"], []).extend(outputs)

    def add_invocation(self, item: InvocationItem, config: str) -> None:
        """The run of the whole workflow, and the OrganizeAction of its engine."""
        start, end = item["start"], item["end"] or item["killed"]
        git = start["git"]
        run = self._action(
            f"#run/{item['id']}",
            item,
            name=f"workflow run {item['id'][:SHORT]}",
            instrument={"@id": WORKFLOW},
            object=_references([config]),
            result=_references(self._made.get(item["id"], [])),
            description=f"git {git['head']}, changes on it {git['dirty']}",
        )
        self._add(config, "File", name="configuration", encodingFormat="application/json")
        self._parts.append(config)
        engine = self._add(
            f"#snakemake/{start['environment']['snakemake']}",
            "SoftwareApplication",
            name="Snakemake",
            url="https://snakemake.github.io",
            softwareVersion=start["environment"]["snakemake"],
        )
        self._add(
            f"#engine/{item['id']}",
            "OrganizeAction",
            name=f"Snakemake runs {item['id'][:SHORT]}",
            instrument={"@id": engine},
            object=_references(self._controls.get(item["id"], [])),
            result={"@id": run},
            startTime=_iso(start["time"]),
            endTime=_iso(end["time"]) if end else None,
        )

    def metadata(self) -> str:
        """The text of ro-crate-metadata.json; equal ledgers give equal texts."""
        self._add_workflow()
        for uri, name in PROFILES.items():
            self._add(uri, "CreativeWork", name=name, version=uri.rpartition("/")[2])
        self._add(
            "./",
            "Dataset",
            name=self._last["study"],
            description="Every job of a medsynth workflow: inputs, outputs, code, configuration.",
            datePublished=_iso(self._last["time"]),
            license="The licenses of the raw data rule what was made of it; the crate has no data.",
            conformsTo=_references(PROFILES),
            mainEntity={"@id": WORKFLOW},
            hasPart=_references([*self._parts, *self._files]),
            mentions=_references(self._actions),
        )
        self._add(
            "ro-crate-metadata.json",
            "CreativeWork",
            about={"@id": "./"},
            conformsTo=_references([CRATE, "https://w3id.org/workflowhub/workflow-ro-crate/1.0"]),
        )
        context = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
        graph = [self._entities[id] for id in sorted(self._entities)]
        return json.dumps({"@context": context, "@graph": graph}, indent=1) + "\n"

    def _add_workflow(self) -> None:
        for position, rule in enumerate(sorted(self._rules)):
            code = self._rules[rule]
            self._add(f"#rule/{rule}", "SoftwareApplication", name=rule, softwareVersion=code)
            self._add(
                f"{WORKFLOW}#step/{rule}",
                "HowToStep",
                name=rule,
                position=str(position),
                workExample={"@id": f"#rule/{rule}"},
            )
        self._add(
            "#snakemake",
            "ComputerLanguage",
            name="Snakemake",
            identifier="https://doi.org/10.12688/f1000research.29032.1",
            url="https://snakemake.github.io",
        )
        for path in self._parts:
            if path not in self._entities:
                self._add(
                    path,
                    ["File", "SoftwareSourceCode"],
                    name=path,
                    encodingFormat="text/plain",
                    version=self._last["git"]["head"],
                )
        self._add(
            WORKFLOW,
            ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            name="medsynth",
            encodingFormat="text/plain",
            version=self._last["git"]["head"],
            programmingLanguage={"@id": "#snakemake"},
            hasPart=_references(f"#rule/{rule}" for rule in sorted(self._rules)),
            step=_references(f"{WORKFLOW}#step/{rule}" for rule in sorted(self._rules)),
        )
