"""One log a job: messages, tracebacks and what libraries print go to the rule's log file.

The terminal is the workflow's, whose jobs run at the same time; it learns from the run info why a
job failed.
"""

from __future__ import annotations

import copy
import errno
import logging
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from medsynth.runtime.run_info import report, reporting_beside
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
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{_last_line(error, guarded=True)}\n"


def _last_line(error: BaseException, guarded: bool) -> str:
    """Kind and message of an error; guarded, without the messages that may quote raw data."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if not guarded or isinstance(error, MedsynthError | ImportError | MemoryError):
        message = str(error)
    elif isinstance(error, OSError) and error.errno:
        message = f"[Errno {error.errno}] {os.strerror(error.errno)}"
    else:
        message = WITHHELD
    return f"{name}: {message}" if message else name


def _tell(error: BaseException, guarded: bool) -> None:
    """Log why the job fails, and report it in short for the terminal."""
    ours = logging.getLogger("medsynth")
    expected = isinstance(error, MedsynthError)
    if expected and not _cause(error):
        ours.error("%s", error)  # says all there is to say
    else:
        ours.exception("the job failed")
    text = str(error) if expected else _last_line(error, guarded)
    if remedy := _remedy(error):
        text, expected = f"{text}; {remedy}", True
    try:
        report({"error": without_raw_names(without_secrets(text)), "defect": not expected})
    except OSError as second:  # the disk is full, as it may have been for the job itself
        ours.error("could not report this: %s", second.strerror)


def _remedy(error: BaseException) -> str | None:
    """What to do about an error that is the machine's."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room, then call snakemake again: what is done is kept"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "take a smaller batch or image_size, or give the job more memory"
    return None


@contextmanager
def _printing_into(log: IO[str], guarded: bool) -> Iterator[None]:
    """Send what this process and its children print to the log; guarded, only how many lines.

    Native code prints to the descriptors, whatever sys.stderr is. A file takes it, because a pipe
    that is full would stop a library that keeps the interpreter's lock.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    before = [os.dup(descriptor) for descriptor in (1, 2)]
    with tempfile.TemporaryFile() as hidden:
        sink = hidden.fileno() if guarded else log.fileno()
        for descriptor in (1, 2):
            os.dup2(sink, descriptor)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, kept in zip((1, 2), before, strict=True):
                os.dup2(kept, descriptor)
                os.close(kept)
            hidden.seek(0)
            if lines := sum(1 for _ in hidden):
                logging.getLogger("medsynth").info("libraries printed %d lines %s", lines, WITHHELD)


@contextmanager
def configure_logging(path: str | Path, *, reads_patients: bool = False) -> Iterator[None]:
    """Log to `path` within the block; an exception is logged, reported and raised again.

    Snakemake does not write a script's traceback into the rule's log, so this must.

    Args:
        reads_patients: the job reads raw data, or tables with a row a patient, image or slide.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    stream = open(path, "w", encoding="utf-8", errors="backslashreplace")
    file = logging.StreamHandler(stream)
    file.setFormatter((GuardedFormatter if reads_patients else MaskedFormatter)(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[file], force=True)
    logging.captureWarnings(True)
    try:
        with reporting_beside(path), _printing_into(stream, reads_patients):
            try:
                yield
            except BaseException as error:
                _tell(error, reads_patients)
                # Python would show it on the terminal, as it is.
                sys.excepthook = lambda *_: None
                raise
    finally:
        # What is said at the exit may name somebody, too: without a handler it would be shown.
        logging.getLogger().addHandler(logging.NullHandler())
        logging.getLogger().removeHandler(file)
        stream.close()
