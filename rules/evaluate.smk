"""Metrics against the held-out patients, whom no model involved has seen."""


def models_of_evaluation(pattern):
    """Input function: this file of the experiment and, if one judges it, of the classifier."""
    return lambda wildcards: expand(pattern, experiment=FILES.judged_with(wildcards.experiment))


def evaluation_gpus(wildcards):
    """Metrics that need no network take no GPU from others."""
    return GPUS if FILES.evaluates_on_gpu(wildcards.experiment) else 0


rule check_evaluation:
    input:
        splits_gate=of_cohort(rules.check_leakage.output.gate),
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        weights=models_of_evaluation(LAYOUT.weights),
        people=models_of_evaluation(LAYOUT.people),
        table=of_experiment(FILES.made, ".parquet"),
    output:
        gate=LAYOUT.evaluation_gate,
    log:
        f"{LOGS}/check_evaluation/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/check_evaluation/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(EXPERIMENTS),
    conda:
        ENVIRONMENT
    params:
        code=code_of("check_evaluation"),
    script:
        "../workflow_scripts/check_evaluation.py"


rule evaluate_model:
    input:
        unpack(of_experiment(FILES.evaluated)),
        manifest=of_cohort(rules.assemble_cohort.output.manifest),
        shards=shards_of_experiment,
    output:
        metrics=LAYOUT.metrics,
    log:
        f"{LOGS}/evaluate_model/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_model/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.experiments),
    conda:
        ENVIRONMENT
    resources:
        gpu=evaluation_gpus,
    params:
        cfg=settings(CONFIG.evaluation),
        modules=of_experiment(FILES.modules, None, "evaluation"),
        identity=of_experiment(FILES.identity),
        seed={"seed": CONFIG.seed},
        device=lambda wildcards: {"device": CONFIG.device if evaluation_gpus(wildcards) else "cpu"},
        code=experiment_code("evaluate_model", None, "evaluation"),
    script:
        "../workflow_scripts/evaluate_model.py"
