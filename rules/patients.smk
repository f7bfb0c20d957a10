"""Tables with a row a patient: what is known of them beside their images."""


rule read_patients:
    input:
        index=rules.index_cohort.output.table,
        tables=of_cohort(COHORT_FILES.patient_tables),
        receipts=of_cohort(COHORT_FILES.patient_receipts),
    output:
        table=LAYOUT.patients,
        counts=f"{COHORT}/patients.json",
    log:
        f"{LOGS}/read_patients/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/read_patients/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("patients")),
    conda:
        ENVIRONMENT
    params:
        cfg=cohort_settings("patients"),
        label=of_cohort(COHORT_FILES.label),
        code=code_of("read_patients"),
    script:
        "../workflow_scripts/read_patients.py"
