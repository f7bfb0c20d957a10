"""Calls in a process of their own: what a library does there ends neither the job nor lasts."""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.quarantine import UnusableImage


@pytest.fixture
def in_child():
    with Isolated(60, 0.5) as child:
        yield child


def _segfault() -> None:
    faulthandler.disable()  # pytest's would print where
    ctypes.string_at(0)


def _abort() -> None:
    faulthandler.disable()
    os.abort()


def _fill() -> None:
    np.ones(10**9)  # 8 GB


def _numbers(until: int, then=None):
    yield from range(until)
    if then:
        then()


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (_segfault, "crashed", "SIGSEGV"),
        (_abort, "crashed", "SIGABRT"),
        (partial(os._exit, 3), "crashed", "exit code 3"),
        (partial(time.sleep, 600), "timeout", "no answer within 2 s"),
        (_fill, "out_of_memory", "more than 0.5 GB"),
    ],
)
def test_a_fault_of_native_code_is_one_unusable_file_and_the_next_is_read(fault, reason, detail):
    with Isolated(2 if reason == "timeout" else 60, 0.5) as in_child:
        assert in_child(len, "abc") == 3
        found = []
        with pytest.raises(UnusableImage) as caught:
            for number in in_child.each(_numbers, 3, fault):
                found.append(number)
        assert (caught.value.reason, caught.value.detail) == (reason, detail)
        assert found == [0, 1, 2]
        assert in_child(len, "abcd") == 4


def test_a_child_killed_between_two_calls_is_no_fault_of_the_second(in_child):
    os.kill(in_child(os.getpid), signal.SIGKILL)
    in_child._process.join(60)  # it has ended, however busy the machine is
    assert in_child(len, "abc") == 3


def test_errors_are_raised_here(in_child):
    with pytest.raises(ValueError, match="invalid literal"):
        in_child(int, "x")
    with pytest.raises(AttributeError, match="pickle"):
        in_child(_not_picklable)
    assert in_child(len, "abc") == 3


def test_an_ordinary_error_does_not_end_the_child(in_child):
    child = in_child(os.getpid)
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_child.each(_numbers, 3, partial(int, "x")))
    assert in_child(os.getpid) == child


def _not_picklable():
    return lambda: None


def test_the_limit_of_time_is_for_each_item_not_for_all():
    with Isolated(1, 1) as in_child:
        assert list(in_child.each(_slow, 5, 0.3)) == [0, 1, 2, 3, 4]


def _slow(count: int, seconds: float):
    for k in range(count):
        time.sleep(seconds)
        yield k


def test_items_that_nobody_wants_do_not_answer_the_next_call(in_child):
    assert next(in_child.each(_numbers, 1000)) == 0
    assert in_child(len, "abc") == 3


def _arrays():
    numbers = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    return {
        "plain": numbers,
        "fortran": np.asfortranarray(numbers),
        "strided": numbers[:, ::2],
        "empty": np.empty((0, 5), np.float32),
        "large": np.arange(10**6, dtype=np.uint32),
        "texts": np.array(["a", None], object),
    }


def test_arrays_come_back_as_they_were_and_may_be_changed(in_child):
    for name, array in in_child(_arrays).items():
        np.testing.assert_array_equal(array, _arrays()[name])
        assert array.dtype == _arrays()[name].dtype
        array[...] = 0


def _hanging_parent(pipe) -> None:
    """A job whose child hangs in native code, deaf to signals that Python would handle."""
    child = Isolated(600, 1)
    pipe.send(child(os.getpid))
    child(partial(ctypes.PyDLL(None).usleep, 100_000_000))  # with the interpreter's lock


def _idle_parent(pipe) -> None:
    child = Isolated(600, 1)
    pipe.send(child(os.getpid))
    time.sleep(600)


@pytest.mark.parametrize("job", [_hanging_parent, _idle_parent])
def test_a_killed_job_leaves_no_process_and_no_shared_memory(job):
    ours, theirs = multiprocessing.Pipe()
    parent = multiprocessing.Process(target=job, args=(theirs,))
    parent.start()
    child = ours.recv()
    # What other tests of this process have shared is inherited.
    assert _shared(child) <= _shared(os.getpid())
    time.sleep(0.2)  # it hangs by now
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child outlives its parent")


def _shared(pid: int) -> set[str]:
    """Shared memory that a process has mapped."""
    maps = Path(f"/proc/{pid}/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return {line.split(maxsplit=5)[-1] for line in lines if "/dev/shm" in line}


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie, which a container without init may keep."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
