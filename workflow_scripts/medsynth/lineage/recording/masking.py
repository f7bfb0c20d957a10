"""Secrets, and names of raw files, kept out of what Snakemake itself says and writes.

Its log quotes the command line, with `--config` and all, and its children show the errors of jobs
on the terminal; its metadata hold each job's parameters, code and shell command, by which it knows
a changed one. They are starred out before they are compared, too: a changed password alone reruns
nothing.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from medsynth.store.privacy.raw_names import without_raw_names
from medsynth.store.privacy.secrets import without_secrets


def mask_messages() -> None:
    """Star out secrets and names of raw files in all that Snakemake says from now on."""
    from snakemake.logging import logger  # slow, and jobs import this module

    if not any(isinstance(known, MaskingFilter) for known in logger.filters):
        logger.addFilter(MaskingFilter())


def mask_metadata() -> None:
    """Star out secrets in the metadata that Snakemake writes and compares; once a process."""
    from snakemake.persistence import PersistenceBase
    from snakemake.persistence.db import DbPersistence
    from snakemake.persistence.file import FilePersistence

    if hasattr(PersistenceBase._params, "masks"):
        return
    for what in ("_params", "_code"):  # compared with what was recorded, and recorded
        setattr(PersistenceBase, what, _masking(getattr(PersistenceBase, what)))
    for backend in (FilePersistence, DbPersistence):
        backend._write_record = _masking_command(backend._write_record)


class MaskingFilter(logging.Filter):
    """Lets every record pass, its message and the texts that it carries starred out."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in vars(record).items():
            if isinstance(value, str):
                setattr(record, name, without_raw_names(without_secrets(value)))
            elif name == "resources":  # Snakemake's named list, which is the job's own
                setattr(record, name, without_secrets(dict(value.items())))
        return True


def _masking(part: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(part)
    def masked(persistence: Any, of: Any) -> Any:
        return without_secrets(part(persistence, of))

    vars(masked)["masks"] = True
    return masked


def _masking_command(write: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(write)
    def masked(persistence: Any, key: str, record: Any) -> None:
        record.shellcmd = without_secrets(record.shellcmd)
        write(persistence, key, record)

    return masked
