"""Sampling from the trained models; CT: translating the held-out slices."""


rule sample_ddpm:
    input:
        weights=rules.train_ddpm.output.weights,
        card=rules.train_ddpm.output.card,
    output:
        images=f"{EXPERIMENT}/samples.h5",
        table=f"{EXPERIMENT}/samples.parquet",
        grid=f"{EXPERIMENT}/samples.png",
    log:
        f"{LOGS}/sample_ddpm/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_ddpm/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("ddpm")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=experiment_settings("sample"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        code=code_of("sample_ddpm"),
    script:
        "../workflow_scripts/sample_ddpm.py"


rule sample_progan:
    input:
        weights=rules.train_progan.output.weights,
        card=rules.train_progan.output.card,
    output:
        images=f"{EXPERIMENT}/samples.h5",
        table=f"{EXPERIMENT}/samples.parquet",
        grid=f"{EXPERIMENT}/samples.png",
    log:
        f"{LOGS}/sample_progan/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_progan/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("progan")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        cfg=experiment_settings("sample"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        code=code_of("sample_progan"),
    script:
        "../workflow_scripts/sample_progan.py"


rule translate_ct:
    input:
        weights=rules.train_cyclegan.output.weights,
        card=rules.train_cyclegan.output.card,
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        pairs=of_cohort(rules.pair_ct.output.pairs),
        shards=shards_of_experiment,
    output:
        images=f"{EXPERIMENT}/translations.h5",
        table=f"{EXPERIMENT}/translations.parquet",
        grid=f"{EXPERIMENT}/translations.png",
    log:
        f"{LOGS}/translate_ct/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/translate_ct/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("cyclegan")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
    params:
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        code=code_of("translate_ct"),
    script:
        "../workflow_scripts/translate_ct.py"


rule write_singles:
    input:
        images=generated_images,
        table=generated_table,
    output:
        images=directory(f"{EXPERIMENT}/images"),
    log:
        f"{LOGS}/write_singles/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/write_singles/{{experiment}}.tsv"
    conda:
        ENVIRONMENT
    params:
        cfg=lambda wildcards: {
            "kind": COHORTS[EXPERIMENTS[wildcards.experiment].cohort].kind,
            "per_class": CONFIG.singles,
        },
        code=code_of("write_singles"),
    script:
        "../workflow_scripts/write_singles.py"
