"""Write an experiment's generated images as single files that carry their provenance.

Output: folder `images` of DICOM or PNG files, as the kind of the cohort has it.
"""

from pathlib import Path

from medsynth.report.singles import write_singles
from medsynth.runtime.job import job
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        samples = Samples(inputs.images, inputs.table)
        first = samples.first_of_each(params.cfg["per_class"])
        write_singles(
            samples.read(first),
            samples.table.iloc[first],
            params.cfg["form"],
            Path(snakemake.output.images),
            samples_sha256=digest_file(inputs.images),
        )
