"""Train a model of any family on a cohort's training split.

Outputs: `weights` (safetensors), `card` (JSON), `history` (CSV: step, name, value), `people`
(Parquet: whom it was trained on).
"""

from dataclasses import replace
from importlib import import_module

from medsynth.cohorts.trained import trained_on
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.run import run_on_device
from medsynth.store.atomic import publish
from medsynth.store.digests import digest_file
from medsynth.store.models import save_model
from medsynth.store.tables.parquet import write_table


def main(inputs, outputs, params, name, run):
    training, task = map(import_module, params.modules)
    data, settings = task.training_data(inputs), training.SETTINGS(**params.cfg)
    identity = (params.cfg, run.seed, task.data_digests(inputs), params.code)
    with work_folder(params.work, name, *identity) as work:
        trained = training.train(data, settings, replace(run, work=work))
        save_model(trained.state, trained.card, outputs.weights, outputs.card)
        people = trained_on(data.manifest, digest_file(outputs.weights))
        write_table(people, outputs.people)
        publish(trained.history, outputs.history)


if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        name = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output, snakemake.params, name, run)
