"""Metrics against the held-out patients, whom no model involved has seen."""


rule check_evaluation:
    input:
        splits_gate=in_cohort(rules.check_leakage.output.gate),
        manifest=in_cohort(rules.assemble_cohort.output.manifest),
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
        experiment=one_of(FILES.productive),
    conda:
        ENVIRONMENT
    params:
        code=code_of("check_evaluation"),
    script:
        "../workflow_scripts/check_evaluation.py"


rule evaluate_model:
    input:
        unpack(of_experiment(FILES.evaluated)),
        gate=of_experiment(FILES.evaluation_gate),
        manifest=in_cohort(rules.assemble_cohort.output.manifest),
        shards=cohort_images,
    output:
        metrics=report(
            LAYOUT.metrics,
            caption="captions/metrics.rst",
            category="Metrics",
            labels={"experiment": "{experiment}"},
        ),
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
        mem_mb=growing(TORCH_MB),
        runtime=4 * HOUR,
    params:
        cfg=of_experiment(FILES.evaluation),
        modules=of_experiment(FILES.modules, None, "evaluation"),
        identity=of_experiment(FILES.identity),
        family=of_experiment(FILES.restoration),
        seed={"seed": CONFIG.seed},
        device=lambda wildcards: {"device": CONFIG.device if evaluation_gpus(wildcards) else "cpu"},
        code=of_experiment(evaluation_code),
    script:
        "../workflow_scripts/evaluate_model.py"
