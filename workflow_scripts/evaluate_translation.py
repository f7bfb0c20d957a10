"""Judge translated CT slices of the held-out patients against their paired target slices.

Output: JSON `metrics`, over both directions and for each, against the do-nothing baseline.
"""

import json
from pathlib import Path

import numpy as np

from medsynth.cohorts.pairs import positions_of
from medsynth.metrics.translation import evaluate_translation
from medsynth.runtime.config.models import Evaluation
from medsynth.runtime.logs import configure_logging
from medsynth.store.atomic import write_json
from medsynth.store.manifests import in_split
from medsynth.store.samples import read_samples
from medsynth.store.shards import ImageStore
from medsynth.store.tables import read_table

SPLIT = "test"


def main(inputs, output, params, experiment):
    card = json.loads(Path(inputs.card).read_text())
    store = ImageStore(in_split(read_table(inputs.manifest), SPLIT), Path(inputs.shards[0]).parent)
    translated, table = read_samples(inputs.images, inputs.table)
    paired = table["target_item"].notna().to_numpy()
    source = positions_of(table["source_item"][paired], store.manifest)
    target = positions_of(table["target_item"][paired], store.manifest)
    images = store.read(range(len(store)))
    patients = store.manifest["patient"].to_numpy()[source]
    directions = table["label"].to_numpy()[paired]

    def judge(rows):
        return evaluate_translation(
            images[source[rows]],
            translated[paired][rows],
            images[target[rows]],
            tuple(card["hu_range"]),
            Evaluation(**params.cfg),
            seed=params.seed["seed"],
            patients=patients[rows],
        )

    result = {
        "experiment": experiment,
        **params.experiment,
        "split": SPLIT,
        "extractor": None,
        "n_real": int(paired.sum()),
        "n_generated": len(table),
        "metrics": judge(np.full(len(source), True)),
        "per_class": {name: judge(directions == name) for name in np.unique(table["label"])},
    }
    write_json(result, output)


if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        experiment = snakemake.wildcards.experiment
        main(snakemake.input, snakemake.output.metrics, snakemake.params, experiment)
