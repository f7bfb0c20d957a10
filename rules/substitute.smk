"""Whether synthetic images teach a classifier what real ones show; only where it is asked for."""


rule train_on_synthetic:
    input:
        gate=of_experiment(FILES.evaluation_gate),
        manifest=in_cohort(rules.assemble_cohort.output.manifest),
        images=of_experiment(FILES.made, ".h5"),
        table=of_experiment(FILES.made, ".parquet"),
        shards=cohort_images,
    output:
        judged=LAYOUT.synthetic_training,
    log:
        f"{LOGS}/train_on_synthetic/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/train_on_synthetic/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(CONFIG.synthetic_training.experiments),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        mem_mb=growing(TORCH_MB),
        runtime=24 * HOUR,
    params:
        cfg={
            "classifier": settings(CONFIG.classifier),
            "seeds": CONFIG.synthetic_training.seeds,
            "bootstrap": CONFIG.evaluation.bootstrap,
        },
        identity=of_experiment(FILES.identity),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        work=WORK,
        code=code_of("train_on_synthetic"),
    script:
        "../workflow_scripts/train_on_synthetic.py"
