"""Which noise levels of its diffusion models decide what a cohort's images show."""


rule measure_spectrum:
    input:
        manifest=rules.assemble_cohort.output.manifest,
        gate=rules.check_leakage.output.gate,
        shards=of_cohort(COHORT_FILES.images),
    output:
        spectrum=LAYOUT.spectrum,
        strips=report(
            LAYOUT.spectrum_strips,
            caption="captions/spectrum.rst",
            category="Images",
            labels={"cohort": "{cohort}"},
        ),
    log:
        f"{LOGS}/measure_spectrum/{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_spectrum/{{cohort}}.tsv"
    wildcard_constraints:
        cohort=one_of(FILES.noised),
    conda:
        ENVIRONMENT
    params:
        cfg=lambda wildcards: {"schedules": FILES.schedules(wildcards.cohort)},
        seed={"seed": CONFIG.seed},
        code=code_of("measure_spectrum"),
    script:
        "../workflow_scripts/measure_spectrum.py"
