"""What takes long to make and many tests look at: made once, by the first worker that comes."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(
    name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory, worker: str
) -> Path:
    """The folder that `make` has filled, the same one for all workers; the others wait for it.

    Whoever gets it leaves it as it is, for others read it meanwhile.
    """
    base = factory.getbasetemp()
    place = (base if worker == "master" else base.parent) / name
    place.mkdir(exist_ok=True)
    folder = place / "made"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "ready").exists():
            make(folder)
            (place / "ready").touch()
    return folder
