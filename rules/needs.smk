"""What heavy jobs ask of a cluster: `mem_mb`, and `runtime` in minutes; no rules here.

On one machine they hold nothing up: Snakemake compares them with what the call allows, as in
`--resources mem_mb=32000`, and allows all where it says nothing. To ask for other figures:
`--set-resources train_model:runtime=600 sample_model:mem_mb=16000`.

Measured in the demo on two cores: jobs with torch took 390 to 560 MB, of which 130 were of the batch
(4 kB a pixel at 8 channels), shards 180 to 300 MB, the page 300 MB, and a step of training 0.03 to
0.12 s. What is asked for at other sizes is an estimate, and generous: a job that is ended too early
goes on from its checkpoint only when it is submitted again, as profiles/slurm has it. Then it asks
for as much memory once more, because it may have been killed for that.
"""

from medsynth.runtime.subprocess.isolated import MEMORY_GB

HOUR = 60
TABLES_MB = 4000  # of 377,110 images, and what is counted of them
TORCH_MB = 8000  # with CUDA, and tables of as many images
BATCH_KB = 64  # a pixel of a batch, of 128 channels, where it lies in main memory: on the CPU
STEP_S = 1.0  # of training, at 256 x 256 pixels on one GPU or at the demo's size on two cores


def growing(mb):
    """Resource function: so many MB in the first attempt, twice as many in the second …"""
    return lambda wildcards, attempt: attempt * (mb(wildcards) if callable(mb) else mb)


def reading_mb(wildcards):
    """The reader of a file is ended at its limit; little else is in memory."""
    tiles = getattr(COHORTS[wildcards.cohort], "tiles", None)
    return 2000 + int(1000 * (tiles.memory_gb if tiles else MEMORY_GB))


def training_mb(wildcards):
    """On a GPU images and network lie in its own memory."""
    if GPUS:
        return TORCH_MB
    batch, size = (FILES.experiments[wildcards.experiment].train.batch, image_size(wildcards))
    return 2000 + batch * size**2 * BATCH_KB // 1000


def training_minutes(wildcards):
    """An hour, and a second a step."""
    return HOUR + int(FILES.experiments[wildcards.experiment].train.steps * STEP_S / 60)


def image_size(wildcards):
    return FILES.image_form(wildcards.experiment)["size"]
