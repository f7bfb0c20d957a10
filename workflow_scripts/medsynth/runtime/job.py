"""The frame of every script: what a job does before and after its work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from medsynth.runtime.logs import configure_logging


@contextmanager
def job(snakemake: Any, *, reads_patients: bool = False) -> Iterator[None]:
    """Run the block as the rule's job: what it logs, and why it fails, stand in the rule's log.

    Args:
        snakemake: the object of this name that Snakemake gives to scripts.
        reads_patients: the job reads raw data, or tables with a row a patient, image or slide.
    """
    # What the script has imported stays to the end: no look for garbage need go through it, nor the
    # end of the process, which takes half a second with torch.
    gc.freeze()
    with configure_logging(snakemake.log[0], reads_patients=reads_patients):
        yield
