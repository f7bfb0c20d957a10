"""What an MLflow run holds besides its name and tags: records, files, datasets, curves.

Importing this imports mlflow: seconds.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
)
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.mlflow.measurements import Point, numbers, read_points, usage_points
from medsynth.lineage.mlflow.store import RECORD
from medsynth.lineage.recording.places import in_run
from medsynth.lineage.recording.records import File, JobItem, Record
from medsynth.runtime.run_info import read_info
from medsynth.store.digests import digest_file

# Limits of mlflow 3 (mlflow/utils/validation.py).
DATASET_DIGEST, METRICS_A_BATCH = 36, 1000
# Parquet, HDF5 and DICOM may hold patient ids and are never uploaded.
UPLOADED = {".json", ".csv", ".png", ".html", ".yaml", ".md"}
UPLOADED_BYTES = 5_000_000
DATASETS = {".parquet", ".h5", ".safetensors"}
# Below results/: raw downloads (or the demo's likeness of them), whose tables name patients.
RAW = "demo"


def milliseconds(record: Record) -> int:
    return round(record["time"] * 1000)


@dataclass
class Curve:
    """How far MLflow has the curves of a run: the last step of each, and the bytes read live."""

    steps: dict[str, int]
    read: int = 0


class RunContent:
    """Fills runs of one store; everything it does may be repeated."""

    def __init__(self, client: MlflowClient, results: Path, tracking_uri: str | None):
        self._client = client
        self._results = results
        self._tracking_uri = tracking_uri
        self._places: dict[str, str] = {}  # of runs' files
        self._curves: dict[str, Curve] = {}

    def begun(self, run_id: str, place: str) -> None:
        """A run was made, its files to be at `place`: MLflow is not asked for that again."""
        self._places[run_id] = place

    def ended(self, run_id: str) -> None:
        """Nothing of a run is remembered any more."""
        self._places.pop(run_id, None)
        self._curves.pop(run_id, None)

    def upload(self, run_id: str, path: Path, folder: str = "") -> None:
        """A file of the run, to this folder of its files."""
        # MlflowClient would look the run up again for every file.
        if run_id not in self._places:
            self._places[run_id] = self._client.get_run(run_id).info.artifact_uri
        uri = self._places[run_id]
        get_artifact_repository(uri, tracking_uri=self._tracking_uri).log_artifact(
            str(path), folder or None
        )

    def log_record(self, run_id: str, item: str, ledger: Ledger) -> None:
        """The records of a job or invocation, as they were written."""
        found = {phase: ledger.written(item, phase) for phase in ("start", "end", "killed")}
        record = {phase: written for phase, written in found.items() if written}
        with tempfile.TemporaryDirectory(prefix="medsynth-record-") as folder:
            path = Path(folder, RECORD)
            path.write_text(json.dumps(record))
            self.upload(run_id, path)

    def log_inputs(self, run_id: str, inputs: list[File]) -> None:
        """Tables, image stores and weights as datasets."""
        datasets = []
        for file in inputs:
            if file["sha256"] and Path(file["path"]).suffix in DATASETS:
                role = file["name"] or "input"
                source = json.dumps({"path": file["path"], "sha256": file["sha256"]})
                datasets.append(
                    DatasetInput(
                        Dataset(role, file["sha256"][:DATASET_DIGEST], "local", source),
                        [InputTag("mlflow.data.context", role)],
                    )
                )
        if datasets:
            self._client.log_inputs(run_id, datasets)

    def log_output(self, run_id: str, item: JobItem, file: File, ledger: Ledger) -> None:
        """A small file that names nobody, and the numbers in it."""
        end, sha256, suffix = item["end"], file["sha256"], Path(file["path"]).suffix
        if not end or not sha256:
            return
        if suffix not in UPLOADED or (file["bytes"] or 0) > UPLOADED_BYTES:
            return
        path = current_places(self._results, ledger) / file["path"]
        if path.is_relative_to(self._results / RAW):
            return
        # A temp() output may be gone and another job's may stand here: only these very bytes.
        if not path.is_file() or digest_file(path) != sha256:
            return
        at = milliseconds(end)
        metrics = []
        if path.name.endswith("metrics.json"):
            metrics = [Metric(k, v, at, 0) for k, v in numbers(json.loads(path.read_bytes()))]
        elif path.name == "history.csv":
            self._log_curve(run_id, self._curve(run_id), read_points(path)[0], at)
        self._log_metrics(run_id, metrics)
        self.upload(run_id, path, os.path.dirname(in_run(file["path"])))

    def log_usage(self, run_id: str, item: JobItem) -> None:
        """What the machine did during the job: MLflow shows it as system metrics."""
        if points := list(usage_points(item["start"], item["end"])):
            self._log_curve(run_id, self._curve(run_id), points, milliseconds(item["start"]))

    def _log_metrics(self, run_id: str, metrics: list[Metric]) -> None:
        for first in range(0, len(metrics), METRICS_A_BATCH):
            self._client.log_batch(run_id, metrics=metrics[first : first + METRICS_A_BATCH])

    def follow(self, item: JobItem, ledger: Ledger) -> None:
        """Send what the curves of a running job have gained."""
        base = current_places(self._results, ledger)
        history = read_info(base / log for log in item["start"]["log"]).get("history")
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
        self._log_metrics(run_id, [Metric(p.name, p.value, p.at or at, p.step) for p in new])
        curve.steps |= {p.name: p.step for p in new}
        self._curves[run_id] = curve
