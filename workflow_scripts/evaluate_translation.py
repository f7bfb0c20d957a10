"""Judge translated CT slices of the held-out patients against their paired target slices.

Output: JSON `metrics`, over both directions and for each, against the do-nothing baseline.
"""

import json
from pathlib import Path

import numpy as np

from medsynth.cohorts.ct.pairs import positions_of
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.translation.evaluation import evaluate_translation, measure_pairs
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import write_json
from medsynth.store.generated import Samples
from medsynth.store.manifests import in_split
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table

SPLIT = "test"


def main(inputs, output, params, experiment):
    card = json.loads(Path(inputs.card).read_text())
    store = ImageStore(in_split(read_table(inputs.manifest), SPLIT), Path(inputs.shards[0]).parent)
    translated = Samples(inputs.images, inputs.table)
    table = translated.table
    paired = np.flatnonzero(table["target_item"].notna())
    source = positions_of(table["source_item"].iloc[paired], store.manifest)
    target = positions_of(table["target_item"].iloc[paired], store.manifest)
    pairs = (
        (store.read([s])[0], translated.read([k])[0], store.read([t])[0])
        for s, k, t in zip(source, paired, target, strict=True)
    )
    measured = measure_pairs(pairs, tuple(card["hu_range"]))
    patients = store.manifest["patient"].to_numpy()[source]
    directions = table["label"].to_numpy()[paired]

    def judge(rows):
        return evaluate_translation(
            measured[rows],
            Evaluation(**params.cfg),
            seed=params.seed["seed"],
            patients=patients[rows],
        )

    result = {
        "experiment": experiment,
        **params.experiment,
        "split": SPLIT,
        "extractor": None,
        "n_real": len(paired),
        "n_generated": len(table),
        "metrics": judge(np.full(len(source), True)),
        "per_class": {name: judge(directions == name) for name in np.unique(table["label"])},
    }
    write_json(result, output)


if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        experiment = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output.metrics, snakemake.params, experiment)
