"""One stain for all slides of a cohort."""


rule fit_stain:
    input:
        manifest=rules.assemble_cohort.output.manifest,
        gate=rules.check_leakage.output.gate,
        shards=of_cohort(COHORT_FILES.shards, rules.shard_cohort.output.images),
    output:
        stain=f"{COHORT}/stain.json",
    log:
        f"{LOGS}/fit_stain/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_stain/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("stain")),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("stain"),
        seed={"seed": CONFIG.seed},
        code=code_of("fit_stain"),
    script:
        "../workflow_scripts/fit_stain.py"


rule normalise_stain:
    input:
        images=rules.shard_cohort.output.images,
        table=rules.shard_cohort.output.table,
        stain=rules.fit_stain.output.stain,
    output:
        images=NORMALISED_IMAGES,
        table=LAYOUT.normalised_table,
    log:
        f"{LOGS}/normalise_stain/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/normalise_stain/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("stain")),
    conda:
        ENVIRONMENT
    params:
        code=code_of("normalise_stain"),
    script:
        "../workflow_scripts/normalise_stain.py"


rule count_normalised:
    input:
        tables=of_cohort(COHORT_FILES.shards, rules.normalise_stain.output.table),
    output:
        counts=f"{COHORT}/normalised.json",
    log:
        f"{LOGS}/count_normalised/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/count_normalised/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("stain")),
    conda:
        ENVIRONMENT
    params:
        code=code_of("count_normalised"),
    script:
        "../workflow_scripts/count_normalised.py"
