"""medsynth: from raw MIMIC-CXR and TCGA downloads to generative models and metric reports."""

from snakemake.utils import min_version

min_version("9.25")


include: "rules/common.smk"
include: "rules/needs.smk"
include: "rules/demo.smk"
include: "rules/fetch.smk"
include: "rules/cohorts.smk"
include: "rules/genotypes.smk"
include: "rules/splits.smk"
include: "rules/stain.smk"
include: "rules/texts.smk"
include: "rules/pairs.smk"
include: "rules/patients.smk"
include: "rules/train.smk"
include: "rules/sample.smk"
include: "rules/evaluate.smk"
include: "rules/spectrum.smk"
include: "rules/substitute.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.build_report.output.page,
        expand(
            rules.write_singles.output.images,
            experiment=FILES.illustrated if CONFIG.singles else [],
        ),
        expand(rules.read_reports.output, cohort=COHORT_FILES.providing("reports")),
        # A gate that failed and left no file behind is asked again, whatever else is up to date.
        expand(rules.check_cohort.output.gate, cohort=FILES.cohorts),
        expand(rules.check_evaluation.output.gate, experiment=FILES.productive),


# Last line: wraps every rule above, so that no job runs unrecorded.
capture.install(workflow, CONFIG)
