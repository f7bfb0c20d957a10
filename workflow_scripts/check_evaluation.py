"""Gate: neither the model nor the classifier that judges has seen the metric's real patients.

Whom they were trained on, and whose images chose the step that was kept, is what the trainings
wrote down, not what the manifest says today. Where a model is one for each fold, nobody may be
predicted by the one that was trained on him.

Output: JSON `gate`, which evaluation requires.
"""

from medsynth.cohorts.overlap import judged_rows, overlap_of
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.tables.parquet import read_table


def check(inputs):
    """{weights file: what the gate found}; MedsynthError if a metric would be worthless."""
    made = read_table(inputs.table)
    judged = judged_rows(read_table(inputs.manifest), made)
    digests = {path: digest_file(path) for path in inputs.weights}
    made_by = set(made["model_sha256"])
    if made_by != {digests[inputs.weights[0]]}:
        raise MedsynthError(
            f"{inputs.table}: these are not of the model {inputs.weights[0]};"
            " delete them and run again"
        )
    found = {}
    for path, people in zip(inputs.weights, inputs.people, strict=True):
        found[path] = overlap_of(judged, read_table(people), digests[path])
        if not found[path]["list_of_these_weights"]:
            raise MedsynthError(
                f"{people} is not the list of whom {path} rests on; delete both and train again"
            )
        if not found[path]["ok"]:
            raise MedsynthError(
                f"{inputs.manifest}: {found[path]['patients_seen']} patients and"
                f" {found[path]['images_seen']} images that it is judged by had a part in the"
                f" training of {path}: its metrics would be worthless; the division was changed"
                " after the training, so delete the model and train again"
            )
    return found


if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        write_json(check(snakemake.input), snakemake.output.gate)
