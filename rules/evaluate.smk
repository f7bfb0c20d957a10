"""Metrics against the held-out patients, whom no model involved has seen."""


rule check_evaluation:
    input:
        splits_gate=of_cohort(rules.check_leakage.output.gate),
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        weights=models_of_evaluation("model.safetensors"),
        people=models_of_evaluation("people.parquet"),
        table=generated_table,
    output:
        gate=f"{EXPERIMENT}/leakage.json",
    log:
        f"{LOGS}/check_evaluation/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/check_evaluation/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(EXPERIMENTS),
    conda:
        ENVIRONMENT
    params:
        code=code_of("check_evaluation"),
    script:
        "../workflow_scripts/check_evaluation.py"


rule evaluate_generation:
    input:
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        gate=rules.check_evaluation.output.gate,
        shards=shards_of_experiment,
        weights=of_cohort(rules.train_classifier.output.weights),
        card=of_cohort(rules.train_classifier.output.card),
        judge=of_cohort(rules.train_classifier.output.metrics),
        images=f"{EXPERIMENT}/samples.h5",
        table=f"{EXPERIMENT}/samples.parquet",
    output:
        metrics=f"{EXPERIMENT}/metrics.json",
    log:
        f"{LOGS}/evaluate_generation/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_generation/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("ddpm", "progan")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=settings(CONFIG.evaluation),
        experiment=experiment_identity,
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        code=code_of("evaluate_generation"),
    script:
        "../workflow_scripts/evaluate_generation.py"


rule evaluate_translation:
    input:
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        gate=rules.check_evaluation.output.gate,
        shards=shards_of_experiment,
        images=rules.translate_ct.output.images,
        table=rules.translate_ct.output.table,
        card=rules.train_cyclegan.output.card,
    output:
        metrics=f"{EXPERIMENT}/metrics.json",
    log:
        f"{LOGS}/evaluate_translation/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_translation/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("cyclegan")),
    conda:
        ENVIRONMENT
    params:
        cfg=settings(CONFIG.evaluation),
        experiment=experiment_identity,
        seed={"seed": CONFIG.seed},
        code=code_of("evaluate_translation"),
    script:
        "../workflow_scripts/evaluate_translation.py"
