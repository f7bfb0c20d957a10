"""Raw data from the archives, only for what the configuration lists under `fetch:`.

The files go into the user's folder, which is no output: Snakemake would delete it after a failure.
The receipts are, and indexing waits for them. Local rules: compute nodes often see no internet, and
the credentials are in the environment of the one who calls.
"""


rule fetch_physionet:
    output:
        receipts=RECEIPTS,
    log:
        f"{LOGS}/fetch_physionet/{{download}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_physionet/{{download}}.tsv"
    wildcard_constraints:
        download=one_of(downloads_from("physionet")),
    localrule: True
    conda:
        ENVIRONMENT
    threads: connections
    params:
        cfg=download_settings,
        limit={"max_quarantined": CONFIG.max_quarantined},
        cache=DIGESTS,
        code=code_of("fetch_physionet"),
    script:
        "../workflow_scripts/fetch_physionet.py"


rule fetch_gdc:
    input:
        manifest=download_manifest,
    output:
        receipts=RECEIPTS,
    log:
        f"{LOGS}/fetch_gdc/{{download}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_gdc/{{download}}.tsv"
    wildcard_constraints:
        download=one_of(downloads_from("gdc")),
    localrule: True
    conda:
        ENVIRONMENT
    threads: connections
    params:
        cfg=download_settings,
        limit={"max_quarantined": CONFIG.max_quarantined},
        cache=DIGESTS,
        code=code_of("fetch_gdc"),
    script:
        "../workflow_scripts/fetch_gdc.py"


rule fetch_tcia:
    input:
        manifest=download_manifest,
    output:
        receipts=RECEIPTS,
    log:
        f"{LOGS}/fetch_tcia/{{download}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_tcia/{{download}}.tsv"
    wildcard_constraints:
        download=one_of(downloads_from("tcia")),
    localrule: True
    conda:
        ENVIRONMENT
    threads: connections
    params:
        cfg=download_settings,
        limit={"max_quarantined": CONFIG.max_quarantined},
        cache=DIGESTS,
        code=code_of("fetch_tcia"),
    script:
        "../workflow_scripts/fetch_tcia.py"
