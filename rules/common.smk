"""Helpers of all rules files; no rules here."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# This checkout's library, here and in all jobs, whichever one is installed or on PYTHONPATH.
LIBRARY = Path(workflow.basedir, "workflow_scripts").as_posix()
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))

from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.mistakes import ConfigError
from medsynth.config.raw_paths import DATASETS, demo_dataset, raw_paths
from medsynth.config.whole import load_config
from medsynth.fetch.settings import fills
from medsynth.genomics.settings import SAMPLE_SHEETS
from medsynth.lineage.recording import capture
from medsynth.store.layout import Layout
from medsynth.store.privacy import raw_names
from medsynth.store.privacy.secrets import learn, without_secrets
from medsynth.store.source_digest import code_digest

try:
    CONFIG = load_config(config, workflow.configfiles)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# In every process that reads this file, so that jobs on other machines know them, too.
raw_names.declare(
    raw_paths(CONFIG), shown=[CONFIG.results_dir, Path(workflow.basedir), Path(sys.prefix)]
)

# Snakemake hands this to every script in a file, which a kill leaves lying.
learn(config)
config.update(without_secrets(config))

LAYOUT = Layout(CONFIG.results_dir)
COHORT, EXPERIMENT = LAYOUT.cohort, LAYOUT.experiment
LOGS, BENCHMARKS, WORK = LAYOUT.logs, LAYOUT.benchmarks, LAYOUT.work
DEMO, DIGESTS, RECEIPTS = LAYOUT.demo, LAYOUT.digests, LAYOUT.receipts
SHARD_IMAGES, SHARD_TABLE = LAYOUT.shard_images, LAYOUT.shard_table
NORMALISED_IMAGES = LAYOUT.normalised_images
ENVIRONMENT = Path(workflow.basedir, "envs", "medsynth.yaml").as_posix()

COHORTS = CONFIG.cohorts
FILES = ExperimentFiles(CONFIG, LAYOUT)
EXPERIMENTS = FILES.listed
GPUS = 0 if CONFIG.device == "cpu" else 1


def one_of(names):
    """A wildcard constraint that matches exactly these names."""
    # Without a name the pattern matches nothing, so that the rule is never chosen.
    return "|".join(names) or "a^"


def cohorts_with(table):
    """Names of the cohorts whose kind provides a further table."""
    return [name for name, cohort in COHORTS.items() if table in cohort.provides]


def cohorts_with_nifti(wanted):
    """Names of the cohorts whose volumes are, or are not, wanted as NIfTI files, too."""
    return [
        name
        for name, cohort in COHORTS.items()
        if getattr(cohort.shard_settings(), "nifti", False) == wanted
    ]


def cohorts_with_reports():
    """Names of the cohorts whose reports are read, too."""
    return [name for name, cohort in COHORTS.items() if getattr(cohort, "reports", None)]


def settings(group):
    """One stage's settings as a plain dict: params that differ in any value differ as a whole."""
    return group.model_dump(mode="json")


def cohort_settings(stage):
    """Params function: the settings of one stage of the wildcard's cohort."""
    return lambda wildcards: settings(getattr(COHORTS[wildcards.cohort], stage))


def code_of(script, *modules):
    """Digest of a rule's script, of the modules that it is given by name, and all they import."""
    return code_digest(Path(workflow.basedir, "workflow_scripts", f"{script}.py"), *modules)


def of_experiment(function, *arguments):
    """Input or params function: what `function` says of the wildcard's experiment."""
    return lambda wildcards: function(wildcards.experiment, *arguments)


def experiment_code(script, *parts):
    """Params function: as `code_of`, with the parts of the experiment's family and task."""
    return lambda wildcards: code_of(script, *FILES.modules(wildcards.experiment, *parts))


def cohort_module(part):
    """Params function: the name of a part of the cohort's kind, which the script imports."""
    # A dict: Snakemake compares params as a set of values.
    return lambda wildcards: {"name": f"{COHORTS[wildcards.cohort].folder}.{part}"}


def code_of_cohort(script, part):
    """Params function: digest of a script with a part of the cohort's kind."""
    return lambda wildcards: code_of(script, f"{COHORTS[wildcards.cohort].folder}.{part}")


def archive_module(wildcards):
    """Params function: the name of the download's archive's module."""
    return {"name": CONFIG.fetch[wildcards.download].module}


def code_of_archive(script):
    """Params function: digest of a script with the module of the download's archive."""
    return lambda wildcards: code_of(script, CONFIG.fetch[wildcards.download].module)


def raw(path):
    """A raw path as an input; a folder stands for what the demo or a download puts into it."""
    if CONFIG.demo and (dataset := demo_dataset(CONFIG.results_dir, path)):
        return f"{DEMO}/{dataset}"
    for download in CONFIG.fetch.values():
        if fills(download, path):
            return download.destination.as_posix()
    return path.as_posix()


def receipts(paths):
    """Receipts of the downloads that bring these raw paths."""
    downloads = CONFIG.fetch.items()
    names = [name for name, d in downloads if any(fills(d, path) for path in paths if path)]
    return expand(RECEIPTS, download=names)


def cohort_receipts(wildcards):
    """Receipts of the downloads that bring a cohort's images and what is read beside them."""
    cohort = COHORTS[wildcards.cohort]
    beside = [cohort.root, *cohort.tables_apart(), getattr(cohort, "reports", None)]
    return receipts(beside)


def genotype_receipts(wildcards):
    """Receipts of the downloads that bring a cohort's genotype tables."""
    return receipts([Path(path) for path in genotype_tables(wildcards)])


def download_settings(wildcards):
    """Params function: the settings of the wildcard's download."""
    return settings(CONFIG.fetch[wildcards.download])


def download_manifest(wildcards):
    """The user's manifest, for downloads that have one."""
    manifest = getattr(CONFIG.fetch[wildcards.download], "manifest", None)
    return [manifest.as_posix()] if manifest else []


def connections(wildcards):
    """Files that a download fetches at once."""
    return CONFIG.fetch[wildcards.download].connections


def cohort_root(wildcards):
    """The raw folder of a cohort."""
    return raw(COHORTS[wildcards.cohort].root)


def tables_apart(wildcards):
    """The tables of a cohort that lie apart from its images, and are there or yet to come."""
    tables = COHORTS[wildcards.cohort].tables_apart()
    made = [p for p in tables if CONFIG.demo and demo_dataset(CONFIG.results_dir, p)]
    return sorted({raw(p) for p in tables if p in made or receipts([p]) or p.exists()})


def cohort_reports(wildcards):
    """The archive or folder of a cohort's reports."""
    return raw(COHORTS[wildcards.cohort].reports)


def shard_files(pattern):
    """Input function: this file of every shard of a cohort."""

    def files(wildcards):
        cohort = COHORTS[wildcards.cohort]
        return expand(pattern, cohort=wildcards.cohort, shard=range(cohort.index.shards))

    return files


def of_cohort(pattern):
    """Input function: this file of the experiment's cohort."""
    return lambda wildcards: pattern.format(cohort=FILES.cohort(wildcards.experiment))


def normalised_cohorts():
    """Names of the slide cohorts whose stain is normalised."""
    return [n for n, c in COHORTS.items() if getattr(c, "stain", None) and c.stain.method != "none"]


def image_shards(name):
    """The image shards of a cohort that models, metrics and the report read."""
    pattern = NORMALISED_IMAGES if name in normalised_cohorts() else SHARD_IMAGES
    return expand(pattern, cohort=name, shard=range(COHORTS[name].index.shards))


def shards_of_cohort(wildcards):
    """The image shards of the wildcard's cohort."""
    return image_shards(wildcards.cohort)


def shards_of_experiment(wildcards):
    """The image shards of the experiment's cohort."""
    return image_shards(FILES.cohort(wildcards.experiment))


def genotype_tables(wildcards):
    """Mutation, panel, copy-number and clinical tables of a cohort, and the sheets beside them."""
    tables = COHORTS[wildcards.cohort].genotypes
    single = [path for path in (tables.clinical, tables.coverage) if isinstance(path, Path)]
    files = [path for path in [*tables.maf, *tables.segments] if path.is_file()]
    sheets = [sheet for path in files for sheet in path.parent.glob(SAMPLE_SHEETS)]
    return sorted({raw(path) for path in [*tables.maf, *tables.segments, *single, *sheets]})


def genotyped_cohorts():
    """Names of the slide cohorts whose label is the genotype."""
    return [n for n, cohort in COHORTS.items() if cohort.label_kind() == "genotype"]


def cohort_counts(wildcards):
    """What else there is to say of the cohorts: counts of reports, genotypes, stains, pairs."""
    with_counts = {
        "reports": cohorts_with_reports(),
        "calls": genotyped_cohorts(),
        "stain": normalised_cohorts(),
        "normalised": normalised_cohorts(),
        "pairs": cohorts_with("pairs"),
    }
    return [
        f"{COHORT}/{counts}.json".format(cohort=name)
        for counts, names in with_counts.items()
        for name in names
    ]


def genotype_labels(wildcards):
    """The joined labels of cohorts whose label is the genotype."""
    genotyped = wildcards.cohort in genotyped_cohorts()
    return expand(rules.join_genotypes.output.labels, cohort=wildcards.cohort) if genotyped else []


wildcard_constraints:
    # Names hold no slash or dot, so that a path is read in one way only.
    cohort="[a-z][a-z0-9_]*",
    download="[a-z][a-z0-9_]*",
    experiment="[a-z][a-z0-9_]*",
    shard=r"\d+",


def models_of_evaluation(pattern):
    """Input function: this file of the experiment and, if one judges it, of the classifier."""
    return lambda wildcards: expand(pattern, experiment=FILES.judged_with(wildcards.experiment))


def evaluation_gpus(wildcards):
    """Metrics that need no network take no GPU from others."""
    return GPUS if FILES.evaluates_on_gpu(wildcards.experiment) else 0


def of_all(pattern):
    """This file of every experiment."""
    return expand(pattern, experiment=FILES.experiments)
