"""Glioma genotypes from mutation and copy-number tables, joined to slides by case."""


def genotype_tables(wildcards):
    """Mutation, copy-number and clinical tables of a cohort."""
    tables = COHORTS[wildcards.cohort].genotypes
    paths = [*tables.maf, *tables.segments, *([tables.clinical] if tables.clinical else [])]
    return sorted({raw(path) for path in paths})


def genotyped_cohorts():
    """Names of the slide cohorts whose label is the genotype."""
    return [n for n in cohorts_of("slides") if COHORTS[n].index.label.kind == "genotype"]


rule call_genotypes:
    input:
        tables=genotype_tables,
    output:
        calls=f"{COHORT}/calls.parquet",
    log:
        f"{LOGS}/call_genotypes/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/call_genotypes/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(genotyped_cohorts()),
    params:
        cfg=cohort_settings("genotypes"),
        code=code_of("call_genotypes"),
    script:
        "../workflow_scripts/call_genotypes.py"


rule join_genotypes:
    input:
        index=rules.index_slides.output.table,
        calls=rules.call_genotypes.output.calls,
    output:
        labels=f"{COHORT}/labels.parquet",
    log:
        f"{LOGS}/join_genotypes/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/join_genotypes/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(genotyped_cohorts()),
    params:
        code=code_of("join_genotypes"),
    script:
        "../workflow_scripts/join_genotypes.py"
