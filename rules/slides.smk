"""TCGA slides: which there are, their tissue as tiles in shards, and one stain for all."""


rule index_slides:
    input:
        root=cohort_root,
        labels=label_table,
        receipts=cohort_receipts,
    output:
        table=f"{COHORT}/index.parquet",
    log:
        f"{LOGS}/index_slides/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/index_slides/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("slides")),
    conda:
        ENVIRONMENT
    threads: 4  # hashing
    params:
        cfg=cohort_settings("index"),
        cache=DIGESTS,
        code=code_of("index_slides"),
    script:
        "../workflow_scripts/index_slides.py"


rule tile_slides:
    input:
        index=rules.index_slides.output.table,
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
    log:
        f"{LOGS}/tile_slides/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/tile_slides/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("slides")),
    conda:
        ENVIRONMENT
    threads: 2  # decoding
    params:
        cfg=cohort_settings("tiles"),
        root=cohort_root,
        cache=DIGESTS,
        code=code_of("tile_slides"),
    script:
        "../workflow_scripts/tile_slides.py"


rule fit_stain:
    input:
        manifest=f"{COHORT}/manifest.parquet",
        gate=f"{COHORT}/leakage.json",
        shards=shard_files(SHARD_IMAGES),
    output:
        stain=f"{COHORT}/stain.json",
    log:
        f"{LOGS}/fit_stain/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_stain/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(normalised_cohorts()),
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
        images=rules.tile_slides.output.images,
        table=rules.tile_slides.output.table,
        stain=rules.fit_stain.output.stain,
    output:
        images=NORMALISED_IMAGES,
        table=f"{COHORT}/normalised/{{shard}}.parquet",
    log:
        f"{LOGS}/normalise_stain/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/normalise_stain/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(normalised_cohorts()),
    conda:
        ENVIRONMENT
    params:
        code=code_of("normalise_stain"),
    script:
        "../workflow_scripts/normalise_stain.py"


rule count_normalised:
    input:
        tables=shard_files(f"{COHORT}/normalised/{{shard}}.parquet"),
    output:
        counts=f"{COHORT}/normalised.json",
    log:
        f"{LOGS}/count_normalised/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/count_normalised/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(normalised_cohorts()),
    conda:
        ENVIRONMENT
    params:
        code=code_of("count_normalised"),
    script:
        "../workflow_scripts/count_normalised.py"
