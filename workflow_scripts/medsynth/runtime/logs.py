"""One log a job: messages and tracebacks go to the rule's log file and to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def configure_logging(path: str | Path) -> Iterator[None]:
    """Log to `path` and stderr within the block; an exception is logged and raised again.

    Snakemake does not write a script's traceback into the rule's log, so this must.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler()]
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=handlers,
        force=True,
    )
    logging.captureWarnings(True)
    try:
        yield
    except BaseException:
        logging.getLogger("medsynth").exception("the job failed")
        raise
