"""Training; every rule waits for the leakage gate."""


rule train_classifier:
    input:
        manifest=rules.assemble_cohort.output.manifest,
        gate=rules.check_leakage.output.gate,
        shards=shards_of_cohort,
    output:
        weights=f"{CLASSIFIER}/model.safetensors",
        card=f"{CLASSIFIER}/model.json",
        history=f"{CLASSIFIER}/history.csv",
        people=f"{CLASSIFIER}/people.parquet",
        metrics=f"{CLASSIFIER}/metrics.json",
    log:
        f"{LOGS}/train_classifier/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/train_classifier/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=settings(CONFIG.classifier),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        code=code_of("train_classifier"),
    script:
        "../workflow_scripts/train_classifier.py"


rule train_ddpm:
    input:
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        gate=of_cohort(rules.check_leakage.output.gate),
        shards=shards_of_experiment,
    output:
        weights=f"{EXPERIMENT}/model.safetensors",
        card=f"{EXPERIMENT}/model.json",
        history=f"{EXPERIMENT}/history.csv",
        people=f"{EXPERIMENT}/people.parquet",
    log:
        f"{LOGS}/train_ddpm/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/train_ddpm/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("ddpm")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=experiment_settings("train"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        code=code_of("train_ddpm"),
    script:
        "../workflow_scripts/train_ddpm.py"


rule train_progan:
    input:
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        gate=of_cohort(rules.check_leakage.output.gate),
        shards=shards_of_experiment,
    output:
        weights=f"{EXPERIMENT}/model.safetensors",
        card=f"{EXPERIMENT}/model.json",
        history=f"{EXPERIMENT}/history.csv",
        people=f"{EXPERIMENT}/people.parquet",
    log:
        f"{LOGS}/train_progan/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/train_progan/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("progan")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=experiment_settings("train"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        code=code_of("train_progan"),
    script:
        "../workflow_scripts/train_progan.py"


rule train_cyclegan:
    input:
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        gate=of_cohort(rules.check_leakage.output.gate),
        pairs=of_cohort(rules.pair_ct.output.pairs),
        shards=shards_of_experiment,
    output:
        weights=f"{EXPERIMENT}/model.safetensors",
        card=f"{EXPERIMENT}/model.json",
        history=f"{EXPERIMENT}/history.csv",
        people=f"{EXPERIMENT}/people.parquet",
    log:
        f"{LOGS}/train_cyclegan/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/train_cyclegan/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("cyclegan")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=experiment_settings("train"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        code=code_of("train_cyclegan"),
    script:
        "../workflow_scripts/train_cyclegan.py"
