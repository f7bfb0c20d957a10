"""Which experiments there are, those that others imply among them, and which files each needs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from medsynth.config.experiment_inputs import classifiers, in_order
from medsynth.config.references import references_of
from medsynth.config.schema import Config
from medsynth.models.classifier.settings import classifier_name
from medsynth.models.ddpm.training_settings import Diffusion
from medsynth.models.settings import FamilyExperiment
from medsynth.runtime.settings import ImageForm
from medsynth.store.layout import Layout

# What a product consists of, by its form.
SUFFIXES: dict[str | None, tuple[str, ...]] = {
    "images": (".h5", ".parquet", ".png"),
    "table": (".parquet",),
    None: (),
}


def task_of(experiment: FamilyExperiment) -> ModuleType:
    """What the experiment's task says of itself."""
    return import_module(f"medsynth.tasks.{experiment.task}.wiring")


class ExperimentFiles:
    """The experiments of a configuration as nodes of the workflow.

    Attributes:
        listed: experiments of the configuration, by name.
        classifiers: that judge experiments, or that some name as an input, by cohort.
        experiments: both, by name; those that others rest on come first.
    """

    def __init__(self, config: Config, layout: Layout):
        self._config, self._layout = config, layout
        self.listed: dict[str, FamilyExperiment] = {e.name: e for e in config.experiments}
        wanted = {classifier_name(e.cohort) for e in config.experiments if task_of(e).JUDGED}
        wanted |= {name for e in config.experiments for name in e.named_inputs().values()}
        possible = classifiers(config.cohorts, config.classifier)
        implied = {name: e for name, e in possible.items() if name in wanted}
        self.classifiers = {e.cohort: e for e in implied.values()}
        every: dict[str, FamilyExperiment] = implied | self.listed
        self.experiments = {name: every[name] for name in in_order(every)}

    def makers(self, product: str) -> list[str]:
        """Names of the experiments whose product has this stem."""
        return [n for n, e in self.experiments.items() if task_of(e).PRODUCT == product]

    @property
    def productive(self) -> list[str]:
        """Names of those of the configuration that make something; classifiers do not."""
        return [n for n, e in self.listed.items() if task_of(e).FORM is not None]

    @property
    def illustrated(self) -> list[str]:
        """Names of those of the configuration that make images."""
        return [n for n, e in self.listed.items() if task_of(e).FORM == "images"]

    def shown(self) -> list[dict[str, Any]]:
        """What the page must know of every experiment."""
        return [
            {
                "name": e.name,
                "cohort": e.cohort,
                "family": e.family,
                "task": e.task,
                "makes": list(SUFFIXES[task_of(e).FORM]),
            }
            for e in self.experiments.values()
        ]

    def views(self) -> list[str]:
        """Modules by which the page shows the experiments."""
        return sorted({f"medsynth.tasks.{e.task}.view" for e in self.experiments.values()})

    def cohort(self, name: str) -> str:
        """The cohort of an experiment."""
        return self.experiments[name].cohort

    @property
    def cohorts(self) -> set[str]:
        """Names of the cohorts that something is trained on."""
        return {experiment.cohort for experiment in self.experiments.values()}

    def schedules(self, cohort: str) -> list[dict[str, Any]]:
        """The noise schedules by which a cohort's images are noised, each once, and whose it is."""
        found: list[dict[str, Any]] = []
        for name, experiment in self.experiments.items():
            train = getattr(experiment, "train", None)
            if experiment.cohort != cohort or not isinstance(train, Diffusion):
                continue
            if getattr(train, "image_size", None):
                continue  # it sees the cohort's images made smaller, whose frequencies are others
            schedule = train.schedule()
            same = [one for one in found if one["train"] == schedule]
            if same:
                same[0]["experiments"].append(name)
            else:
                found.append({"experiments": [name], "train": schedule})
        return found

    @property
    def noised(self) -> list[str]:
        """Names of the cohorts that have a diffusion model."""
        return [name for name in self._config.cohorts if self.schedules(name)]

    def identity(self, name: str) -> dict[str, str]:
        """Experiment, cohort and family, as metrics state them."""
        experiment = self.experiments[name]
        return {"experiment": name, "cohort": experiment.cohort, "family": experiment.family}

    def settings(self, name: str, stage: str) -> dict[str, Any] | None:
        """The settings of a stage of an experiment; None if it has none."""
        group = getattr(self.experiments[name], stage, None)
        return group and group.model_dump(mode="json")

    def image_form(self, name: str) -> dict[str, Any]:
        """What the images of an experiment's cohort are like."""
        form: ImageForm = self._config.cohorts[self.cohort(name)].image_form()
        return form._asdict()

    def modules(self, name: str, family: str | None, task: str) -> list[str]:
        """Modules that a script imports by name: one of the family, if any, and one of the task."""
        experiment = self.experiments[name]
        own = [f"{experiment.folder}.{family}"] if family else []
        return [*own, f"medsynth.tasks.{experiment.task}.{task}"]

    def tables(self, name: str) -> dict[str, str]:
        """Tables of the cohort that the family reads beside the manifest; with texts, what reads
        them."""
        experiment = self.experiments[name]
        folder = self._layout.cohort.format(cohort=experiment.cohort)
        tables = {table: f"{folder}/{table}.parquet" for table in experiment.needs}
        if "texts" in tables:
            tables["tokenizer"] = self._layout.tokenizer.format(cohort=experiment.cohort)
        return tables

    def conditioned(self, name: str) -> dict[str, str]:
        """The manifest of whose covariates some are drawn, if images are conditioned on any, and
        the texts of held-out patients, if on texts."""
        experiment, layout = self.experiments[name], self._layout
        texts = {"texts": layout.texts} if "texts" in experiment.needs else {}
        manifest = {"manifest": layout.manifest} if experiment.conditions() or texts else {}
        return {
            kind: path.format(cohort=experiment.cohort) for kind, path in (manifest | texts).items()
        }

    def inputs(self, name: str) -> dict[str, str]:
        """The experiments that it rests on, by role."""
        return self.experiments[name].named_inputs()

    def inputs_of_all(self, name: str) -> list[str]:
        """Names of all that it rests on, directly or by others."""
        below = [[one, *self.inputs_of_all(one)] for one in self.inputs(name).values()]
        return list(dict.fromkeys(sum(below, [])))

    def input_files(self, name: str) -> list[str]:
        """The models that it rests on, and whom they were trained on."""
        layout = self._layout
        return [
            file.format(experiment=one)
            for one in self.inputs_of_all(name)
            for file in (layout.weights, layout.card, layout.people)
        ]

    def code(self, name: str, family: str | None, task: str) -> list[str]:
        """Modules whose code a result rests on: those of the script, and, where a model is at work,
        those by which its inputs are used."""
        inputs = [self.experiments[one] for one in self.inputs_of_all(name)] if family else []
        used = sorted({f"{e.folder}.{e.inference}" for e in inputs})
        return [*self.modules(name, family, task), *used]

    def made(self, name: str, suffix: str) -> str:
        """The file of this suffix that an experiment makes."""
        folder = self._layout.experiment.format(experiment=name)
        return f"{folder}/{task_of(self.experiments[name]).PRODUCT}{suffix}"

    def all_made(self, suffix: str) -> list[str]:
        """The files of this suffix of all experiments that make one, in their order."""
        return [
            self.made(name, suffix)
            for name, experiment in self.experiments.items()
            if suffix in SUFFIXES[task_of(experiment).FORM]
        ]

    def references(self) -> dict[str, str]:
        """BibTeX of what each family implements."""
        return {e.family: references_of(e.folder) for e in self.experiments.values()}

    def judged_with(self, name: str) -> list[str]:
        """Names of the experiment and of the classifier that judges it, if one does."""
        experiment = self.experiments[name]
        judged = task_of(experiment).JUDGED
        return [name, classifier_name(experiment.cohort)] if judged else [name]

    def evaluated(self, name: str) -> dict[str, str | list[str]]:
        """What an evaluation reads beside the cohort: model or judge, and what was made.

        Images are judged by the images of the cohort, rows by the tables of it that the family
        reads.
        """
        experiment, layout = self.experiments[name], self._layout
        *_, model = self.judged_with(name)
        files: dict[str, str | list[str]] = {
            "weights": layout.weights.format(experiment=model),
            "card": layout.card.format(experiment=model),
        }
        if model != name:
            files["judge"] = layout.metrics.format(experiment=model)
        if experiment.restores:
            files["model"] = layout.weights.format(experiment=name)
            files["model_card"] = layout.card.format(experiment=name)
            files["inputs"] = self.input_files(name)
        form = task_of(experiment).FORM
        if form is None:
            return files
        files["table"] = self.made(name, ".parquet")
        if form == "images":
            return files | {"images": self.made(name, ".h5")}
        return files | self.tables(name)

    def restoration(self, name: str) -> dict[str, Any]:
        """What an evaluation is told beside its settings: how the family restores real images."""
        if not self.experiments[name].restores:
            return {}
        module, _ = self.modules(name, "restoration", "evaluation")
        return {"restoration": {"module": module, "settings": self.settings(name, "sample")}}

    def evaluation_code(self, name: str) -> list[str]:
        """Modules whose code an evaluation rests on."""
        part = "restoration" if self.experiments[name].restores else None
        return self.code(name, part, "evaluation")

    def evaluation_gate(self, name: str) -> str:
        """What must have passed before an evaluation."""
        experiment, layout = self.experiments[name], self._layout
        if task_of(experiment).FORM is None:
            return layout.split_gate.format(cohort=experiment.cohort)
        return layout.evaluation_gate.format(experiment=name)

    def evaluation(self, name: str) -> dict[str, Any]:
        """The settings of an evaluation, with the subgroups of the experiment's cohort."""
        return self._config.evaluation.of_cohort(self.cohort(name)).model_dump(mode="json")

    def evaluates_on_gpu(self, name: str) -> bool:
        """Whether the metrics need a network."""
        return bool(task_of(self.experiments[name]).GPU_EVALUATION)
