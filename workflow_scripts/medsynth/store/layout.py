"""Where everything lies below the results folder: every path of it, in one place.

Names in braces are Snakemake's wildcards.
"""

from __future__ import annotations

from pathlib import Path


def volumes_beside(images: Path) -> Path:
    """The folder of the NIfTI volumes of one shard."""
    return images.with_suffix(".volumes")


class Layout:
    """The paths of one results folder.

    Args:
        results: the folder, as the configuration writes it; paths begin with it as it is written.

    Attributes:
        cohort, experiment: folders of one of them.
        manifest: of a cohort, its assembled items.
        quarantine, calls_quarantine: of a cohort, the files that cannot be used; what cannot be of
            its genotype tables.
        cohort_gate: the counts by which a cohort is fit to be trained on.
        reports: of a cohort, the sections of its studies' reports.
        texts, tokenizer: of a cohort, the cleaned text of every item, and what was learned of them.
        calls, labels: counts of its genotypes, and the labels that they give.
        spectrum, spectrum_strips: at which noise level of its diffusion models what its images show
            drowns, and test images at some of these levels.
        split_gate, evaluation_gate: what the gates found of a cohort, of an experiment.
        weights, card, history, people: of a trained model; people, whom it rests on.
        metrics: of an experiment.
        synthetic_training: of an experiment, what classifiers learn of its images.
        index: every raw file of a cohort.
        patients: what tables say of its patients.
        shard_images, shard_table, shard_volumes: what reading made of one shard of a cohort.
        normalised_images, normalised_table: the same after stain normalisation.
        receipts: what a download brought.
        logs, benchmarks, work: of jobs; `work` outlives a killed job.
        digests: the cache of file digests.
        kept: copies of what trainings and samplings made, for when the same is asked again.
        page: the report.
        model_card, model_card_data: of an experiment, for people and for programs.
        methods, references: a text for a paper and what it cites.
    """

    def __init__(self, results: Path | str) -> None:
        self.results = Path(results).as_posix()
        self.demo = f"{self.results}/demo"
        self.cohort = f"{self.results}/cohorts/{{cohort}}"
        self.experiment = f"{self.results}/experiments/{{experiment}}"
        self.manifest = f"{self.cohort}/manifest.parquet"
        self.quarantine = f"{self.cohort}/quarantine.parquet"
        self.calls_quarantine = f"{self.cohort}/calls_quarantine.parquet"
        self.cohort_gate = f"{self.cohort}/fitness.json"
        self.calls = f"{self.cohort}/calls.json"
        self.labels = f"{self.cohort}/labels.parquet"
        self.reports = f"{self.cohort}/reports.parquet"
        self.texts = f"{self.cohort}/texts.parquet"
        self.tokenizer = f"{self.cohort}/tokenizer.json"
        self.spectrum = f"{self.cohort}/spectrum.json"
        self.spectrum_strips = f"{self.cohort}/spectrum.png"
        self.split_gate = f"{self.cohort}/leakage.json"
        self.evaluation_gate = f"{self.experiment}/leakage.json"
        self.weights = f"{self.experiment}/model.safetensors"
        self.card = f"{self.experiment}/model.json"
        self.history = f"{self.experiment}/history.csv"
        self.people = f"{self.experiment}/people.parquet"
        self.metrics = f"{self.experiment}/metrics.json"
        self.synthetic_training = f"{self.experiment}/synthetic_training.json"
        self.logs = f"{self.results}/logs"
        self.benchmarks = f"{self.results}/benchmarks"
        self.work = f"{self.results}/work"
        self.digests = f"{self.results}/lineage/digests.db"
        self.mlflow = f"{self.results}/lineage/mlflow.db"
        self.receipts = f"{self.results}/fetch/{{download}}.parquet"
        self.index = f"{self.cohort}/index.parquet"
        self.patients = f"{self.cohort}/patients.parquet"
        self.shard_images = f"{self.cohort}/shards/{{shard}}.h5"
        self.shard_table = f"{self.cohort}/shards/{{shard}}.parquet"
        self.shard_volumes = volumes_beside(Path(self.shard_images)).as_posix()
        self.normalised_images = f"{self.cohort}/normalised/{{shard}}.h5"
        self.normalised_table = f"{self.cohort}/normalised/{{shard}}.parquet"
        self.kept = f"{self.results}/kept"
        self.page = f"{self.results}/report/index.html"
        self.model_card = f"{self.experiment}/model_card.md"
        self.model_card_data = f"{self.experiment}/model_card.json"
        self.methods = f"{self.results}/report/methods.md"
        self.references = f"{self.results}/report/references.bib"
