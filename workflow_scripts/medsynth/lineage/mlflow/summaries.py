"""One row an experiment: figures, settings, samples and model card in a run that people sort by.

It is no record, but repeats what the runs of jobs say, and names the evaluation that it shows. When
another one has figures of its own, a new run takes its place and the old one is marked.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.mlflow.content import RunContent, milliseconds
from medsynth.lineage.mlflow.labels import NOTE, TAG_LENGTH
from medsynth.lineage.mlflow.measurements import PARAM_LENGTH, flat, mlflow_name, numbers, text_of
from medsynth.lineage.recording.places import ANCHOR
from medsynth.lineage.recording.records import File, JobItem
from medsynth.store.digests import digest_file, digest_json
from medsynth.store.layout import Layout

SUMMARY = "summary"
LAYOUT = Layout(ANCHOR)
SHOWN = ("metrics", "n_real", "n_generated")  # of a metrics file
CUT = "\n\n… (the whole card: `model_card.md`)"
# What an experiment made last, before one of its jobs began.
MADE = """
SELECT path, sha256, job, MAX(seq) FROM artifacts
    WHERE role='outputs' AND path GLOB ? AND seq<? GROUP BY path ORDER BY path
"""


def experiment_of(path: str, pattern: str) -> str | None:
    """The experiment whose file this is, by a recorded path and a pattern of the layout."""
    before, after = pattern.split("{experiment}")
    found = re.fullmatch(f"{re.escape(before)}([a-z][a-z0-9_]*){re.escape(after)}", path)
    return found and found[1]


def summaries(
    client: MlflowClient, experiments: list[str], ledger: Ledger, name: str | None = None
) -> list[Run]:
    """The summary runs of a ledger's experiments, or of one of them: a server may serve many."""
    wanted = f"tags.`medsynth.kind` = '{SUMMARY}'"
    wanted += f" AND tags.`medsynth.experiment` = '{name}'" if name else ""
    found = client.search_runs(experiments, wanted, max_results=1000) if experiments else []
    return [run for run in found if ledger.status(run.data.tags["medsynth.job"])]


def figures_of(metrics: dict[str, Any]) -> dict[str, float]:
    """The figures of a metrics file, each with its baselines; intervals and parts stay in it."""
    shown: dict[str, Any] = {k: metrics[k] for k in SHOWN if k in metrics}
    return {name: value for name, value in numbers(shown) if ".interval." not in name}


class Summaries:
    """Keeps the summary runs of one MLflow store; everything it does may be repeated."""

    def __init__(self, client: MlflowClient, content: RunContent, results: Path):
        self._client, self._content, self._results = client, content, results

    def update(self, study: str, item: JobItem, ledger: Ledger) -> None:
        """Show what a job has found out about an experiment.

        Args:
            study: id of its MLflow experiment.
        """
        for file in item["end"]["outputs"] if item["end"] else []:
            if name := experiment_of(file["path"], LAYOUT.metrics):
                self._summarise(study, name, item, file, ledger)
            elif name := experiment_of(file["path"], LAYOUT.model_card):
                self._describe(study, name, item, file, ledger)

    def _summarise(self, study: str, name: str, item: JobItem, file: File, ledger: Ledger) -> None:
        path = self._standing(file, ledger)
        weights = ledger.query(MADE, LAYOUT.weights.format(experiment=name), item["seq"])
        if not path or not weights:
            return
        training = ledger.job(weights[0]["job"])
        settings = _settings(training, item, name, ledger)
        shown = {"figures": file["sha256"], "model": weights[0]["sha256"]}
        shown |= {"settings": digest_json(settings)}
        tags = {f"medsynth.{key}": str(value) for key, value in shown.items()}
        own: Run | None = None
        others: list[Run] = []
        for run in summaries(self._client, [study], ledger, name):
            if ledger.item(run.data.tags["medsynth.job"])["seq"] > item["seq"]:
                return  # a later evaluation is shown
            if tags.items() <= run.data.tags.items():
                own = run
            else:
                others.append(run)
        metrics = json.loads(path.read_bytes())
        if not own:
            own = self._create(study, name, item, metrics, tags)
        run_id = own.info.run_id
        if own.info.status != "FINISHED":
            at, end = milliseconds(item["start"]), training["end"]
            figures = figures_of(metrics)
            if end and not end.get("reused"):
                figures["training_seconds"] = round(end["time"] - training["start"]["time"], 1)
            self._client.log_batch(
                run_id,
                [Metric(key, value, at, 0) for key, value in figures.items()],
                [Param(key, value) for key, value in settings.items()],
            )
            for picture in self._pictures(name, item, ledger):
                self._content.upload(run_id, picture)
            self._client.set_terminated(
                run_id, "FINISHED", milliseconds(item["end"] or item["start"])
            )
        now = {"medsynth.job": item["id"], "medsynth.current": "true"}
        self._client.log_batch(run_id, tags=[RunTag(key, value) for key, value in now.items()])
        for run in others:
            self._supersede(run, run_id)

    def _create(
        self, study: str, name: str, item: JobItem, metrics: dict[str, Any], shown: dict[str, str]
    ) -> Run:
        identity = metrics | item["start"]["params"].get("identity", {})
        tags = {key: str(identity[key]) for key in ("family", "cohort") if key in identity}
        tags |= {"study": self._client.get_experiment(study).name, "medsynth.kind": SUMMARY}
        tags |= {"medsynth.experiment": name, "medsynth.job": item["id"]} | shown
        run = self._client.create_run(study, milliseconds(item["start"]), tags, name)
        self._content.begun(run.info.run_id, run.info.artifact_uri)
        return run

    def _supersede(self, run: Run, by: str) -> None:
        if run.data.tags.get("medsynth.current") == "false":
            return
        name = f"{run.data.tags['medsynth.experiment']} (superseded)"
        self._client.update_run(run.info.run_id, name=name)
        self._client.set_tag(run.info.run_id, "medsynth.superseded_by", by)
        self._client.set_tag(run.info.run_id, "medsynth.current", "false")  # last: all is done

    def _describe(self, study: str, name: str, item: JobItem, file: File, ledger: Ledger) -> None:
        """The model card, if it was written of the figures that are shown."""
        path = self._standing(file, ledger)
        read = {used["sha256"] for used in item["start"]["inputs"]}
        for run in summaries(self._client, [study], ledger, name) if path else []:
            if path and run.data.tags.get("medsynth.figures") in read:
                text = path.read_text()
                if len(text) > TAG_LENGTH:
                    text = text[: TAG_LENGTH - len(CUT)] + CUT
                self._client.set_tag(run.info.run_id, NOTE, text)
                self._content.upload(run.info.run_id, path)

    def _standing(self, file: File, ledger: Ledger) -> Path | None:
        """The file, if these very bytes stand where the job left them."""
        path = current_places(self._results, ledger) / file["path"]
        return path if path.is_file() and digest_file(path) == file["sha256"] else None

    def _pictures(self, name: str, item: JobItem, ledger: Ledger) -> Iterator[Path]:
        """The grids of what the experiment made."""
        folder = LAYOUT.experiment.format(experiment=name)
        for row in ledger.query(MADE, f"{folder}/*.png", item["seq"]):
            made: File = {"name": None, "bytes": None, "path": row["path"], "sha256": row["sha256"]}
            if os.path.dirname(row["path"]) == folder and (path := self._standing(made, ledger)):
                yield path


def _settings(training: JobItem, item: JobItem, name: str, ledger: Ledger) -> dict[str, str]:
    """Of training and sampling, and the seed."""
    found = {"train": training["start"]["params"].get("cfg"), "seed": training["start"]["seed"]}
    folder = LAYOUT.experiment.format(experiment=name)
    for row in ledger.query(MADE, f"{folder}/*.parquet", item["seq"]):
        if row["job"] != training["id"]:  # whose table is of people
            found["sample"] = ledger.job(row["job"])["start"]["params"].get("cfg")
    leaves = flat({key: value for key, value in found.items() if value is not None})
    return {mlflow_name(key)[:250]: text_of(value, PARAM_LENGTH) for key, value in leaves}
