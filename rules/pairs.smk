"""Pairs of images of two domains, such as CT slices with and without contrast medium."""


rule pair_images:
    input:
        manifest=rules.assemble_cohort.output.manifest,
    output:
        pairs=f"{COHORT}/pairs.parquet",
        counts=f"{COHORT}/pairs.json",
    log:
        f"{LOGS}/pair_images/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/pair_images/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("pairs")),
    conda:
        ENVIRONMENT
    params:
        module=cohort_module("pairs"),
        cfg=pair_settings,
        code=code_of_cohort("pair_images", "pairs"),
    script:
        "../workflow_scripts/pair_images.py"
