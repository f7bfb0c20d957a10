"""Pairs of CT slices with and without contrast medium."""


rule pair_ct:
    input:
        manifest=rules.assemble_cohort.output.manifest,
    output:
        pairs=f"{COHORT}/pairs.parquet",
        counts=f"{COHORT}/pairs.json",
    log:
        f"{LOGS}/pair_ct/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/pair_ct/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("pairs")),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("pair"),
        code=code_of("pair_ct"),
    script:
        "../workflow_scripts/pair_ct.py"
