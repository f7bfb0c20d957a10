"""A process of its own for native code: a file that crashes a library must not end the job."""

from __future__ import annotations

import atexit
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from medsynth.store.quarantine import UnusableImage

Result = TypeVar("Result")


class Isolated:
    """Calls functions in a child process, which is begun anew after a crash.

    OpenSlide ends the process that asks it for a slide whose header promises tiles of 200 GB.

    Args:
        patience_s: seconds after which a call counts as hanging; None waits for ever.
    """

    def __init__(self, patience_s: float | None = None) -> None:
        self._patience_s = patience_s
        self._process: Any = None

    def __call__(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What `function` returns; function, arguments and result must be picklable.

        Raises:
            UnusableImage: crashed.
            Exception: what `function` raises.
        """
        if self._process is None:
            self._begin()
        self._pipe.send((function, arguments))
        try:
            if self._pipe.poll(self._patience_s):
                error, result = self._pipe.recv()
                if error is not None:
                    raise error
                return result
            died = f"no answer within {self._patience_s} s"
        except (EOFError, ConnectionResetError):
            self._process.join()
            died = f"exit code {self._process.exitcode}"
        self.close()
        raise UnusableImage("crashed", died)

    def _begin(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(theirs, self._pipe))
        self._process.start()
        theirs.close()
        atexit.register(self.close)

    def close(self) -> None:
        """End the child process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None
            atexit.unregister(self.close)


def _serve(pipe: Connection, parents_end: Connection) -> None:
    parents_end.close()  # else this process would outlive a killed parent
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = None, function(*arguments)
        except Exception as error:
            answer = error, None
        pipe.send(answer)
