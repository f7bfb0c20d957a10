"""Whether this machine has what the configuration asks for: GPU, disk, memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from medsynth.check.findings import Findings
from medsynth.config.schema import Config
from medsynth.runtime.lease import absent_gpu

# Measured in the demo's jobs, most of which are libraries; a row of a cohort's tables comes on top.
JOB_GB, ROW_KB = 0.6, 2.0
CLASSES = 3  # where they are not counted


def check_machine(config: Config, cohorts: list[dict[str, Any]], told: Findings) -> None:
    """Tell whether GPU, disk and memory suffice; what is needed is an estimate, and said to be.

    Args:
        config: the configuration.
        cohorts: their counts: cohort, used, classes.
        told: is added to.
    """
    if absent := absent_gpu(config.device):
        (told.note if shutil.which("sbatch") else told.mistake)("device", absent)
    needed, free = max(images_gb(config, cohorts), 0.1), free_gb(config.results_dir)
    text = (
        f"images made take about {needed:.1f} GB (an estimate; models come on top), {free:.1f} GB"
        " are free"
    )
    if needed > free:
        told.mistake(
            "results_dir", f"{text}: choose another disk, smaller images, or fewer of them"
        )
    else:
        told.note("results_dir", text)
    jobs = os.cpu_count() or 1
    rows = sum(row["used"] for row in cohorts)
    memory, there = jobs * JOB_GB + rows * ROW_KB / 1e6, available_gb()
    text = (
        f"{jobs} jobs at once take about {memory:.1f} GB of memory (an estimate, for small"
        f" networks), {there:.1f} GB are available"
    )
    told.note("--cores", text + (": call snakemake with fewer cores" if memory > there else ""))


def images_gb(config: Config, cohorts: list[dict[str, Any]]) -> float:
    """Size of the images that are read and generated, uncompressed."""
    total, counted = 0.0, {row["cohort"]: row for row in cohorts}
    for name, row in counted.items():
        cohort = config.cohorts[name]
        each = getattr(getattr(cohort, "tiles", None), "max_tiles", 1)
        copies = 2 if "stain" in cohort.provided() else 1
        total += row["used"] * each * copies * _bytes(cohort)
    for experiment in config.experiments:
        per_class = getattr(getattr(experiment, "sample", None), "per_class", 0)
        classes = counted.get(experiment.cohort, {}).get("classes", CLASSES)
        if judged_on := config.cohorts.get(experiment.cohort):  # a misspelt one is told elsewhere
            total += per_class * classes * _bytes(judged_on)
    return total / 1e9


def _bytes(cohort: Any) -> int:
    form = cohort.image_form()
    return int(form.size**2 * form.channels * np.dtype(form.dtype).itemsize)


def free_gb(folder: Path) -> float:
    """Free space where a folder is or will be."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free / 1e9


def available_gb() -> float:
    """Memory that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 / 1e9
    return float("inf")
