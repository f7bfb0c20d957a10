"""Reading back what the collector put into MLflow. Importing this imports mlflow: seconds."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
from mlflow.entities import Run
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.mlflow.store import RECORD, open_store
from medsynth.lineage.recording.invocation import TRACKING_URI
from medsynth.lineage.recording.records import Record
from medsynth.store.layout import Layout

logging.getLogger("mlflow").setLevel(logging.WARNING)
RUNS_A_PAGE = 1000


class RecordedRuns:
    """The runs of medsynth in one MLflow store, and their files."""

    def __init__(self, results: str | Path, folder: Path):
        uri = os.environ.get(TRACKING_URI)
        if not uri and not os.path.exists(Layout(results).mlflow):
            raise UnknownArtifact(
                f"{Layout(results).mlflow} does not exist; if the runs are on a"
                f" server, name it in the environment variable {TRACKING_URI}"
            )
        self._client = open_store(results, uri)
        self._uri = uri
        self._folder = folder

    def runs(self) -> Iterator[Run]:
        """Of all jobs and invocations, of whatever results folder: a server may serve many."""
        yield from (run for run in self._all() if "medsynth.id" in run.data.tags)

    def of_ledger(self, ledger: Ledger) -> Iterator[Run]:
        """Of a ledger's jobs, invocations and experiments."""
        ours = {row["run_id"] for row in ledger.query("SELECT run_id FROM deliveries")}
        for run in self._all():
            if run.info.run_id in ours or ledger.status(run.data.tags.get("medsynth.job")):
                yield run

    def _all(self) -> Iterator[Run]:
        experiments = [e.experiment_id for e in self._client.search_experiments()]
        token = None
        while True:
            page = self._client.search_runs(
                experiments,
                max_results=RUNS_A_PAGE,
                page_token=token,
                order_by=["attributes.run_id"],
            )
            yield from page
            token = page.token
            if not token:
                return

    def _repository(self, run: Run) -> ArtifactRepository:
        # MlflowClient would look the run up again for every file.
        return get_artifact_repository(run.info.artifact_uri, tracking_uri=self._uri)

    def files(self, run: Run, folder: str | None = None) -> Iterator[str]:
        for entry in self._repository(run).list_artifacts(folder):
            if entry.is_dir:
                yield from self.files(run, entry.path)
            else:
                yield entry.path

    def fetch(self, run: Run, path: str) -> Path:
        """A copy of a run's file, there as long as the store is open."""
        to = self._folder / run.info.run_id
        to.mkdir(exist_ok=True)
        return Path(self._repository(run).download_artifacts(path, str(to)))

    def download(self, run: Run) -> Path:
        """A new folder, named after the run, of its files and of all that MLflow shows of it."""
        for path in self.files(run):
            self.fetch(run, path)
        folder = Path(self._folder, run.info.run_id)
        folder.mkdir(exist_ok=True)
        datasets = run.inputs.dataset_inputs if run.inputs else []
        inputs = [entry.dataset.to_dictionary() for entry in datasets]
        shown = {"run": run.to_dictionary(), "datasets": inputs}
        (folder / "shown.json").write_text(json.dumps(shown, default=str))
        return folder

    def record(self, run: Run) -> dict[str, Record] | None:
        """The job's or invocation's records by phase; None before it ended."""
        if RECORD not in (entry.path for entry in self._repository(run).list_artifacts()):
            return None
        records: dict[str, Record] = json.loads(self.fetch(run, RECORD).read_bytes())
        return records

    def curve(self, run: Run, metric: str) -> dict[int, float]:
        """{step: value} of everything that was logged of a metric."""
        points = self._client.get_metric_history(run.info.run_id, metric)
        return {point.step: point.value for point in points}

    def metrics(self, run_id: str) -> dict[str, float]:
        return dict(self._client.get_run(run_id).data.metrics)


@contextmanager
def recorded_runs(results: str | Path) -> Iterator[RecordedRuns]:
    """The store that MEDSYNTH_TRACKING_URI names, or else the one in the results folder.

    Raises:
        UnknownArtifact: there is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield RecordedRuns(results, Path(folder))
