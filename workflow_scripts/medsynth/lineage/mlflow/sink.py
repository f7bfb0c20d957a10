"""What MLflow sees: study = experiment, invocation = parent run, job attempt = child run.

Importing this imports mlflow, which takes seconds; only the collector does. Nothing sent holds a
patient's id: image stores and tables go by digest, and datasets are named by the file's role.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from medsynth.lineage.mlflow.settings import MLFLOW_STATUS  # before mlflow is imported

# isort: split
from mlflow import MlflowClient
from mlflow.entities import Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.mlflow.content import RunContent, milliseconds
from medsynth.lineage.mlflow.labels import NOTE, STUDY_TAGS, end_tags, run_name, start_tags
from medsynth.lineage.mlflow.measurements import run_params
from medsynth.lineage.mlflow.publishing import Publisher
from medsynth.lineage.mlflow.store import artifact_root, open_store
from medsynth.lineage.mlflow.summaries import Summaries
from medsynth.lineage.recording.records import InvocationItem, Item, JobItem

# Limits of mlflow 3 (mlflow/utils/validation.py).
PARAMS_A_BATCH, RUNS_A_PAGE = 100, 1000


def _invocation_of(item: Item, ledger: Ledger) -> InvocationItem | None:
    """The invocation that an item is or belongs to; None if that lost its record."""
    if item["kind"] == "invocation":
        return item
    if not item["invocation"] or not ledger.status(item["invocation"]):
        return None
    found = ledger.item(item["invocation"])
    return found if found["kind"] == "invocation" else None


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
        self._left: dict[str, str] = {}  # runs by item, and since when they were asked for
        self._asked_since: dict[str, int] = {}

    @cached_property
    def _client(self) -> MlflowClient:
        """Opened on first use, so that a store that is not there is one more failed delivery."""
        return open_store(self._results, self._tracking_uri)

    @cached_property
    def _content(self) -> RunContent:
        return RunContent(self._client, self._results, self._tracking_uri)

    @cached_property
    def _summaries(self) -> Summaries:
        return Summaries(self._client, self._content, self._results)

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
            if known:
                found = known.experiment_id
                if NOTE not in known.tags:  # of an older version, or somebody's own
                    for key, value in STUDY_TAGS.items():
                        self._client.set_experiment_tag(found, key, value)
            else:
                found = self._client.create_experiment(
                    study, artifact_location=self._artifacts, tags=STUDY_TAGS
                )
            self._experiments[study] = found
        return self._experiments[study]

    def deliver(self, item: Item, ledger: Ledger) -> tuple[str, str]:
        """Make or finish the run of one job or invocation; returns its run and experiment ids.

        A run that is made after its job has ended gets all at once: MLflow is asked as little as
        can be, because many short jobs at a time must not outrun it.
        """
        invocation = _invocation_of(item, ledger)
        parent = invocation if item["kind"] == "job" else None
        # A job that lost its invocation's record is still recorded, in the default study.
        experiment = self._experiment(invocation["start"]["study"] if invocation else "medsynth")
        if parent and not parent["run_id"]:
            raise RuntimeError("the run of its invocation could not be made yet")
        end = item["end"] or item["killed"]
        # A collector cut off after making the run left it there.
        run_id = item["run_id"] or self._left_behind(experiment, item)
        tags, params = end_tags(item) if end else {}, run_params(item["start"])
        if not run_id:
            more = tags | {"medsynth.events": json.dumps(item["events"])}
            run_id = self._create(experiment, item, parent, more)
            self._left[item["id"]] = run_id  # until all of it is there
            tags = {}
        # Again for a run that is known: the collector may have been cut off between.
        if not item["run_id"]:
            self._log(run_id, {}, params)
            if item["kind"] == "job":
                self._content.log_inputs(run_id, item["start"]["inputs"])
        if end:
            self._log(run_id, tags, {})
            if item["kind"] == "job" and item["end"]:
                for file in item["end"]["outputs"]:
                    self._content.log_output(run_id, item, file, ledger)
                self._content.log_usage(run_id, item)
                self._summaries.update(experiment, item, ledger)
        self._content.log_record(run_id, item["id"], ledger)
        if end:
            status = MLFLOW_STATUS[item["status"]]
            self._client.set_terminated(run_id, status, milliseconds(end))
            self._content.ended(run_id)
        self._left.pop(item["id"], None)
        return run_id, experiment

    def publish(self, ledger: Ledger) -> None:
        """Bring models there, if the last call of the workflow asks for that."""
        Publisher(self._client, self._results, self._tracking_uri).publish(ledger)

    def follow(self, item: JobItem, ledger: Ledger) -> None:
        """Send what the curves of a running job have gained."""
        self._content.follow(item, ledger)

    def _left_behind(self, experiment: str, item: Item) -> str | None:
        """The run of an item that is not known to have one, if there is one all the same.

        Asked once for many: a run begins at the very time its record says.
        """
        since = milliseconds(item["start"])
        if since < self._asked_since.get(experiment, since + 1):
            wanted = f"attributes.start_time >= {since}"
            runs = sorted(self._search([experiment], wanted), key=lambda run: run.info.run_id)
            known = ((run.data.tags.get("medsynth.id"), run.info.run_id) for run in runs[::-1])
            self._left |= {item: run_id for item, run_id in known if item}
            self._asked_since[experiment] = since
        return self._left.get(item["id"])

    def _create(
        self, experiment: str, item: Item, parent: InvocationItem | None, more: dict[str, str]
    ) -> str:
        try:
            run = self._client.create_run(
                experiment,
                start_time=milliseconds(item["start"]),
                tags=start_tags(item, parent) | more,
                run_name=run_name(item),
            )
        except Exception:
            self._asked_since.clear()  # a server may have made it, and its answer be lost
            raise
        run_id: str = run.info.run_id
        self._content.begun(run_id, run.info.artifact_uri)
        return run_id

    def _log(self, run_id: str, tags: dict[str, str], params: dict[str, str]) -> None:
        named = [Param(name, value) for name, value in params.items()]
        for at in range(0, len(named), PARAMS_A_BATCH):
            self._client.log_batch(run_id, params=named[at : at + PARAMS_A_BATCH])
        if tags:
            self._client.log_batch(run_id, tags=[RunTag(k, v) for k, v in tags.items()])
