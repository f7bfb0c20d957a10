"""MIMIC-CXR: which radiographs there are, and their pixels in shards."""


rule index_mimic_cxr:
    input:
        root=cohort_root,
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
    params:
        cfg=cohort_settings("index"),
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
