"""Train a model of any family on a cohort's training split.

Outputs: `weights` (safetensors), `card` (JSON), `history` (CSV: step, name, value), `people`
(Parquet: whom it was trained on).
"""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from medsynth.cohorts.overlap import training_overlap, training_patients
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.reuse import make_once
from medsynth.runtime.run import TrainingRun, run_on_device
from medsynth.store.atomic import publish
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import TEST, in_split
from medsynth.store.models import beside, load_inputs, named_inputs, save_model
from medsynth.store.tables.parquet import read_table, write_table


def people_of_inputs(inputs, outputs, named):
    """Whom its inputs were trained on; MedsynthError if some are held out."""
    held_out, found = in_split(read_table(inputs.manifest), TEST), []
    for one in named.values():
        found.append(read_table(beside(outputs.people, one["experiment"])))
        seen = training_overlap(held_out, found[-1], one["sha256"])
        if not seen["ok"]:
            raise MedsynthError(
                f"{inputs.manifest}: {seen['patients_seen']} patients and {seen['images_seen']}"
                f" images of the {TEST} split were trained on by {one['experiment']}, an input of"
                " this experiment: its metrics would be worthless; take another input, or divide"
                " both cohorts alike, and train the input again"
            )
    return found


def require_fitness(gate):
    """Who asks for a model alone does not ask for the gate, which an earlier call may have failed.

    It is no input: when it passes again, nothing must be trained anew.
    """
    if not Path(gate).exists():
        raise MedsynthError(
            f"{gate} is not there: the cohort is not shown to be fit to be trained on;"
            f" `snakemake {gate}` says what is wrong"
        )


def main(job, run):
    inputs, outputs, params = job.input, job.output, job.params
    require_fitness(params.fitness)
    training, task = map(import_module, params.modules)
    named = named_inputs(outputs.weights, params.inputs)
    models = load_inputs(outputs.weights, outputs.card, named)
    below = people_of_inputs(inputs, outputs, named)
    data = replace(task.training_data(inputs), models=models)
    settings, rests_on = training.SETTINGS(**params.cfg), {"inputs": named} if named else {}
    identity = (params.cfg, run.seed, task.data_digests(inputs), named, params.code)

    def make():
        with work_folder(params.work, job.wildcards.experiment, *identity) as work:
            trained = training.train(data, settings, TrainingRun(run.seed, run.device, work))
            save_model(trained.state, trained.card | rests_on, outputs.weights, outputs.card)
            people = training_patients(data.manifest, digest_file(outputs.weights), below)
            write_table(people, outputs.people)
            publish(trained.history, outputs.history)

    make_once(job, identity, make)


if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        main(snakemake, run)
