"""MIMIC-CXR: which radiographs there are, their pixels in shards, and their reports."""


rule index_mimic_cxr:
    input:
        root=cohort_root,
        tables=published_tables,
        receipts=cohort_receipts,
    output:
        table=f"{COHORT}/index.parquet",
    log:
        f"{LOGS}/index_mimic_cxr/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/index_mimic_cxr/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("mimic_cxr")),
    conda:
        ENVIRONMENT
    threads: 4  # hashing
    params:
        cfg=cohort_settings("index"),
        tables=tables_folder,
        cache=DIGESTS,
        code=code_of("index_mimic_cxr"),
    script:
        "../workflow_scripts/index_mimic_cxr.py"


rule shard_mimic_cxr:
    input:
        index=rules.index_mimic_cxr.output.table,
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
    log:
        f"{LOGS}/shard_mimic_cxr/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/shard_mimic_cxr/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("mimic_cxr")),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("read"),
        root=cohort_root,
        code=code_of("shard_mimic_cxr"),
    script:
        "../workflow_scripts/shard_mimic_cxr.py"


rule read_reports:
    input:
        index=rules.index_mimic_cxr.output.table,
        reports=cohort_reports,
        receipts=cohort_receipts,
    output:
        table=f"{COHORT}/reports.parquet",
        counts=f"{COHORT}/reports.json",
    log:
        f"{LOGS}/read_reports/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/read_reports/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_with_reports()),
    conda:
        ENVIRONMENT
    params:
        reports=lambda wildcards: COHORTS[wildcards.cohort].reports.as_posix(),
        code=code_of("read_reports"),
    script:
        "../workflow_scripts/read_reports.py"
