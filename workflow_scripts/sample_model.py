"""Let a trained model make images, as its task writes them.

Outputs: HDF5 `images`, Parquet `table`, PNG `grid` that carries its provenance.
"""

from importlib import import_module

from medsynth.runtime.run import run_on_device
from medsynth.runtime.settings import ImageForm

if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        sampling, product = map(import_module, snakemake.params.modules)
        cfg, form = snakemake.params.cfg, ImageForm(**snakemake.params.form)
        product.write_product(sampling, snakemake.input, snakemake.output, cfg, form, run)
