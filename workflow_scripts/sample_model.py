"""Let a trained model make images, texts or predictions, as its task writes them.

Outputs: Parquet `table`; of images also HDF5 `images` and PNG `grid` that carries its provenance.
"""

from contextlib import closing
from importlib import import_module

from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.reuse import make_once
from medsynth.runtime.run import run_on_device
from medsynth.runtime.settings import ImageForm
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path


def main(job, run):
    cfg, form = job.params.cfg, ImageForm(**job.params.form)
    sampling, product = map(import_module, job.params.modules)
    with closing(DigestCache(job.params.cache)) as cache:
        read = [digest_path(path, cache)[0] for path in job.input]
    identity = (cfg, form, run.seed, read, job.params.code)

    def make():
        product.write_product(sampling, job.input, job.output, cfg, form, run, work)

    # Around it: a kill finds the batches or the kept outputs, never neither.
    with work_folder(job.params.work, job.wildcards.experiment, *identity) as work:
        make_once(job, identity, make)


if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        main(snakemake, run)
