"""Glioma genotypes from mutation and copy-number tables, joined to slides by case."""


rule call_genotypes:
    input:
        tables=of_cohort(COHORT_FILES.genotype_tables),
        receipts=of_cohort(COHORT_FILES.genotype_receipts),
    output:
        calls=f"{COHORT}/calls.parquet",
        quarantine=LAYOUT.calls_quarantine,
        counts=LAYOUT.calls,
    log:
        f"{LOGS}/call_genotypes/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/call_genotypes/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("genotypes")),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(TABLES_MB),
        runtime=HOUR,
    params:
        cfg=cohort_settings("genotypes"),
        code=code_of("call_genotypes"),
    script:
        "../workflow_scripts/call_genotypes.py"


rule join_genotypes:
    input:
        index=rules.index_cohort.output.table,
        calls=rules.call_genotypes.output.calls,
    output:
        labels=LAYOUT.labels,
    log:
        f"{LOGS}/join_genotypes/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/join_genotypes/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("genotypes")),
    conda:
        ENVIRONMENT
    params:
        code=code_of("join_genotypes"),
    script:
        "../workflow_scripts/join_genotypes.py"
