"""CT: which series there are, their slices in Hounsfield units in shards, and pairs of slices."""


rule index_ct:
    input:
        root=cohort_root,
        labels=label_table,
        receipts=cohort_receipts,
    output:
        table=f"{COHORT}/index.parquet",
    log:
        f"{LOGS}/index_ct/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/index_ct/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("ct")),
    conda:
        ENVIRONMENT
    threads: 4  # hashing
    params:
        cfg=cohort_settings("index"),
        cache=DIGESTS,
        code=code_of("index_ct"),
    script:
        "../workflow_scripts/index_ct.py"


rule convert_ct:
    input:
        index=rules.index_ct.output.table,
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
    log:
        f"{LOGS}/convert_ct/{{cohort}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/convert_ct/{{cohort}}/{{shard}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_with_nifti(False)),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("convert"),
        root=cohort_root,
        code=code_of("convert_ct"),
    script:
        "../workflow_scripts/convert_ct.py"


use rule convert_ct as convert_ct_to_nifti with:
    output:
        images=SHARD_IMAGES,
        table=SHARD_TABLE,
        volumes=directory(f"{COHORT}/shards/{{shard}}.volumes"),
    wildcard_constraints:
        cohort=one_of(cohorts_with_nifti(True)),


rule pair_ct:
    input:
        manifest=f"{COHORT}/manifest.parquet",
    output:
        pairs=f"{COHORT}/pairs.parquet",
        counts=f"{COHORT}/pairs.json",
    log:
        f"{LOGS}/pair_ct/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/pair_ct/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(cohorts_of("ct")),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("pair"),
        code=code_of("pair_ct"),
    script:
        "../workflow_scripts/pair_ct.py"
