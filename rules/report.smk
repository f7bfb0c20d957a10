"""The page that shows what came out."""

# Those that others rest on come first.
SHOWN = [
    {
        "name": f"{name}_classifier",
        "cohort": name,
        "family": "classifier",
        "task": "classification",
        "makes_images": False,
    }
    for name in CLASSIFIED
] + [
    {
        "name": e.name,
        "cohort": e.cohort,
        "family": e.family,
        "task": e.task,
        "makes_images": True,
    }
    for e in CONFIG.experiments
]
VIEWS = sorted({f"medsynth.tasks.{e['task']}.view" for e in SHOWN})


def files_of_shown(file):
    """This file of every experiment on the page."""
    folders = [
        (CLASSIFIER if e["task"] == "classification" else EXPERIMENT).format(
            cohort=e["cohort"], experiment=e["name"]
        )
        for e in SHOWN
    ]
    return [f"{folder}/{file}" for folder in folders]


rule build_report:
    input:
        summaries=expand(rules.assemble_cohort.output.summary, cohort=COHORTS),
        manifests=expand(rules.assemble_cohort.output.manifest, cohort=COHORTS),
        gates=expand(rules.check_leakage.output.gate, cohort=COHORTS),
        shards=[shard for name in COHORTS for shard in image_shards(name)],
        counts=cohort_counts,
        models=files_of_shown("model.safetensors"),
        histories=files_of_shown("history.csv"),
        images=images_of_experiments,
        tables=lambda wildcards: [
            str(Path(path).with_suffix(".parquet")) for path in images_of_experiments(wildcards)
        ],
        metrics=files_of_shown("metrics.json"),
    output:
        page=LAYOUT.page,
    log:
        f"{LOGS}/build_report.log",
    benchmark:
        f"{BENCHMARKS}/build_report.tsv"
    conda:
        ENVIRONMENT
    params:
        config=CONFIG.model_dump(mode="json"),
        experiments=SHOWN,
        cache=DIGESTS,
        code=code_of("build_report", *VIEWS),
    script:
        "../workflow_scripts/build_report.py"
