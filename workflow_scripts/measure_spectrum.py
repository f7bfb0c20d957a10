"""Measure at which noise level of its diffusion models what a cohort's images show drowns.

Outputs: JSON `spectrum`; PNG `strips`, test images at some noise levels and in parts.
"""

from pathlib import Path

from medsynth.imaging.grids import write_grid
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.generation.spectrum import COLUMNS, measure_spectrum

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        folder, seed = Path(inputs.shards[0]).parent, params.seed["seed"]
        manifest, schedules = read_table(inputs.manifest), params.cfg["schedules"]
        found = measure_spectrum(manifest, folder, schedules, seed)
        shown = {"shows": "real images", "seed": str(seed)}
        write_grid(found.pictures, found.rows, outputs.strips, shown, columns=COLUMNS)
        write_json({"cohort": snakemake.wildcards.cohort} | found.figures, outputs.spectrum)
