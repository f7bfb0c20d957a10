"""Models that others load from MLflow, where the configuration asks for them.

What is published follows from the last call of the workflow and the experiments that MLflow shows
as current, so that a setting that is switched on later, and a delivery that was cut off, find all
that is missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.mlflow.labels import NOTE
from medsynth.lineage.mlflow.summaries import LAYOUT, summaries
from medsynth.store.digests import digest_file

# Imports what models need, which no collector has to: it is only called.
PACKAGER = "medsynth.api.packaging"
PUBLISHED = "medsynth.published"  # tag of a summary run: the model's id, or why there is none
NO = "no: "
NOT_SERVED = f"{NO}it makes neither images nor texts"
# Of the registered models that the workflow made.
OWN = "medsynth.study"


class Publisher:
    """Publishes to one MLflow store; everything it does may be repeated."""

    def __init__(self, client: MlflowClient, results: Path, tracking_uri: str | None):
        self._client, self._results, self._tracking_uri = client, results, tracking_uri

    def publish(self, ledger: Ledger) -> None:
        """Publish and register what the last call of the workflow asks for and is not there yet.

        Raises:
            subprocess.CalledProcessError: a model could not be packaged; the log says why.
        """
        last = ledger.last_invocation()
        settings = last["config"].get("lineage", {}) if last else {}
        if not last or not settings.get("publish_models"):
            return
        study = self._client.get_experiment_by_name(last["study"])
        shown = summaries(self._client, [study.experiment_id], ledger) if study else []
        current = [
            run
            for run in shown
            if run.data.tags.get("medsynth.current") == "true"
            and run.data.tags["medsynth.model"] not in withdrawn(ledger)
        ]
        missing = [run for run in current if PUBLISHED not in run.data.tags]
        folders = [(run, folder) for run in missing if (folder := self._folder(run, ledger))]
        if folders:
            self._package(folders)
        for run in current:
            name = run.data.tags["medsynth.experiment"]
            if asked := settings.get("registry", {}).get(name):
                self._register(self._client.get_run(run.info.run_id), asked, last["study"])

    def _folder(self, run: Run, ledger: Ledger) -> Path | None:
        """Of the run's experiment, if the weights that the run tells of lie there."""
        weights = LAYOUT.weights.format(experiment=run.data.tags["medsynth.experiment"])
        path = current_places(self._results, ledger) / weights
        there = path.is_file() and digest_file(path) == run.data.tags["medsynth.model"]
        return path.parent if there else None

    def _package(self, folders: list[tuple[Run, Path]]) -> None:
        with tempfile.TemporaryDirectory(prefix="medsynth-publish-") as out:
            command = [sys.executable, "-m", PACKAGER, out, *(str(f) for _, f in folders)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            for run, folder in folders:
                made = Path(out, folder.name)
                said = self._upload(run, made) if made.is_dir() else NOT_SERVED
                self._client.set_tag(run.info.run_id, PUBLISHED, said)  # last: all is there

    def _upload(self, run: Run, folder: Path) -> str:
        """Log a packaged model as one that is READY; returns its id."""
        tags, study = run.data.tags, run.info.experiment_id
        found = published(self._client, [study], {tags["medsynth.model"]})
        model = found[0] if found else self._create(run)
        said = Model.load(str(folder))
        said.model_id, said.run_id = model.model_id, run.info.run_id
        said.save(str(folder / "MLmodel"))
        files = get_artifact_repository(model.artifact_location, tracking_uri=self._tracking_uri)
        files.log_artifacts(str(folder))
        outputs = self._client.get_run(run.info.run_id).outputs
        shown = {output.model_id for output in outputs.model_outputs} if outputs else set()
        if model.model_id not in shown:
            self._client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
        at = run.info.start_time
        self._client.log_batch(
            run.info.run_id,
            [
                Metric(name, value, at, 0, model_id=model.model_id, run_id=run.info.run_id)
                for name, value in run.data.metrics.items()
            ],
        )
        self._client.finalize_logged_model(model.model_id, "READY")
        return str(model.model_id)

    def _create(self, run: Run) -> LoggedModel:
        tags, name = run.data.tags, run.data.tags["medsynth.experiment"]
        note = (
            f"`mlflow.pyfunc.load_model(model_uri)` opens it, `predict` makes what"
            f' `medsynth.load("{LAYOUT.experiment.format(experiment=name)}")` makes.'
        )
        about = {"sha256": tags["medsynth.model"], "medsynth.experiment": name, NOTE: note}
        about |= {"cohort": tags["cohort"]} if "cohort" in tags else {}
        return self._client.create_logged_model(
            run.info.experiment_id,
            name=name,
            source_run_id=run.info.run_id,
            tags=about,
            params=run.data.params,
            model_type=tags.get("family"),
        )

    def _register(self, run: Run, asked: dict[str, Any], study: str) -> None:
        """Make a published model the latest version of its name in the registry."""
        model = run.data.tags.get(PUBLISHED, NOT_SERVED)
        if model.startswith(NO):  # of an earlier version it may give another reason
            return
        name, alias = asked["name"], asked["alias"]
        try:
            self._client.create_registered_model(name, tags={OWN: study})
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                raise
        # By its place: `models:/…` would be looked up where MLflow is by default.
        logged = self._client.get_logged_model(model)
        place = logged.artifact_location
        versions = [v for v in versions_of(self._client, place) if v.name == name]
        if not versions:
            sha256 = run.data.tags["medsynth.model"]
            about = f"{run.data.tags['medsynth.experiment']}, weights {sha256[:12]}"
            versions = [
                self._client.create_model_version(
                    *(name, place, run.info.run_id),
                    tags={"sha256": sha256},
                    description=about,
                    model_id=model,
                )
            ]
        # By this the model's page shows that it is registered.
        told = json.dumps([{"name": v.name, "version": v.version} for v in versions])
        if logged.tags.get(MLFLOW_MODEL_VERSIONS) != told:
            self._client.set_logged_model_tags(model, {MLFLOW_MODEL_VERSIONS: told})
        version = max(versions, key=lambda v: int(v.version))
        aliases = self._client.get_registered_model(name).aliases
        if alias and str(aliases.get(alias)) != str(version.version):
            self._client.set_registered_model_alias(name, alias, str(version.version))


def published(client: MlflowClient, studies: list[str], weights: set[str]) -> list[LoggedModel]:
    """The models in these MLflow experiments that have one of these digests."""
    found: list[LoggedModel] = []
    for sha256 in sorted(weights):
        found += client.search_logged_models(studies, f"tags.sha256 = '{sha256}'")
    return found


def versions_of(client: MlflowClient, place: str) -> list[Any]:
    """The versions in the registry whose files lie there."""
    return list(client.search_model_versions(f"source_path = '{place}'"))


def withdrawn(ledger: Ledger) -> set[str]:
    """Weights of models that somebody went into who has withdrawn."""
    rows = ledger.query(
        "SELECT value FROM events, json_each(record, '$.withdrawn') WHERE phase='end'"
    )
    return {row["value"] for row in rows}


def withdraw(client: MlflowClient, studies: list[str], weights: set[str], uri: str | None) -> None:
    """Delete the published models of these weights, their files and their versions."""
    for model in published(client, studies, weights) if studies else []:
        for version in versions_of(client, model.artifact_location):
            client.delete_model_version(version.name, version.version)
            left = client.search_model_versions(f"name = '{version.name}'")
            if not left and OWN in client.get_registered_model(version.name).tags:
                client.delete_registered_model(version.name)
        files = get_artifact_repository(model.artifact_location, tracking_uri=uri)
        for entry in files.list_artifacts():
            files.delete_artifacts(entry.path)
        client.delete_logged_model(model.model_id)
