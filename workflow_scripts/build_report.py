"""Put counts, curves, images, metrics and lineage of all cohorts and experiments on one page.

Output: self-contained HTML `page`.
"""

import os
from pathlib import Path

from medsynth.config.whole import Config
from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.lineage.mlflow.database import database_uri
from medsynth.lineage.recording.places import Places
from medsynth.report.page import CohortFiles, ExperimentFiles, build_report
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache


def main(inputs, output, config, params):
    classifiers = {
        name: {"classifier_history": Path(history), "classifier_metrics": Path(metrics)}
        for name, history, metrics in zip(
            params.classified, inputs.classifier_histories, inputs.classifier_metrics, strict=True
        )
    }
    shards = {}
    for shard in map(Path, inputs.shards):
        shards.setdefault(shard.parents[1], []).append(shard)
    cohorts = [
        CohortFiles(
            Path(summary),
            Path(manifest),
            shards[Path(summary).parent],
            Path(gate),
            [fact for fact in map(Path, inputs.facts) if fact.parent == Path(summary).parent],
            **classifiers.get(name, {}),
            # Of CT slices the manifest tells, of radiographs nothing.
            pixel=PixelSize(cohort.tiles.mpp, "µm") if cohort.kind == "slides" else PIXELS,
        )
        for (name, cohort), summary, manifest, gate in zip(
            config.cohorts.items(), inputs.summaries, inputs.manifests, inputs.gates, strict=True
        )
    ]
    columns = (inputs.histories, inputs.models, inputs.images, inputs.tables, inputs.metrics)
    experiments = [ExperimentFiles(*map(Path, files)) for files in zip(*columns, strict=True)]
    # Neither the working folder nor an absolute way to the results is content.
    results = os.path.relpath(config.results_dir)
    build_report(
        cohorts,
        experiments,
        title=config.lineage.study,
        config_dump=config.model_dump(mode="json") | {"results_dir": results},
        tracking_hint=config.lineage.tracking_uri or database_uri(f"{results}/lineage/mlflow.db"),
        output=output,
        shown=Places(Path(os.path.abspath(results)), Path.cwd()).recorded,
        cache=DigestCache(params.cache),
    )


if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        params = snakemake.params
        config = Config.model_validate(params.config)
        main(snakemake.input, snakemake.output.page, config, params)
