"""Which raw files there are, and their images in shards."""


rule index_cohort:
    input:
        root=of_cohort(COHORT_FILES.root),
        tables=of_cohort(COHORT_FILES.index_tables),
        receipts=of_cohort(COHORT_FILES.cohort_receipts),
    output:
        table=LAYOUT.index,
    log:
        f"{LOGS}/index_cohort/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/index_cohort/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    threads: 4  # hashing
    resources:
        mem_mb=growing(TABLES_MB),
        runtime=24 * HOUR,
    params:
        module=cohort_module("index"),
        cfg=lambda wildcards: settings(COHORTS[wildcards.cohort].index_settings()),
        cache=DIGESTS,
        code=code_of_cohort("index_cohort", "index"),
    script:
        "../workflow_scripts/index_cohort.py"


rule shard_cohort:
    input:
        index=rules.index_cohort.output.table,
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
    log:
        f"{LOGS}/shard_cohort/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/shard_cohort/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.without("nifti")),
    conda:
        ENVIRONMENT
    threads: lambda wildcards: COHORTS[wildcards.cohort].shard_threads
    resources:
        mem_mb=growing(reading_mb),
        runtime=12 * HOUR,
    params:
        module=cohort_module("shard"),
        cfg=lambda wildcards: settings(COHORTS[wildcards.cohort].shard_settings()),
        root=of_cohort(COHORT_FILES.root),
        cache=DIGESTS,
        code=code_of_cohort("shard_cohort", "shard"),
    script:
        "../workflow_scripts/shard_cohort.py"


use rule shard_cohort as shard_cohort_to_nifti with:
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
        volumes=directory(LAYOUT.shard_volumes),
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("nifti")),
