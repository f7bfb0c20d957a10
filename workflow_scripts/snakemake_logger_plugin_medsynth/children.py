"""What jobs print before they have a log of their own, kept off the screen.

A script that cannot be imported, or that Ctrl-C meets while it imports, shows its traceback where
Snakemake's own output goes: in the middle of the line that is rewritten.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

FOLDER = Path(".snakemake", "log")  # beside Snakemake's own


class ChildrensOutput:
    """A file that descriptors 1 and 2, which jobs inherit, lead to; sys.stdout and stderr do not.

    Attributes:
        path: the file, which goes if it stays empty.
    """

    def __init__(self) -> None:
        self.path = FOLDER / f"jobs-{os.getpid()}.log"
        self._before: list[tuple[str, int, TextIO]] = []

    def begin(self) -> None:
        """From now on; where the file cannot be made, all stays as it was."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        except OSError:
            return
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            stream.flush()
            self._before.append((name, descriptor, stream))
            screen = os.fdopen(
                os.dup(descriptor), "w", 1, encoding=stream.encoding, errors=stream.errors
            )
            setattr(sys, name, screen)
            os.dup2(file, descriptor)
        os.close(file)

    def end(self) -> None:
        """Undo it."""
        for name, descriptor, stream in self._before:
            with getattr(sys, name) as screen:
                os.dup2(screen.fileno(), descriptor)
            setattr(sys, name, stream)
        if self._before and not self.path.stat().st_size:
            self.path.unlink()
        self._before = []
