"""What the trained models make: a rule for every form that it has."""


rule sample_model:
    input:
        unpack(of_experiment(FILES.conditioned)),
        weights=rules.train_model.output.weights,
        card=rules.train_model.output.card,
        inputs=of_experiment(FILES.input_files),
    output:
        images=f"{EXPERIMENT}/samples.h5",
        table=f"{EXPERIMENT}/samples.parquet",
        grid=report(
            f"{EXPERIMENT}/samples.png",
            caption="captions/samples.rst",
            category="Images",
            labels={"experiment": "{experiment}"},
        ),
    log:
        f"{LOGS}/sample_model/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_model/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.makers("samples")),
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        mem_mb=growing(TORCH_MB),
        runtime=24 * HOUR,
    params:
        cfg=of_experiment(FILES.settings, "sample"),
        form=of_experiment(FILES.image_form),
        modules=of_experiment(FILES.modules, "sampling", "product"),
        seed={"seed": CONFIG.seed},
        device={"device": CONFIG.device},
        cache=DIGESTS,
        work=WORK,
        kept=kept,
        code=experiment_code("sample_model", "sampling", "product"),
    script:
        "../workflow_scripts/sample_model.py"


use rule sample_model as translate_images with:
    input:
        unpack(of_experiment(FILES.tables)),
        weights=rules.train_model.output.weights,
        card=rules.train_model.output.card,
        inputs=of_experiment(FILES.input_files),
        manifest=in_cohort(rules.assemble_cohort.output.manifest),
        shards=cohort_images,
    output:
        images=f"{EXPERIMENT}/translations.h5",
        table=f"{EXPERIMENT}/translations.parquet",
        grid=report(
            f"{EXPERIMENT}/translations.png",
            caption="captions/translations.rst",
            category="Images",
            labels={"experiment": "{experiment}"},
        ),
    log:
        f"{LOGS}/translate_images/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/translate_images/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.makers("translations")),


use rule translate_images as write_reports with:
    output:
        table=f"{EXPERIMENT}/reports.parquet",
    log:
        f"{LOGS}/write_reports/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/write_reports/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.makers("reports")),


use rule translate_images as predict_patients with:
    output:
        table=f"{EXPERIMENT}/predictions.parquet",
    log:
        f"{LOGS}/predict_patients/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_patients/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.makers("predictions")),


rule write_singles:
    input:
        images=of_experiment(FILES.made, ".h5"),
        table=of_experiment(FILES.made, ".parquet"),
    output:
        images=directory(f"{EXPERIMENT}/images"),
    log:
        f"{LOGS}/write_singles/{{experiment}}.log",
    benchmark:
        f"{BENCHMARKS}/write_singles/{{experiment}}.tsv"
    wildcard_constraints:
        experiment=one_of(FILES.illustrated),
    conda:
        ENVIRONMENT
    params:
        cfg=lambda wildcards: {
            "form": COHORTS[FILES.cohort(wildcards.experiment)].single,
            "per_class": CONFIG.singles,
        },
        code=code_of("write_singles"),
    script:
        "../workflow_scripts/write_singles.py"
