"""Raw data from the archives, only for what the configuration lists under `fetch:`.

The files go into the user's folder, which is no output: Snakemake would delete it after a failure.
The receipts are, and indexing waits for them. Local rules: compute nodes often see no internet, and
the credentials are in the environment of the one who calls.
"""


rule fetch_archive:
    input:
        manifest=download_manifest,
    output:
        receipts=RECEIPTS,
    log:
        f"{LOGS}/fetch_archive/{{download}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_archive/{{download}}.tsv"
    wildcard_constraints:
        download=one_of(CONFIG.fetch),
    localrule: True
    conda:
        ENVIRONMENT
    threads: connections
    params:
        module=archive_module,
        cfg=download_settings,
        # With `input` in its signature it is not compared: another limit fetches nothing anew.
        # `check_cohort` applies it to what was fetched before.
        limit=lambda wildcards, input: {"max_quarantined": CONFIG.max_quarantined},
        cache=DIGESTS,
        code=code_of_archive("fetch_archive"),
    script:
        "../workflow_scripts/fetch_archive.py"
