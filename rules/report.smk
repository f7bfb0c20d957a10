"""The page that shows what came out."""


rule build_report:
    input:
        summaries=expand(rules.assemble_cohort.output.summary, cohort=COHORTS),
        manifests=expand(rules.assemble_cohort.output.manifest, cohort=COHORTS),
        gates=expand(rules.check_leakage.output.gate, cohort=COHORTS),
        shards=[shard for name in COHORTS for shard in image_shards(name)],
        facts=cohort_facts,
        classifier_histories=expand(rules.train_classifier.output.history, cohort=CLASSIFIED),
        classifier_metrics=expand(rules.train_classifier.output.metrics, cohort=CLASSIFIED),
        models=expand(f"{EXPERIMENT}/model.safetensors", experiment=EXPERIMENTS),
        histories=expand(f"{EXPERIMENT}/history.csv", experiment=EXPERIMENTS),
        images=images_of_experiments,
        tables=lambda wildcards: [
            str(Path(path).with_suffix(".parquet")) for path in images_of_experiments(wildcards)
        ],
        metrics=expand(f"{EXPERIMENT}/metrics.json", experiment=EXPERIMENTS),
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
        classified=CLASSIFIED,
        cache=DIGESTS,
        code=code_of("build_report"),
    script:
        "../workflow_scripts/build_report.py"
