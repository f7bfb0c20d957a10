"""TCGA slides: which slides there are, and their tissue as tiles in shards."""


rule index_slides:
    input:
        root=cohort_root,
        labels=label_table,
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
    params:
        cfg=cohort_settings("tiles"),
        root=cohort_root,
        code=code_of("tile_slides"),
    script:
        "../workflow_scripts/tile_slides.py"
