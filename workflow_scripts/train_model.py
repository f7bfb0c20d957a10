"""Train a model of any family on a cohort's training split.

Outputs: `weights` (safetensors), `card` (JSON), `history` (CSV: step, name, value), `people`
(Parquet: whom it was trained on, and who chose its step).
"""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from medsynth.cohorts.overlap import people_of_folds, training_overlap, training_patients
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.reuse import make_once
from medsynth.runtime.run import TrainingRun, run_on_device
from medsynth.runtime.usage.sampling import measured
from medsynth.store.atomic import publish
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import TEST, TRAIN, VALIDATE, in_split
from medsynth.store.models import beside, load_inputs, named_inputs, save_model
from medsynth.store.tables.parquet import read_table, write_table


def people_of_inputs(inputs, outputs, named):
    """Who had a part in its inputs; MedsynthError if that makes its figures worthless."""
    manifest, found = read_table(inputs.manifest), []
    for one in named.values():
        people = read_table(beside(outputs.people, one["experiment"]))
        found.append(people)
        trained_on = people[people["split"] == TRAIN]
        for split, theirs in ((TEST, people), (VALIDATE, trained_on)):
            seen = training_overlap(in_split(manifest, split), theirs, one["sha256"])
            if not seen["ok"]:
                raise MedsynthError(
                    f"{inputs.manifest}: {seen['patients_seen']} patients and"
                    f" {seen['images_seen']} images of the {split} split had a part in"
                    f" {one['experiment']}, an input of this experiment: its figures would be"
                    " worthless; take another input, or divide both cohorts alike, and train the"
                    " input again"
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
    settings, rests_on = training.SETTINGS(**params.cfg), {"inputs": named} if named else {}
    data = task.training_data(inputs, run.seed, settings.validation_images)
    data = replace(data, models=models)
    identity = (params.cfg, run.seed, task.data_digests(inputs), named, params.code)

    def make():
        trained = training.train(data, settings, TrainingRun(run.seed, run.device, work))
        save_model(trained.state, trained.card | rests_on, outputs.weights, outputs.card)
        digest = digest_file(outputs.weights)
        if data.folds:
            people = people_of_folds(data.folds, digest, below)
        else:
            seen = data.validation.manifest if data.validation else None
            people = training_patients(data.manifest, digest, below, seen)
        write_table(people, outputs.people)
        publish(trained.history, outputs.history)

    # Around it: a kill finds the checkpoint or the kept outputs, never neither.
    with work_folder(params.work, job.wildcards.experiment, *identity) as work:
        make_once(job, identity, make)


if __name__ == "__main__":
    with run_on_device(snakemake) as run, measured(run.device):
        main(snakemake, run)
