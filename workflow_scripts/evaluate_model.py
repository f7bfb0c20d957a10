"""Judge a model on held-out patients, as its task does.

Output: JSON `metrics`.
"""

from importlib import import_module

from medsynth.runtime.run import run_on_device
from medsynth.store.atomic import write_json

if __name__ == "__main__":
    with run_on_device(snakemake) as run:
        params = snakemake.params
        (evaluation,) = map(import_module, params.modules)
        how = params.cfg, params.identity, run
        found = evaluation.evaluate(snakemake.input, *how, **params.family)
        write_json(found, snakemake.output.metrics)
