"""What MLflow has copies of: files of runs, rows of experiments, published models."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from medsynth.lineage.erasure.search import remains
from medsynth.lineage.erasure.withdrawal import Impact, Remains
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.invocation import TRACKING_URI
from medsynth.lineage.recording.places import in_run
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowCopies:
    """Finds and removes them; mlflow, which takes seconds to import, only when there are any.

    Raises:
        MedsynthError: the runs are on a server of which the environment does not say where it is.
    """

    def __init__(self, results: Path, ledger: Ledger) -> None:
        self._results, self._ledger = results, ledger
        self._uri = os.environ.get(TRACKING_URI)
        start = ledger.last_invocation()
        settings = start["config"].get("lineage", {}) if start else {}
        if settings.get("tracking_uri") and not self._uri:
            # The recorded one may have had its password starred out.
            raise MedsynthError(
                "the runs are on an MLflow server; name it in the environment variable"
                f" {TRACKING_URI}"
            )
        # Whether runs, or their files, are outside the results folder.
        self.elsewhere = bool(self._uri or settings.get("artifact_uri"))

    def remove(self, impact: Impact) -> None:
        """Remove copies of what held or showed the patient, and of what was learned from them."""
        client = self._client()
        for row in (*impact["past"], *impact["learned"]):
            for job in row["jobs"]:
                if run := self._ledger.item(job)["run_id"]:
                    self.remove_file(client, run, in_run(row["path"]))
        if not client:
            return
        from medsynth.lineage.mlflow.publishing import withdraw
        from medsynth.lineage.mlflow.summaries import summaries

        studies = [study.experiment_id for study in client.search_experiments()]
        shown = {os.path.split(in_run(row["path"])) for row in impact["past"]}
        for summary in summaries(client, studies, self._ledger):
            folder = f"experiments/{summary.data.tags['medsynth.experiment']}"
            for file in sorted(name for place, name in shown if place.endswith(folder)):
                self.remove_file(client, summary.info.run_id, file)
        withdraw(client, studies, set(impact["models"]), self._uri)

    def _client(self) -> MlflowClient | None:
        if not self.elsewhere and not os.path.exists(Layout(self._results).mlflow):
            return None
        from medsynth.lineage.mlflow.store import open_store

        return open_store(self._results, self._uri)

    def remove_file(self, client: MlflowClient | None, run: str, path: str) -> None:
        """Remove a file of a run, if it is there."""
        if not self.elsewhere or not client:
            # Not by the address in the database: results may have been copied from there.
            place = spool.lineage_dir(self._results) / "mlartifacts" / run / "artifacts" / path
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        address = client.get_run(run).info.artifact_uri
        store = get_artifact_repository(address, tracking_uri=self._uri)
        if any(entry.path == path for entry in store.list_artifacts(os.path.dirname(path))):
            store.delete_artifacts(path)

    def remains(self, words: list[str], digests: set[str]) -> list[Remains]:
        """As :func:`.search.remains`, of what a store outside the results folder shows of each run,
        and of the run's files."""
        if not self.elsewhere:
            return []
        from medsynth.lineage.mlflow.records import recorded_runs

        left: list[Remains] = []
        with recorded_runs(self._results) as store:
            for run in store.of_ledger(self._ledger):
                folder = store.download(run)
                left += remains(folder, words, digests)
                shutil.rmtree(folder)
        return [{**trace, "path": f"MLflow run {trace['path']}"} for trace in left]
