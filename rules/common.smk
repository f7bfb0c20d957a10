"""Helpers of all rules files; no rules here."""

import gc
import os
import sys
from functools import cache
from pathlib import Path

from snakemake.logging import logger

# This checkout's library, here and in all jobs, whichever one is installed or on PYTHONPATH.
LIBRARY = Path(workflow.basedir, "workflow_scripts").as_posix()
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))

from medsynth.config.checks.lines import read_yaml, with_lines
from medsynth.config.chosen import DEMO as DEMO_CONFIGURATION
from medsynth.config.chosen import VARIABLE, named_by_environment, overlooked
from medsynth.config.cohort_files import CohortFiles
from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.mistakes import ConfigError, Mistake
from medsynth.config.raw_paths import DATASETS, raw_paths
from medsynth.config.loading import NO_EXPERIMENT, load_config, parse_config
from medsynth.lineage.recording import capture
from medsynth.runtime.lease import absent_gpu
from medsynth.runtime.reuse import hand_over_forced
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.privacy import raw_names
from medsynth.store.privacy.secrets import learn, without_secrets
from medsynth.store.source.digest import code_digest

# All that is imported stays to the end, which need not go through it.
gc.freeze()


def give_up(message):
    """End the run for what the user can correct; to an exception Snakemake would add code lines."""
    logger.error(message)
    sys.exit(1)


# A configuration given on the command line replaces the one of the environment, and that the
# demo's, instead of being merged into it.
if not workflow.config_settings.configfiles:

    try:
        GIVEN = named_by_environment()
        # Of a file that is no YAML Snakemake would say no more than that.
        if GIVEN:
            read_yaml(GIVEN)
    except MedsynthError as error:
        give_up(str(error))

    if GIVEN:

        # Jobs on other machines find the configuration by it, too.
        envvars:
            VARIABLE,

    configfile: str(GIVEN or DEMO_CONFIGURATION)


try:
    # Jobs need not look again where the raw data are.
    CONFIG = (
        load_config(config, workflow.configfiles)
        if workflow.is_main_process
        else parse_config(config)
    )
except ConfigError as error:
    give_up(str(error))

if workflow.is_main_process and CONFIG.demo and workflow.configfiles == [str(DEMO_CONFIGURATION)]:
    if others := overlooked(CONFIG.results_dir, CONFIG.cohorts):
        logger.warning(others)
if workflow.is_main_process and not CONFIG.experiments:
    logger.warning(str(NO_EXPERIMENT))

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
COHORT_FILES = CohortFiles(CONFIG, LAYOUT)
FILES = ExperimentFiles(CONFIG, LAYOUT)
EXPERIMENTS = FILES.listed
GPUS = 0 if CONFIG.device == "cpu" else 1


def one_of(names):
    """A wildcard constraint that matches exactly these names."""
    # Without a name the pattern matches nothing, so that the rule is never chosen.
    return "|".join(names) or "a^"


def settings(group):
    """One stage's settings as a plain dict: params that differ in any value differ as a whole."""
    return group.model_dump(mode="json")


def cohort_settings(stage):
    """Params function: the settings of one stage of the wildcard's cohort."""
    return lambda wildcards: settings(getattr(COHORTS[wildcards.cohort], stage))


def pair_settings(wildcards):
    """Params function: how the wildcard's cohort is paired, if there is more than one way."""
    pair = getattr(COHORTS[wildcards.cohort], "pair", None)
    return pair and settings(pair)


@cache
def code_of(script, *modules, wording=False):
    """Digest of a rule's script, of the modules that it is given by name, and all they import."""
    path = Path(workflow.basedir, "workflow_scripts", f"{script}.py")
    return code_digest(path, *modules, wording=wording)


def of_experiment(function, *arguments):
    """Input or params function: what `function` says of the wildcard's experiment."""
    return lambda wildcards: function(wildcards.experiment, *arguments)


def of_cohort(function, *arguments):
    """Input or params function: what `function` says of the wildcard's cohort."""
    return lambda wildcards: function(wildcards.cohort, *arguments)


def in_cohort(pattern):
    """Input function: this file of the experiment's cohort."""
    return lambda wildcards: pattern.format(cohort=FILES.cohort(wildcards.experiment))


def in_trained_cohort(pattern):
    """Input function: this file of the cohort, if an experiment is trained on it."""
    return lambda wildcards: expand(pattern, cohort=FILES.cohorts & {wildcards.cohort})


def cohort_images(wildcards):
    """The image shards of the experiment's cohort."""
    return COHORT_FILES.images(FILES.cohort(wildcards.experiment))


def experiment_code(script, *parts):
    """Params function: as `code_of`, with the parts of the experiment's family, task and inputs."""
    return lambda wildcards: code_of(script, *FILES.code(wildcards.experiment, *parts))


def evaluation_code(experiment):
    """As `code_of`, of an evaluation; with what restores real images, if the family does."""
    return code_of("evaluate_model", *FILES.evaluation_code(experiment))


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


def kept(wildcards, input):
    """Params function: where outputs are kept. With `input` in its signature it is not compared."""
    return {"folder": LAYOUT.kept, "gib": CONFIG.keep_gib}


def models_of_evaluation(pattern):
    """Input function: this file of the experiment and, if one judges it, of the classifier."""
    return lambda wildcards: expand(pattern, experiment=FILES.judged_with(wildcards.experiment))


def evaluation_gpus(wildcards):
    """Metrics that need no network take no GPU from others."""
    return GPUS if FILES.evaluates_on_gpu(wildcards.experiment) else 0


def of_all(pattern):
    """This file of every experiment."""
    return expand(pattern, experiment=FILES.experiments)


onstart:
    hand_over_forced(workflow.dag_settings)
    if workflow.local_exec and (absent := absent_gpu(CONFIG.device)):
        files = [Path(file) for file in workflow.configfiles]
        give_up(str(ConfigError(with_lines([Mistake("device", absent)], files))))


wildcard_constraints:
    # Names hold no slash or dot, so that a path is read in one way only.
    cohort="[a-z][a-z0-9_]*",
    download="[a-z][a-z0-9_]*",
    experiment="[a-z][a-z0-9_]*",
    shard=r"\d+",
