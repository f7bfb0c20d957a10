"""Patients are divided once, every item is accounted for, and the division is checked."""


rule split_patients:
    input:
        index=rules.index_cohort.output.table,
        labels=of_cohort(COHORT_FILES.labels),
    output:
        splits=f"{COHORT}/splits.parquet",
    log:
        f"{LOGS}/split_patients/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/split_patients/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("split"),
        seed={"seed": CONFIG.seed},
        code=code_of("split_patients"),
    script:
        "../workflow_scripts/split_patients.py"


rule assemble_cohort:
    input:
        index=rules.index_cohort.output.table,
        tables=of_cohort(COHORT_FILES.shards, rules.shard_cohort.output.table),
        splits=rules.split_patients.output.splits,
    output:
        manifest=f"{COHORT}/manifest.parquet",
        quarantine=f"{COHORT}/quarantine.parquet",
        summary=f"{COHORT}/summary.json",
    log:
        f"{LOGS}/assemble_cohort/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/assemble_cohort/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    params:
        cfg=lambda wildcards: {
            "kind": COHORTS[wildcards.cohort].kind,
            "label": COHORTS[wildcards.cohort].label_kind(),
            "max_quarantined": CONFIG.max_quarantined,
        },
        code=code_of("assemble_cohort"),
    script:
        "../workflow_scripts/assemble_cohort.py"


rule check_leakage:
    input:
        manifest=rules.assemble_cohort.output.manifest,
    output:
        gate=LAYOUT.split_gate,
    log:
        f"{LOGS}/check_leakage/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/check_leakage/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("check_leakage"),
    script:
        "../workflow_scripts/check_leakage.py"
