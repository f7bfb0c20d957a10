"""Training of every family; it waits for the leakage gate."""


rule train_model:
    input:
        unpack(of_experiment(FILES.tables)),
        manifest=in_cohort(rules.assemble_cohort.output.manifest),
        gate=in_cohort(rules.check_leakage.output.gate),
        inputs=of_experiment(FILES.input_files),
        shards=cohort_images,
    output:
        weights=LAYOUT.weights,
        card=LAYOUT.card,
        history=LAYOUT.history,
        people=LAYOUT.people,
    log:
        f"{LOGS}/train_model/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.experiments),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        mem_mb=growing(training_mb),
        runtime=training_minutes,
    params:
        cfg=of_experiment(FILES.settings, "train"),
        modules=of_experiment(FILES.modules, "training", "data"),
        inputs=of_experiment(FILES.inputs),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        kept=kept,
        fitness=in_cohort(rules.check_cohort.output.gate),
        code=experiment_code("train_model", "training", "data"),
    script:
        "../workflow_scripts/train_model.py"
