"""Patients are divided once, every item is accounted for, and two gates are passed.

Thresholds are parameters of `check_cohort` alone, whose output holds none of them. When it runs
again, what waits for it is asked again, too: trainings and samplings, whose inputs are the same
bytes, are then copied back and not repeated. (With `ancient` inputs nothing would be asked, but
Snakemake then also leaves out, in that call, what has changed for another reason.)
"""


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
        manifest=LAYOUT.manifest,
        quarantine=LAYOUT.quarantine,
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
        },
        code=code_of("assemble_cohort"),
    script:
        "../workflow_scripts/assemble_cohort.py"


rule check_cohort:
    input:
        summary=rules.assemble_cohort.output.summary,
        calls=of_cohort(COHORT_FILES.calls),
        receipts=of_cohort(COHORT_FILES.all_receipts),
    output:
        gate=LAYOUT.cohort_gate,
    log:
        f"{LOGS}/check_cohort/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/check_cohort/{{cohort}}.tsv"
    conda:
        ENVIRONMENT
    params:
        cfg=lambda wildcards: {
            "expected": COHORTS[wildcards.cohort].classes(),
            "named": COHORTS[wildcards.cohort].label_kind() != "table",
            "min_patients": CONFIG.min_patients,
            "max_quarantined": CONFIG.max_quarantined,
        },
        # With `input` in its signature it is not compared: results may be moved.
        results=lambda wildcards, input: CONFIG.results_dir.as_posix(),
        code=code_of("check_cohort"),
    script:
        "../workflow_scripts/check_cohort.py"


rule check_leakage:
    input:
        manifest=rules.assemble_cohort.output.manifest,
        fitness=in_trained_cohort(rules.check_cohort.output.gate),
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
