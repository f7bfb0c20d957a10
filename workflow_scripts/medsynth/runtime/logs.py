"""One log a job: messages and tracebacks go to the rule's log file and to the terminal."""

from __future__ import annotations

import copy
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medsynth.runtime.run_info import reporting_beside
from medsynth.store.errors import MedsynthError
from medsynth.store.privacy.raw_names import without_raw_names
from medsynth.store.privacy.secrets import without_secrets

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
WITHHELD = "(not shown: it may quote raw data)"
# Place and kind in a warning as Python formats it.
WARNING = re.compile(r".+?:\d+: \w+(?=: )")


class MaskedFormatter(logging.Formatter):
    """Without secrets and names of raw files: an error names its database, password and all."""

    def format(self, record: logging.LogRecord) -> str:
        return without_raw_names(without_secrets(super().format(record)))


class GuardedFormatter(MaskedFormatter):
    """What libraries say may quote a file's name, header or row: of that only kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_text = None  # perhaps another formatter's
        if not _is_ours(record.name):
            head = WARNING.match(record.getMessage()) if record.name == "py.warnings" else None
            record.msg, record.args = (f"{head[0]}: " if head else "") + WITHHELD, ()
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802, logging's name
        return "".join(_told(ei[1])).rstrip("\n")


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "medsynth"


def _cause(error: BaseException) -> BaseException | None:
    """The error that led to this one, if Python would show it."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException) -> Iterator[str]:
    """A traceback in which libraries' errors have no message."""
    if before := _cause(error):
        yield from _told(before)
        yield "\nThat led to:\n\n"
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if isinstance(error, MedsynthError | ImportError | MemoryError):
        message = str(error)
    elif isinstance(error, OSError) and error.errno:
        message = f"[Errno {error.errno}] {os.strerror(error.errno)}"
    else:
        message = WITHHELD
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{name}: {message}\n"


@contextmanager
def configure_logging(path: str | Path, *, reads_patients: bool = False) -> Iterator[None]:
    """Log to `path` and stderr within the block; an exception is logged and raised again.

    Snakemake does not write a script's traceback into the rule's log, so this must.

    Args:
        reads_patients: the job reads raw data, or tables with a row a patient, image or slide.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, mode="w")
    handlers: list[logging.Handler] = [file, logging.StreamHandler()]
    formatter = (GuardedFormatter if reads_patients else MaskedFormatter)(FORMAT)
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    try:
        with reporting_beside(path):
            yield
    except BaseException as error:
        ours = logging.getLogger("medsynth")
        if isinstance(error, MedsynthError) and not _cause(error):
            ours.error("%s", error)  # says all there is to say
        else:
            ours.exception("the job failed")
        # The terminal has it already; Python would show it there once more, as it is.
        sys.excepthook = lambda *_: None
        raise
    finally:
        # The terminal's stays: what is said at the exit may name somebody, too.
        logging.getLogger().removeHandler(file)
        file.close()
