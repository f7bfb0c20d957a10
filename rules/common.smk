"""Helpers of all rules files; no rules here."""

from pathlib import Path

from snakemake.exceptions import WorkflowError

from medsynth.lineage import capture
from medsynth.runtime.config.whole import ConfigError, check_raw_paths, parse_config
from medsynth.store.code import code_digest

try:
    CONFIG = parse_config(config)
    check_raw_paths(CONFIG)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

RESULTS = CONFIG.results_dir.as_posix()
DEMO = f"{RESULTS}/demo"
COHORT = f"{RESULTS}/cohorts/{{cohort}}"
CLASSIFIER = f"{RESULTS}/classifiers/{{cohort}}"
EXPERIMENT = f"{RESULTS}/experiments/{{experiment}}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
WORK = f"{RESULTS}/work"
ENVIRONMENT = Path(workflow.basedir, "envs", "medsynth.yaml").as_posix()
DIGESTS = f"{RESULTS}/lineage/digests.db"

COHORTS = CONFIG.cohorts
EXPERIMENTS = {e.name: e for e in CONFIG.experiments}
GPUS = 0 if CONFIG.device == "cpu" else 1


def one_of(names):
    """A wildcard constraint that matches exactly these names."""
    # Without a name the pattern matches nothing, so that the rule is never chosen.
    return "|".join(names) or "a^"


def cohorts_of(kind):
    """Names of the cohorts of one kind."""
    return [name for name, cohort in COHORTS.items() if cohort.kind == kind]


def experiments_of(*families):
    """Names of the experiments of these model families."""
    return [e.name for e in CONFIG.experiments if e.family in families]


def settings(group):
    """One stage's settings as a plain dict: params that differ in any value differ as a whole."""
    return group.model_dump(mode="json")


def cohort_settings(stage):
    """Params function: the settings of one stage of the wildcard's cohort."""
    return lambda wildcards: settings(getattr(COHORTS[wildcards.cohort], stage))


def experiment_settings(stage):
    """Params function: the settings of one stage of the wildcard's experiment."""
    return lambda wildcards: settings(getattr(EXPERIMENTS[wildcards.experiment], stage))


def code_of(script):
    """Digest of a rule's script and every library module it imports."""
    return code_digest(Path(workflow.basedir, "workflow_scripts", f"{script}.py"))


def raw(path):
    """A raw path as an input; what the demo makes inside a folder stands for that folder."""
    if CONFIG.demo and path.is_relative_to(DEMO):
        return f"{DEMO}/{path.relative_to(DEMO).parts[0]}"
    return path.as_posix()


def cohort_root(wildcards):
    """The raw folder of a cohort."""
    return raw(COHORTS[wildcards.cohort].root)


def label_table(wildcards):
    """The user's label table, for cohorts that have one."""
    label = COHORTS[wildcards.cohort].index.label
    return [raw(label.path)] if label.kind == "table" else []


def shard_files(pattern):
    """Input function: this file of every shard of a cohort."""

    def files(wildcards):
        cohort = COHORTS[wildcards.cohort]
        return expand(pattern, cohort=wildcards.cohort, shard=range(cohort.index.shards))

    return files


def of_cohort(pattern):
    """Input function: this file of the experiment's cohort."""
    return lambda wildcards: pattern.format(cohort=EXPERIMENTS[wildcards.experiment].cohort)


def shards_of_experiment(wildcards):
    """The image shards of the experiment's cohort."""
    name = EXPERIMENTS[wildcards.experiment].cohort
    return expand(SHARD_IMAGES, cohort=name, shard=range(COHORTS[name].index.shards))


def genotype_tables(wildcards):
    """Mutation, copy-number and clinical tables of a cohort."""
    tables = COHORTS[wildcards.cohort].genotypes
    paths = [*tables.maf, *tables.segments, *([tables.clinical] if tables.clinical else [])]
    return sorted({raw(path) for path in paths})


def genotyped_cohorts():
    """Names of the slide cohorts whose label is the genotype."""
    return [n for n in cohorts_of("slides") if COHORTS[n].index.label.kind == "genotype"]


def genotype_labels(wildcards):
    """The joined labels of cohorts whose label is the genotype."""
    genotyped = wildcards.cohort in genotyped_cohorts()
    return expand(rules.join_genotypes.output.labels, cohort=wildcards.cohort) if genotyped else []


def experiment_identity(wildcards):
    """Cohort and family of an experiment, as its metrics state them."""
    experiment = EXPERIMENTS[wildcards.experiment]
    return {"cohort": experiment.cohort, "family": experiment.family}


def images_of(name, suffix):
    """What an experiment made: samples, or translations for CT."""
    kind = "translations" if EXPERIMENTS[name].family == "cyclegan" else "samples"
    return f"{EXPERIMENT}/{kind}{suffix}".format(experiment=name)


def images_of_experiments(wildcards):
    """What every experiment made."""
    return [images_of(name, ".h5") for name in EXPERIMENTS]


def generated_images(wildcards):
    """The images that the experiment made."""
    return images_of(wildcards.experiment, ".h5")


def generated_table(wildcards):
    """The table of what the experiment made."""
    return images_of(wildcards.experiment, ".parquet")


def models_of_evaluation(file):
    """Input function: this file of the experiment's model and, if one judges it, the classifier."""

    def files(wildcards):
        experiment = EXPERIMENTS[wildcards.experiment]
        judges = [] if experiment.family == "cyclegan" else [CLASSIFIER]
        folders = expand(
            [EXPERIMENT, *judges], experiment=experiment.name, cohort=experiment.cohort
        )
        return [f"{folder}/{file}" for folder in folders]

    return files


CLASSIFIED = [
    name
    for name in COHORTS
    if any(e.cohort == name and e.family != "cyclegan" for e in CONFIG.experiments)
]
SHARD_IMAGES = f"{COHORT}/shards/{{shard}}.h5"
SHARD_TABLE = f"{COHORT}/shards/{{shard}}.parquet"


wildcard_constraints:
    # Names hold no slash or dot, so that a path is read in one way only.
    cohort="[a-z][a-z0-9_]*",
    experiment="[a-z][a-z0-9_]*",
    shard=r"\d+",
