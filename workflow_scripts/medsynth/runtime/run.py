"""A job on a device: the frame of training, sampling and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from medsynth.runtime.job import job
from medsynth.runtime.lease import choose_device


@dataclass(frozen=True)
class Run:
    """How something is computed.

    Attributes:
        seed: all randomness derives from it.
        device: where to compute.
    """

    seed: int
    device: torch.device | str


@dataclass(frozen=True)
class TrainingRun(Run):
    """How something is trained.

    Attributes:
        work: folder of its checkpoint and history.
    """

    work: Path


@contextmanager
def run_on_device(snakemake: Any) -> Iterator[Run]:
    """A job as :func:`medsynth.runtime.job.job`, with its GPUs leased and its threads set.

    The rule's params hold {"seed": …} and {"device": …}, its resources the number of GPUs.
    """
    setting: Literal["auto", "cpu", "cuda"] = snakemake.params.device["device"]
    with job(snakemake), choose_device(setting, snakemake.resources.gpu) as device:
        torch.set_num_threads(snakemake.threads)
        yield Run(snakemake.params.seed["seed"], device)
