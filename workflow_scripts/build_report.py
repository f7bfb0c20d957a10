"""Put counts, curves, images, metrics and lineage of all cohorts and experiments on one page.

Outputs: self-contained HTML `page`; for a paper, `methods` and `references`, and of every
experiment a model card (`card_texts`, `card_data`).
"""

import os
import platform
from importlib import metadata
from pathlib import Path

from medsynth.config.schema import Config
from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.lineage.mlflow.database import database_uri
from medsynth.lineage.recording.places import Places
from medsynth.report.downloads import file_of
from medsynth.report.page import write_page
from medsynth.report.paper.methods import methods_of
from medsynth.report.paper.model_cards import cards_of
from medsynth.report.study import CohortArtifacts, ExperimentArtifacts, gather
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json, write_text
from medsynth.store.digest_cache import DigestCache
from medsynth.store.layout import Layout
from medsynth.tasks.viewing.citations import parsed

PACKAGES = ("medsynth", "snakemake", "torch", "numpy", "scipy")


def versions():
    """Of what is installed of the packages that results rest on."""
    installed = {found.name: found.version for found in metadata.distributions()}
    found = {name: installed[name] for name in PACKAGES if name in installed}
    return {"python": platform.python_version(), **found}


def main(inputs, outputs, config, params):
    shards = {}
    for shard in map(Path, inputs.shards):
        shards.setdefault(shard.parents[1], []).append(shard)
    spectra, strips, judged = (
        {path.parent.name: path for path in map(Path, of)}
        for of in (inputs.spectra, inputs.strips, inputs.judged)
    )
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
            spectra.get(name),
            strips.get(name),
        )
        for (name, cohort), summary, manifest, gate in zip(
            config.cohorts.items(), inputs.summaries, inputs.manifests, inputs.gates, strict=True
        )
    ]
    made = {".h5": map(Path, inputs.images), ".parquet": map(Path, inputs.tables)}
    experiments = []
    for experiment, history, model, card, metrics, people in zip(
        params.experiments,
        inputs.histories,
        inputs.models,
        inputs.cards,
        inputs.metrics,
        inputs.people,
        strict=True,
    ):
        identity = {key: experiment[key] for key in ("name", "cohort", "family", "task")}
        images, table = (next(made[s]) if s in experiment["makes"] else None for s in made)
        paths = Path(history), Path(model), images, table, Path(card), Path(people), Path(metrics)
        also = judged.get(experiment["name"])
        experiments.append(ExperimentArtifacts(*identity.values(), *paths, also))
    # Neither the working folder nor an absolute way to the results is content.
    results = os.path.relpath(config.results_dir)
    config_dump = config.model_dump(mode="json") | {"results_dir": results}
    cache = DigestCache(params.cache)
    study = gather(cohorts, experiments)
    families, kinds = (
        {name: parsed(text, name) for name, text in params.references[of].items()}
        for of in ("families", "kinds")
    )
    said = {"config_dump": config_dump, "versions": versions(), "families": families}
    cards = cards_of(study, **said, cache=cache)
    methods, references = methods_of(study, **said, title=config.lineage.study, kinds=kinds)
    write_text(methods, outputs.methods)
    write_text(references, outputs.references)
    for card, text, data in zip(cards.values(), outputs.card_texts, outputs.card_data, strict=True):
        write_text(card.text, text)
        write_json(card.data, data)
    write_page(
        study,
        title=config.lineage.study,
        config_dump=config_dump,
        tracking_hint=config.lineage.tracking_uri or database_uri(Layout(results).mlflow),
        output=outputs.page,
        paper=[
            file_of("methods.md", "a methods section with its counts", methods, "text/markdown"),
            file_of("references.bib", "what it cites", references, "text/plain"),
            *(
                file_of(f"{name}.md", f"model card of {name}", card.text, "text/markdown")
                for name, card in cards.items()
            ),
        ],
        shown=Places(Path(os.path.abspath(results)), Path.cwd()).recorded,
        cache=cache,
    )


if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        config = Config.model_validate(params.config)
        main(snakemake.input, snakemake.output, config, params)
