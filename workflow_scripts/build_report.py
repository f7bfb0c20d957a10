"""Put counts, curves, images, metrics and lineage of all cohorts and experiments on one page.

Output: self-contained HTML `page`.
"""

import os
from pathlib import Path

from medsynth.config.whole import Config
from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.lineage.mlflow.database import database_uri
from medsynth.lineage.recording.places import Places
from medsynth.report.page import write_page
from medsynth.report.study import CohortArtifacts, ExperimentArtifacts, gather
from medsynth.runtime.job import job
from medsynth.store.digests import DigestCache


def main(inputs, output, config, params):
    shards = {}
    for shard in map(Path, inputs.shards):
        shards.setdefault(shard.parents[1], []).append(shard)
    cohorts = [
        CohortArtifacts(
            Path(summary),
            Path(manifest),
            shards[Path(summary).parent],
            Path(gate),
            [
                counts
                for counts in map(Path, inputs.counts)
                if counts.parent == Path(summary).parent
            ],
            cohort.words,
            PixelSize(um, "µm") if (um := cohort.pixel_um()) else PIXELS,
        )
        for cohort, summary, manifest, gate in zip(
            config.cohorts.values(), inputs.summaries, inputs.manifests, inputs.gates, strict=True
        )
    ]
    made = zip(inputs.images, inputs.tables, strict=True)
    experiments = []
    for experiment, history, model, metrics, people in zip(
        params.experiments,
        inputs.histories,
        inputs.models,
        inputs.metrics,
        inputs.people,
        strict=True,
    ):
        identity = {key: experiment[key] for key in ("name", "cohort", "family", "task")}
        images, table = map(Path, next(made)) if experiment["makes_images"] else (None, None)
        paths = Path(history), Path(model), images, table, Path(people), Path(metrics)
        experiments.append(ExperimentArtifacts(*identity.values(), *paths))
    # Neither the working folder nor an absolute way to the results is content.
    results = os.path.relpath(config.results_dir)
    study = gather(cohorts, experiments)
    write_page(
        study,
        title=config.lineage.study,
        config_dump=config.model_dump(mode="json") | {"results_dir": results},
        tracking_hint=config.lineage.tracking_uri or database_uri(f"{results}/lineage/mlflow.db"),
        output=output,
        shown=Places(Path(os.path.abspath(results)), Path.cwd()).recorded,
        cache=DigestCache(params.cache),
    )


if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        config = Config.model_validate(params.config)
        main(snakemake.input, snakemake.output.page, config, params)
