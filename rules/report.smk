"""The page that shows what came out."""


rule build_report:
    input:
        summaries=expand(rules.assemble_cohort.output.summary, cohort=COHORTS),
        manifests=expand(rules.assemble_cohort.output.manifest, cohort=COHORTS),
        gates=expand(rules.check_leakage.output.gate, cohort=COHORTS),
        shards=[shard for name in COHORTS for shard in COHORT_FILES.images(name)],
        counts=COHORT_FILES.counts(),
        models=of_all(rules.train_model.output.weights),
        histories=of_all(rules.train_model.output.history),
        images=FILES.all_made(".h5"),
        tables=FILES.all_made(".parquet"),
        metrics=of_all(rules.evaluate_model.output.metrics),
        cards=of_all(rules.train_model.output.card),
        people=of_all(rules.train_model.output.people),
        judged=expand(
            rules.train_on_synthetic.output.judged,
            experiment=CONFIG.synthetic_training.experiments,
        ),
        spectra=expand(rules.measure_spectrum.output.spectrum, cohort=FILES.noised),
        strips=expand(rules.measure_spectrum.output.strips, cohort=FILES.noised),
    output:
        page=report(LAYOUT.page, caption="captions/page.rst", category="Page"),
        methods=LAYOUT.methods,
        references=LAYOUT.references,
        card_texts=of_all(LAYOUT.model_card),
        card_data=of_all(LAYOUT.model_card_data),
    log:
        f"{LOGS}/build_report.log",
    benchmark:
        f"{BENCHMARKS}/build_report.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(TABLES_MB),
        runtime=HOUR,
    params:
        config=CONFIG.model_dump(mode="json"),
        experiments=FILES.shown(),
        references={"families": FILES.references(), "kinds": COHORT_FILES.references()},
        cache=DIGESTS,
        code=code_of("build_report", *FILES.views(), wording=True),
    script:
        "../workflow_scripts/build_report.py"
