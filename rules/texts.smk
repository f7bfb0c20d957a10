"""What the images are said to show: radiographs' reports, and the text of every item."""


rule read_reports:
    input:
        index=rules.index_cohort.output.table,
        reports=of_cohort(COHORT_FILES.reports),
        receipts=of_cohort(COHORT_FILES.cohort_receipts),
    output:
        table=LAYOUT.reports,
        counts=f"{COHORT}/reports.json",
    log:
        f"{LOGS}/read_reports/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/read_reports/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("reports")),
    conda:
        ENVIRONMENT
    params:
        reports=lambda wildcards: COHORTS[wildcards.cohort].reports.as_posix(),
        headings=lambda wildcards: COHORTS[wildcards.cohort].text.headings,
        code=code_of("read_reports"),
    script:
        "../workflow_scripts/read_reports.py"


rule prepare_texts:
    input:
        manifest=rules.assemble_cohort.output.manifest,
        gate=rules.check_leakage.output.gate,
        reports=of_cohort(COHORT_FILES.report_table),
    output:
        table=LAYOUT.texts,
        tokenizer=LAYOUT.tokenizer,
        counts=f"{COHORT}/texts.json",
    log:
        f"{LOGS}/prepare_texts/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_texts/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(COHORT_FILES.providing("texts")),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(TABLES_MB),
        runtime=4 * HOUR,
    params:
        cfg=cohort_settings("text"),
        code=code_of("prepare_texts"),
    script:
        "../workflow_scripts/prepare_texts.py"
