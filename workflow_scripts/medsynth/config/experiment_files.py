"""Which experiments there are, those that others imply among them, and which files each needs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from medsynth.config.whole import Config
from medsynth.models.classifier.settings import ClassifierExperiment, classifier_name
from medsynth.models.settings import FamilyExperiment
from medsynth.store.layout import Layout


def task_of(experiment: FamilyExperiment) -> ModuleType:
    """What the experiment's task says of itself."""
    return import_module(f"medsynth.tasks.{experiment.task}")


class ExperimentFiles:
    """The experiments of a configuration as nodes of the workflow.

    Attributes:
        listed: experiments of the configuration, by name.
        classifiers: of the cohorts whose experiments need one as a judge, by cohort.
        experiments: both, by name; those that others rest on come first.
    """

    def __init__(self, config: Config, layout: Layout):
        self._config, self._layout = config, layout
        self.listed: dict[str, FamilyExperiment] = {e.name: e for e in config.experiments}
        judged = {e.cohort for e in config.experiments if task_of(e).JUDGED}
        self.classifiers = {
            cohort: ClassifierExperiment(
                name=classifier_name(cohort), cohort=cohort, train=config.classifier
            )
            for cohort in config.cohorts
            if cohort in judged
        }
        implied = {e.name: e for e in self.classifiers.values()}
        self.experiments: dict[str, FamilyExperiment] = implied | self.listed

    def makers(self, product: str) -> list[str]:
        """Names of the experiments whose product has this stem."""
        return [n for n, e in self.experiments.items() if task_of(e).PRODUCT == product]

    def shown(self) -> list[dict[str, Any]]:
        """What the page must know of every experiment."""
        return [
            {
                "name": e.name,
                "cohort": e.cohort,
                "family": e.family,
                "task": e.task,
                "makes_images": task_of(e).PRODUCT is not None,
            }
            for e in self.experiments.values()
        ]

    def views(self) -> list[str]:
        """Modules by which the page shows the experiments."""
        return sorted({f"medsynth.tasks.{e.task}.view" for e in self.experiments.values()})

    def cohort(self, name: str) -> str:
        """The cohort of an experiment."""
        return self.experiments[name].cohort

    def identity(self, name: str) -> dict[str, str]:
        """Experiment, cohort and family, as metrics state them."""
        experiment = self.experiments[name]
        return {"experiment": name, "cohort": experiment.cohort, "family": experiment.family}

    def settings(self, name: str, stage: str) -> dict[str, Any] | None:
        """The settings of a stage of an experiment; None if it has none."""
        group = getattr(self.experiments[name], stage, None)
        return group and group.model_dump(mode="json")

    def modules(self, name: str, family: str | None, task: str) -> list[str]:
        """Modules that a script imports by name: one of the family, if any, and one of the task."""
        experiment = self.experiments[name]
        own = [f"{experiment.folder}.{family}"] if family else []
        return [*own, f"medsynth.tasks.{experiment.task}.{task}"]

    def tables(self, name: str) -> dict[str, str]:
        """Tables of the cohort that the family reads beside the manifest."""
        experiment = self.experiments[name]
        folder = self._layout.cohort.format(cohort=experiment.cohort)
        return {table: f"{folder}/{table}.parquet" for table in experiment.needs}

    def made(self, name: str, suffix: str) -> str:
        """The file of this suffix that an experiment makes."""
        folder = self._layout.experiment.format(experiment=name)
        return f"{folder}/{task_of(self.experiments[name]).PRODUCT}{suffix}"

    def judged_with(self, name: str) -> list[str]:
        """Names of the experiment and of the classifier that judges it, if one does."""
        experiment = self.experiments[name]
        judged = task_of(experiment).JUDGED
        return [name, classifier_name(experiment.cohort)] if judged else [name]

    def evaluated(self, name: str) -> dict[str, str]:
        """What an evaluation reads beside the cohort: gate, model or judge, and what was made."""
        experiment, layout = self.experiments[name], self._layout
        *_, model = self.judged_with(name)
        files = {
            "weights": layout.weights.format(experiment=model),
            "card": layout.card.format(experiment=model),
        }
        if model != name:
            files["judge"] = layout.metrics.format(experiment=model)
        if task_of(experiment).PRODUCT is None:
            return files | {"gate": layout.split_gate.format(cohort=experiment.cohort)}
        return files | {
            "gate": layout.evaluation_gate.format(experiment=name),
            "images": self.made(name, ".h5"),
            "table": self.made(name, ".parquet"),
        }

    def evaluates_on_gpu(self, name: str) -> bool:
        """Whether the metrics need a network."""
        return bool(task_of(self.experiments[name]).GPU_EVALUATION)
