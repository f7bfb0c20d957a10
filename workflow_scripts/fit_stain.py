"""Fit the stain normalisation of a cohort to its training slides.

Output: JSON `stain`: method, target colours, split, number of slides and tiles.
"""

from pathlib import Path

from medsynth.cohorts.slides.normalise import fit_stain
from medsynth.cohorts.slides.settings import Stain
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params, inputs = snakemake.params, snakemake.input
        folder = Path(inputs.shards[0]).parent
        settings = Stain(**params.cfg)
        fit = fit_stain(read_table(inputs.manifest), folder, settings, params.seed["seed"])
        write_json(fit, snakemake.output.stain)
