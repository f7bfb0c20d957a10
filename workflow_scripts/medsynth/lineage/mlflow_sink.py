"""What MLflow sees: study = experiment, invocation = parent run, job attempt = child run.

Importing this imports mlflow, which takes seconds; only the collector does. Nothing sent holds a
patient's id: image stores and tables go by digest, and datasets are named by the file's role.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from medsynth.lineage.mlflow_settings import MLFLOW_STATUS  # before mlflow is imported

# isort: split
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import ErrorCode, MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from medsynth.lineage.ledger import Ledger
from medsynth.lineage.measurements import (
    Point,
    numbers,
    read_points,
    run_params,
    text_of,
)
from medsynth.lineage.mlflow_store import RECORD, artifact_root, open_store
from medsynth.lineage.places import Places, in_run, places
from medsynth.lineage.spool import Record
from medsynth.runtime.logs import HISTORY_LINE, said
from medsynth.store.digests import digest_file

# Limits of mlflow 3 (mlflow/utils/validation.py).
TAG_LENGTH, DATASET_DIGEST = 8000, 36
PARAMS_A_BATCH, METRICS_A_BATCH, MODELS_FOUND, RUNS_A_PAGE = 100, 1000, 10, 1000

# Parquet, HDF5 and DICOM may hold patient ids and are never uploaded.
UPLOADED = {".json", ".csv", ".png", ".html", ".yaml", ".md"}
UPLOADED_BYTES = 5_000_000
DATASETS = {".parquet", ".h5"}
# Below results/: raw downloads (or the demo's likeness of them), whose tables name patients.
RAW = "demo"


def _milliseconds(record: Record) -> int:
    return round(record["time"] * 1000)


def _end_tags(item: Record) -> dict[str, str]:
    """What the run is told when its job has ended, and where in the ledger its events stand."""
    end = item["end"] or item["killed"]
    tags = {"status": item["status"], "error": end.get("error"), "device": end.get("device")}
    tags |= {"seed": item["start"].get("seed"), "jobs": end.get("jobs")}
    tags |= {"events": json.dumps(item["events"])}
    made = [file["sha256"] for file in end.get("outputs", []) if file["sha256"]]
    tags["outputs"] = " ".join(made[: TAG_LENGTH // 65]) or None  # to be searched for
    return {f"medsynth.{k}": str(v)[:TAG_LENGTH] for k, v in tags.items() if v is not None}


@dataclass
class Curve:
    """How far MLflow has the curves of a run: the last step of each, and the bytes read live."""

    steps: dict[str, int]
    read: int = 0


class MlflowSink:
    """Writes ledger items to an MLflow store; everything it does may be repeated."""

    def __init__(
        self,
        results_dir: str | Path,
        tracking_uri: str | None = None,
        artifact_uri: str | None = None,
    ):
        self._results = Path(results_dir).absolute()
        self._tracking_uri = tracking_uri
        self._artifacts = artifact_root(results_dir, tracking_uri, artifact_uri)
        self._experiments: dict[str, str] = {}
        self._places: dict[str, str] = {}  # of runs' files
        self._left: dict[str, str] = {}  # runs by item, and since when they were asked for
        self._asked_since: dict[str, int] = {}
        self._curves: dict[str, Curve] = {}

    @cached_property
    def _client(self) -> MlflowClient:
        """Opened on first use, so that a store that is not there is one more failed delivery."""
        return open_store(self._results, self._tracking_uri)

    def is_reachable(self) -> bool:
        try:
            self._client.search_experiments(max_results=1)
        except Exception:  # each kind of store has errors of its own
            return False
        return True

    def has(self, run_id: str) -> bool:
        try:
            self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                return False
            raise
        return True

    def run_ids(self) -> set[str]:
        """Every run there is, those that somebody deleted by MLflow's own means included."""
        experiments = self._client.search_experiments(view_type=ViewType.ALL)
        ids = [experiment.experiment_id for experiment in experiments]
        return {run.info.run_id for run in self._search(ids, "", ViewType.ALL)}

    def _search(
        self, experiments: list[str], wanted: str, view: int = ViewType.ACTIVE_ONLY
    ) -> Iterator[Run]:
        token = None
        while experiments:
            page = self._client.search_runs(
                experiments, wanted, view, RUNS_A_PAGE, ["attributes.run_id"], token
            )
            yield from page
            token = page.token
            if not token:
                return

    def _experiment(self, study: str) -> str:
        if study not in self._experiments:
            known = self._client.get_experiment_by_name(study)
            self._experiments[study] = (
                known.experiment_id
                if known
                else self._client.create_experiment(study, artifact_location=self._artifacts)
            )
        return self._experiments[study]

    def deliver(self, item: Record, ledger: Ledger) -> tuple[str, str]:
        """Make or finish the run of one job or invocation; returns its run and experiment ids.

        A run that is made after its job has ended gets all at once: MLflow is asked as little as
        can be, because many short jobs at a time must not outrun it.
        """
        is_job = item["kind"] == "job"
        # A job that lost its invocation's record is still recorded, in the default study.
        known = item["invocation"] and ledger.status(item["invocation"])
        invocation = ledger.item(item["invocation"]) if known else None
        parent = invocation if is_job else item
        experiment = self._experiment(parent["start"]["study"] if parent else "medsynth")
        if is_job and parent and not parent["run_id"]:
            raise RuntimeError("the run of its invocation could not be made yet")
        end = item["end"] or item["killed"]
        # A collector cut off after making the run left it there.
        run_id = item["run_id"] or self._left_behind(experiment, item)
        tags, params = _end_tags(item) if end else {}, run_params(item["start"])
        if not run_id:
            more = tags | {"medsynth.events": json.dumps(item["events"])}
            run_id = self._create(experiment, item, parent if is_job else None, more)
            self._left[item["id"]] = run_id  # until all of it is there
            tags = {}
        # Again for a run that is known: the collector may have been cut off between.
        if not item["run_id"]:
            self._log(run_id, {}, params)
            if is_job:
                self._log_inputs(run_id, experiment, item["start"]["inputs"])
        if end:
            self._log(run_id, tags, {})
            base = places(self._results, ledger)
            for file in end.get("outputs", []):
                if file["sha256"]:
                    self._log_output(run_id, experiment, item, file, base)
        self._log_record(run_id, item["id"], ledger)
        if end:
            status = MLFLOW_STATUS[item["status"]]
            self._client.set_terminated(run_id, status, _milliseconds(end))
            self._curves.pop(run_id, None)
            self._places.pop(run_id, None)
        self._left.pop(item["id"], None)
        return run_id, experiment

    def _left_behind(self, experiment: str, item: Record) -> str | None:
        """The run of an item that is not known to have one, if there is one all the same.

        Asked once for many: a run begins at the very time its record says.
        """
        since = _milliseconds(item["start"])
        if since < self._asked_since.get(experiment, since + 1):
            wanted = f"attributes.start_time >= {since}"
            runs = sorted(self._search([experiment], wanted), key=lambda run: run.info.run_id)
            known = ((run.data.tags.get("medsynth.id"), run.info.run_id) for run in runs[::-1])
            self._left |= {item: run_id for item, run_id in known if item}
            self._asked_since[experiment] = since
        return self._left.get(item["id"])

    def _create(
        self, experiment: str, item: Record, parent: Record | None, more: dict[str, str]
    ) -> str:
        start = item["start"]
        tags = {"medsynth.id": item["id"], "medsynth.kind": item["kind"]}
        if item["kind"] == "job":
            wildcards = " ".join(f"{k}={v}" for k, v in start["wildcards"].items())
            name = f"{start['rule']} {wildcards}".strip()
            tags |= {"medsynth.rule": start["rule"], "medsynth.attempt": start["attempt"]}
            tags |= {f"medsynth.wildcard.{k}": v for k, v in start["wildcards"].items()}
            tags |= {"medsynth.code": start["code"]}
        else:
            name = "snakemake " + " ".join(start["arguments"])
        if parent:
            tags["mlflow.parentRunId"] = parent["run_id"]
        if origin := (parent or item)["start"] if parent or item["kind"] != "job" else None:
            tags |= {
                "mlflow.source.git.commit": origin["git"]["head"],
                "mlflow.source.name": origin["snakefile"],
                "medsynth.git.dirty": origin["git"]["dirty"],
                "medsynth.config_sha256": origin["config_sha256"],
                "medsynth.packages_sha256": origin["environment"]["packages_sha256"],
                "medsynth.lock_sha256": origin["environment"]["lock_sha256"],
            }
        try:
            run = self._client.create_run(
                experiment,
                start_time=_milliseconds(start),
                tags={k: text_of(v, TAG_LENGTH) for k, v in tags.items() if v is not None} | more,
                run_name=name[:250],
            )
        except Exception:
            self._asked_since.clear()  # a server may have made it, and its answer be lost
            raise
        self._places[run.info.run_id] = run.info.artifact_uri
        return run.info.run_id

    def _log(self, run_id: str, tags: dict[str, str], params: dict[str, str]) -> None:
        named = [Param(name, value) for name, value in params.items()]
        for at in range(0, len(named), PARAMS_A_BATCH):
            self._client.log_batch(run_id, params=named[at : at + PARAMS_A_BATCH])
        if tags:
            self._client.log_batch(run_id, tags=[RunTag(k, v) for k, v in tags.items()])

    def _upload(self, run_id: str, path: Path, folder: str = "") -> None:
        # MlflowClient would look the run up again for every file.
        if run_id not in self._places:
            self._places[run_id] = self._client.get_run(run_id).info.artifact_uri
        uri = self._places[run_id]
        get_artifact_repository(uri, tracking_uri=self._tracking_uri).log_artifact(
            str(path), folder or None
        )

    def _log_record(self, run_id: str, item: str, ledger: Ledger) -> None:
        found = {phase: ledger.written(item, phase) for phase in ("start", "end", "killed")}
        record = {phase: written for phase, written in found.items() if written}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, RECORD)
            path.write_text(json.dumps(record, indent=2))
            self._upload(run_id, path)

    def _log_inputs(self, run_id: str, experiment: str, inputs: list[Record]) -> None:
        datasets, models = [], []
        for file in inputs:
            suffix = Path(file["path"]).suffix
            if file["sha256"] and suffix in DATASETS:
                role = file["name"] or "input"
                source = json.dumps({"path": file["path"], "sha256": file["sha256"]})
                datasets.append(
                    DatasetInput(
                        Dataset(role, file["sha256"][:DATASET_DIGEST], "local", source),
                        [InputTag("mlflow.data.context", role)],
                    )
                )
            elif file["sha256"] and suffix == ".safetensors":
                models += [LoggedModelInput(m) for m in self._models(experiment, file["sha256"])]
        if datasets or models:
            self._client.log_inputs(run_id, datasets, models)

    def _models(self, experiment: str, sha256: str) -> list[str]:
        found = self._client.search_logged_models(
            [experiment], f"tags.sha256 = '{sha256}'", max_results=MODELS_FOUND
        )
        return [model.model_id for model in found]

    def _log_output(
        self, run_id: str, experiment: str, item: Record, file: Record, base: Places
    ) -> None:
        path = base / file["path"]
        if path.suffix == ".safetensors":
            self._log_model(run_id, experiment, item["start"]["rule"], file)
        if path.suffix not in UPLOADED or file["bytes"] > UPLOADED_BYTES:
            return
        if path.is_relative_to(self._results / RAW):
            return
        # A temp() output may be gone and another job's may stand here: only these very bytes.
        if not path.is_file() or digest_file(path) != file["sha256"]:
            return
        at = _milliseconds(item["end"])
        metrics = []
        if path.name.endswith("metrics.json"):
            metrics = [Metric(k, v, at, 0) for k, v in numbers(json.loads(path.read_bytes()))]
        elif path.name == "history.csv":
            self._log_curve(run_id, self._curve(run_id), read_points(path)[0], at)
        self._log_metrics(run_id, metrics)
        self._upload(run_id, path, os.path.dirname(in_run(file["path"])))

    def _log_metrics(self, run_id: str, metrics: list[Metric]) -> None:
        for first in range(0, len(metrics), METRICS_A_BATCH):
            self._client.log_batch(run_id, metrics=metrics[first : first + METRICS_A_BATCH])

    def follow(self, item: Record, ledger: Ledger) -> None:
        """Send what the curves of a running job have gained."""
        base = places(self._results, ledger)
        history = said(HISTORY_LINE, (base / log for log in item["start"]["log"]))
        if not history or not item["run_id"]:
            return
        curve = self._curve(item["run_id"])
        try:
            points, curve.read = read_points(Path(base.workdir, history), curve.read)
        except FileNotFoundError:
            return  # the training has just ended; all points come with its output
        self._log_curve(item["run_id"], curve, points, round(time.time() * 1000))

    def _curve(self, run_id: str) -> Curve:
        """What MLflow has of the run's curves; it is asked only after a restart or an error."""
        if curve := self._curves.pop(run_id, None):
            return curve
        names = self._client.get_run(run_id).data.metrics
        history = {name: self._client.get_metric_history(run_id, name) for name in names}
        return Curve({name: max(m.step for m in points) for name, points in history.items()})

    def _log_curve(self, run_id: str, curve: Curve, points: list[Point], at: int) -> None:
        """Send those points, in the order of their steps, that MLflow does not have yet."""
        new = [p for p in points if p.step > curve.steps.get(p.name, -1)]
        self._log_metrics(run_id, [Metric(p.name, p.value, at, p.step) for p in new])
        curve.steps |= {p.name: p.step for p in new}
        self._curves[run_id] = curve

    def _log_model(self, run_id: str, experiment: str, rule: str, file: Record) -> None:
        """Weights as a logged model, known by their digest; the bytes stay where they are."""
        known = self._client.search_logged_models(
            [experiment], f"source_run_id = '{run_id}' AND tags.sha256 = '{file['sha256']}'"
        )
        if known:
            return
        model = self._client.create_logged_model(
            experiment,
            name=re.sub(r"[^\w-]", "_", Path(file["path"]).parent.name) or "model",
            source_run_id=run_id,
            tags={
                "sha256": file["sha256"],
                "path": file["path"],
                "mlflow.model.isExternal": "true",
            },
            model_type=rule,
        )
        self._client.finalize_logged_model(model.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
