"""Secrets kept out of what Snakemake itself writes below .snakemake: its log and its metadata.

Its log quotes the command line, with `--config` and all; its metadata hold each job's parameters,
code and shell command, by which it knows a changed one. They are starred out before they are
compared, too: a changed password alone reruns nothing.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from medsynth.store.secrets import without_secrets


def install() -> None:
    """Star out secrets in everything that Snakemake writes from now on in this process."""
    from snakemake.logging import logger  # slow, and jobs import this module
    from snakemake.persistence import PersistenceBase
    from snakemake.persistence.db import DbPersistence
    from snakemake.persistence.file import FilePersistence

    if any(isinstance(known, WithoutSecrets) for known in logger.filters):
        return
    logger.addFilter(WithoutSecrets())
    for what in ("_params", "_code"):  # compared with what was recorded, and recorded
        setattr(PersistenceBase, what, _masking(getattr(PersistenceBase, what)))
    for backend in (FilePersistence, DbPersistence):
        backend._write_record = _masking_command(backend._write_record)


class WithoutSecrets(logging.Filter):
    """Lets every record pass, its message and the texts that it carries starred out."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in vars(record).items():
            if isinstance(value, str):
                setattr(record, name, without_secrets(value))
        return True


def _masking(part: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(part)
    def masked(persistence: Any, of: Any) -> Any:
        return without_secrets(part(persistence, of))

    return masked


def _masking_command(write: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(write)
    def masked(persistence: Any, key: str, record: Any) -> None:
        record.shellcmd = without_secrets(record.shellcmd)
        write(persistence, key, record)

    return masked
