"""What stands behind an artifact: data, settings, code and environment of all its jobs."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.ledger.graph import ancestors, descendants
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import find
from medsynth.lineage.ledger.reads import maker, readers
from medsynth.lineage.mlflow.measurements import flat
from medsynth.lineage.recording.records import JobItem
from medsynth.lineage.wording import job_name


class Side(TypedDict):
    """An artifact; `job` is None if none made it."""

    path: str
    sha256: str
    job: str | None


class Provenance:
    """All that stands behind one artifact, by names that another one's has, too."""

    def __init__(self, name: str, results: Path, ledger: Ledger):
        found = find(name, results, ledger)
        made = found["role"] == "outputs"
        job = found["job"] if made else maker(found, ledger)
        self.artifact: Side = {"path": found["path"], "sha256": found["sha256"], "job": job}
        items = ancestors([job] if job else [], ledger)
        steps = list(zip(_step_names(items), (item["start"] for item in items), strict=True))
        files = [file for _, start in steps for file in start["inputs"]]
        self.raw = {f["path"]: f["sha256"] for f in files if not f["producer"]}
        self.tables = {f["path"]: f["sha256"] for f in files if f["path"].endswith(".parquet")}
        if found["path"].endswith(".parquet"):
            self.tables[found["path"]] = found["sha256"]
        self.code = {step: start["code"] for step, start in steps}
        self.params = {
            f"{step}: {key}": value
            for step, start in steps
            for key, value in flat({k: v for k, v in start["params"].items() if k != "code"})
            if key
        }
        start = items[0]["start"] if items else None
        self.params |= {"seed": start["seed"], "threads": start["threads"]} if start else {}
        around = ledger.invocation(items[0]["invocation"]) if items else None
        self.config = dict(flat(around["config"])) if around else {}
        environment = dict(around["environment"]) if around else {}
        self.packages = set(environment.pop("packages", []))
        end = items[0]["end"] if items else None
        environment |= {"device": end["device"] if end else None} if items else {}
        environment |= {f"git {k}": v for k, v in around["git"].items()} if around else {}
        self.environment = environment
        self.runs = self._runs(items[0], ledger) if items else []

    def _runs(self, item: JobItem, ledger: Ledger) -> list[str]:
        """MLflow runs of the job and of those after it about the same thing."""
        after = descendants(readers(self.artifact, item["id"], ledger), ledger)
        wildcards = item["start"]["wildcards"]
        same = [i for i in after if i["start"]["wildcards"] == wildcards]
        return [i["run_id"] for i in [*same[::-1], item] if i["run_id"]]


def _step_names(items: list[JobItem]) -> list[str]:
    """Rules, with the wildcards in which a side's own jobs of one rule differ.

    So the training of one experiment is compared with that of another.
    """
    values = defaultdict(set)
    for item in items:
        for key, value in item["start"]["wildcards"].items():
            values[item["rule"], key].add(value)
    names = []
    for item in items:
        rule, wildcards = item["rule"], item["start"]["wildcards"]
        telling = {k: v for k, v in wildcards.items() if len(values[rule, k]) > 1}
        names.append(job_name({"rule": rule, "wildcards": telling}))
    return names
