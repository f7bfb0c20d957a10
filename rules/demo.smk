"""Raw demo data in the true formats."""

if CONFIG.demo:

    rule make_demo_data:
        output:
            folder=directory(f"{DEMO}/{{dataset}}"),
        log:
            f"{LOGS}/make_demo_data/{{dataset}}.log",
        benchmark:
            f"{BENCHMARKS}/make_demo_data/{{dataset}}.tsv"
        wildcard_constraints:
            # Each is one folder of its own; other paths below demo/ are inside them.
            dataset=one_of(DATASETS),
        conda:
            ENVIRONMENT
        params:
            cfg=settings(CONFIG.demo),
            code=code_of("make_demo_data"),
        script:
            "../workflow_scripts/make_demo_data.py"
