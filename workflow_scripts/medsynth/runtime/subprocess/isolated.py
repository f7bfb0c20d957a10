"""A process of its own for native code: a file that crashes a library must not end the job."""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import isgenerator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from medsynth.runtime.subprocess.messages import receive, send
from medsynth.store.quarantine import UnusableImage

Result = TypeVar("Result")

TIMEOUT_S, MEMORY_GB = 600, 8  # generous for one file on a slow disk
PR_SET_PDEATHSIG = 1  # of prctl(2)
ITEM, RESULT, ERROR = "item", "result", "error"  # what an answer is


class Isolated:
    """Calls functions in a child process, which is begun anew after a crash.

    OpenSlide ends the process that asks it for a slide whose header promises tiles of 200 GB.
    The child ends with its parent, however that ends, and leaves neither file nor core behind.
    Functions, arguments and results must be picklable; arrays are copied as they are.

    Args:
        timeout_s: seconds after which an answer counts as never coming.
        memory_gb: memory in GB (10^9 bytes) that a call may take.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S, memory_gb: float = MEMORY_GB) -> None:
        self._timeout_s, self._memory_gb = timeout_s, memory_gb
        self._process: Any = None

    def __enter__(self) -> Isolated:
        """Begin the child: begun later, it inherits what is open then, and the locks on it."""
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What `function` returns.

        Raises:
            UnusableImage: crashed, timeout, out_of_memory.
            Exception: what `function` raises.
        """
        self._ask(function, arguments)
        result: Result = self._answer()[1]
        return result

    def each(self, function: Callable[..., Iterator[Result]], *arguments: Any) -> Iterator[Result]:
        """What a generator function yields, as it comes; the limit of time is for each.

        Raises:
            UnusableImage: crashed, timeout, out_of_memory.
            Exception: what `function` raises.
        """
        self._ask(function, arguments)
        while True:
            kind, item = self._answer()
            if kind == RESULT:
                return
            try:
                yield item
            except GeneratorExit:  # nobody wants the rest
                self.close()
                raise

    def _ask(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if self._process is None or not self._process.is_alive():
            self._begin()
        with suppress(ConnectionError):  # the answer tells how it ended
            send(self._socket, (function, arguments))

    def _answer(self) -> tuple[str, Any]:
        try:
            kind, content = receive(self._socket)
        except TimeoutError:
            fault = "timeout", f"no answer within {self._timeout_s:g} s"
        except (EOFError, ConnectionError):
            self._process.join()
            fault = "crashed", _ending(self._process.exitcode)
        else:
            if kind != ERROR:
                return kind, content
            if not isinstance(content, MemoryError):
                raise content
            fault = "out_of_memory", f"more than {self._memory_gb:g} GB"
        self.close()
        raise UnusableImage(*fault)

    def _begin(self) -> None:
        self.close()
        self._socket, theirs = socket.socketpair()
        self._process = multiprocessing.Process(
            target=_serve, args=(theirs, self._socket, os.getpid(), self._memory_gb)
        )
        self._process.start()
        theirs.close()
        self._socket.settimeout(self._timeout_s)
        atexit.register(self.close)

    def close(self) -> None:
        """End the child process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._socket.close()
            self._process = None
            atexit.unregister(self.close)


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(requests: socket.socket, parents_end: socket.socket, parent: int, gb: float) -> None:
    parents_end.close()
    _bind(parent, gb)
    while True:
        try:
            function, arguments = receive(requests)
        except EOFError:
            return
        try:
            result = function(*arguments)
            if isgenerator(result):
                for item in result:
                    send(requests, (ITEM, item))
                result = None
            send(requests, (RESULT, result))
        except Exception as error:
            send(requests, (ERROR, error))


def _bind(parent: int, memory_gb: float) -> None:
    """Tie this process to its parent's life and to its limits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold a patient's image
    faulthandler.disable()  # a crash is the file's fault, and told as its reason
    if sys.platform == "linux":
        # a library that hangs does not see that nobody listens
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + int(memory_gb * 1e9)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
