"""A results folder with tiny trained models whose jobs are played, and what MLflow makes of it."""

from __future__ import annotations

import itertools
import json
import uuid
from pathlib import Path
from typing import Any

from lineage_records import whole
from PIL import Image
from tiny_results import make_results

from medsynth.lineage.collector import collect
from medsynth.lineage.mlflow.store import open_store
from medsynth.lineage.recording import spool
from medsynth.store.digests import digest_path
from medsynth.store.layout import Layout

LAYOUT = Layout("results")
NAME = "cxr_ddpm"


def of(pattern: str, name: str = NAME) -> str:
    return pattern.format(experiment=name, cohort="cxr")


class PlayedStudy:
    """Jobs of an experiment and of the classifier that judges it, as capture records them."""

    def __init__(self, folder: Path, **lineage: Any):
        self.folder, self.results = folder, folder / "results"
        self._clock = itertools.count(1_700_000_000)
        make_results(self.results)
        self.call(**lineage)
        shard = of(f"{LAYOUT.cohort}/shards/0.h5")
        self.job("assemble_cohort", [], [of(LAYOUT.manifest), shard], cohort="cxr")
        for name in ("cxr_classifier", NAME):
            made = [of(LAYOUT.weights, name), of(LAYOUT.card, name)]
            cfg = {"steps": 20, "unet": {"channels": 8}}
            self.job("train_model", [of(LAYOUT.manifest), shard], made, name, cfg=cfg)
        made = [of(f"{LAYOUT.experiment}/samples.{form}") for form in ("h5", "parquet", "png")]
        self.job("sample_model", [of(LAYOUT.weights)], made, NAME, cfg={"guidance": 0.5})
        self.evaluate("cxr_classifier", {"accuracy": {"value": 0.5, "chance": 0.25}})

    def call(self, **lineage: Any) -> None:
        """A call of the workflow, which all further jobs belong to."""
        self.invocation = uuid.uuid4().hex
        same = {"kind": "invocation", "id": self.invocation}
        config = {"lineage": {"study": "played", **lineage}}
        start = {"phase": "start", "time": next(self._clock), "study": "played", "config": config}
        start |= {"workdir": str(self.folder), "results": str(self.results)}
        spool.write(self.results, whole(same | start))
        spool.write(self.results, whole(same | {"phase": "end", "time": next(self._clock)}))

    def evaluate(self, name: str, metrics: dict[str, Any], *, note: str = "") -> None:
        """New figures, and, with a note, a model card that tells of them."""
        path = of(LAYOUT.metrics, name)
        written = {"cohort": "cxr", "family": "ddpm", "n_real": 4, "metrics": metrics}
        (self.folder / path).write_text(json.dumps(written))
        self.job("evaluate_model", [of(LAYOUT.weights, name)], [path], name)
        if note:
            (self.folder / of(LAYOUT.model_card, name)).write_text(note)
            self.job("build_report", [path], [of(LAYOUT.model_card, name)])

    def sample_anew(self) -> None:
        made = [of(f"{LAYOUT.experiment}/samples.{form}") for form in ("h5", "parquet", "png")]
        Image.new("L", (4, 4)).save(self.folder / made[-1])
        self.job("sample_model", [of(LAYOUT.weights)], made, NAME, cfg={"guidance": 2.0})

    def show_patients(self) -> str:
        """A picture of real images beside the generated ones."""
        picture, shard = of(f"{LAYOUT.experiment}/beside.png"), of(f"{LAYOUT.cohort}/shards/0.h5")
        Image.new("L", (4, 5)).save(self.folder / picture)
        self.job("show", [shard, of(LAYOUT.weights)], [picture], NAME)
        return picture

    def job(
        self,
        rule: str,
        inputs: list[str],
        outputs: list[str],
        experiment: str | None = None,
        cohort: str | None = None,
        **params: Any,
    ) -> None:
        wildcards = {"experiment": experiment, "cohort": cohort}
        same = {"kind": "job", "id": uuid.uuid4().hex, "invocation": self.invocation}
        start = {"phase": "start", "time": next(self._clock), "rule": rule, "seed": 1}
        start |= {"wildcards": {k: v for k, v in wildcards.items() if v}, "params": params}
        spool.write(self.results, whole(same | start | {"inputs": self._files(inputs)}))
        end = {"phase": "end", "time": next(self._clock), "outputs": self._files(outputs)}
        spool.write(self.results, whole(same | end))

    def _files(self, paths: list[str]) -> list[dict[str, Any]]:
        found = [(path, *digest_path(self.folder / path)) for path in paths]
        return [{"name": None, "path": p, "sha256": s, "bytes": n} for p, s, n in found]

    def collect(self) -> None:
        assert collect(self.results) == 0

    @property
    def client(self):
        return open_store(self.results)

    def shown(self, more: str = "") -> list:
        """Summary runs, latest first."""
        client = self.client
        study = client.get_experiment_by_name("played").experiment_id
        return client.search_runs([study], f"tags.`medsynth.kind` = 'summary'{more}")

    def row(self, name: str = NAME) -> Any:
        """The one current row of an experiment."""
        (run,) = [
            run
            for run in self.shown(" AND tags.`medsynth.current` = 'true'")
            if run.data.tags["medsynth.experiment"] == name
        ]
        return run

    def files(self, run: Any) -> set[str]:
        return {entry.path for entry in self.client.list_artifacts(run.info.run_id)}
