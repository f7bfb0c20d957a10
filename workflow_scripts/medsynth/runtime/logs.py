"""One log a job: messages and tracebacks go to the rule's log file and to the terminal."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from medsynth.store.secrets import without_secrets

# How a training says in its log where its metrics grow; the lineage collector follows that file.
HISTORY_LINE = re.compile(r"medsynth\.runtime\.loop: history: (.+)$", re.MULTILINE)
# What is read of a log, which may grow long; such lines stand near its top.
HEAD_BYTES = 65536
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class MaskedFormatter(logging.Formatter):
    """Without secrets: an error of a database names its address, password and all."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


@contextmanager
def configure_logging(path: str | Path) -> Iterator[None]:
    """Log to `path` and stderr within the block; an exception is logged and raised again.

    Snakemake does not write a script's traceback into the rule's log, so this must.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler()]
    for handler in handlers:
        handler.setFormatter(MaskedFormatter(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    try:
        yield
    except BaseException:
        logging.getLogger("medsynth").exception("the job failed")
        raise


def said(line: re.Pattern[str], logs: Iterable[str | Path]) -> str | None:
    """The first group of `line` in the first of a job's logs that has it, if any."""
    for path in filter(os.path.isfile, logs):
        with open(path, encoding="utf-8", errors="replace") as file:
            if found := line.search(file.read(HEAD_BYTES)):
                return found[1]
    return None
