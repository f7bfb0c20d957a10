"""Train classifiers on real and on synthetic images, and judge them on real test patients.

Output: JSON `judged`: balanced accuracy, recall of every class, and what synthetic images gain.
"""

from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.run import run_on_device
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.tasks.generation.synthetic_training import train_on_synthetic

if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        inputs, params = snakemake.input, snakemake.params
        cfg, name = params.cfg, snakemake.wildcards.experiment
        settings = ClassifierTraining(**cfg["classifier"])
        read = [digest_file(inputs.manifest), digest_file(inputs.images)]
        with work_folder(params.work, name, cfg, run.seed, read, params.code) as work:
            judged = train_on_synthetic(inputs, settings, cfg["seeds"], cfg["bootstrap"], run, work)
            write_json(params.identity | judged, snakemake.output.judged)
