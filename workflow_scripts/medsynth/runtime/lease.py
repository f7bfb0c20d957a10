"""Device lease: a job takes its GPUs itself, because Snakemake counts them and never names one.

One lock file per device in a node-local folder, held with flock(2) by the job process: the kernel
frees it when the process dies, however it dies. Import this before torch initialises CUDA.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Literal

from medsynth.runtime.run_info import report
from medsynth.store.errors import MedsynthError

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.05, 0.25)


class DeviceError(MedsynthError):
    """The devices asked for cannot be had on this machine; waiting would not help."""


def installed_devices() -> list[str]:
    """Names of the NVIDIA GPUs in this machine, in PCI bus order; [] without a working driver."""
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return []
    try:
        listing = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("the GPUs of this machine are not used: %s", error)
        return []
    return listing.stdout.split("\n")[:-1]


def device_pool() -> list[str]:
    """What may be leased: the entries of CUDA_VISIBLE_DEVICES if set, else all there are."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [str(index) for index in range(len(installed_devices()))]
    entries = [entry.strip() for entry in visible.split(",") if entry.strip()]
    # CUDA ignores everything from the first invalid entry on; "-1" is the usual way to say none.
    return entries[: entries.index("-1")] if "-1" in entries else entries


def absent_gpu(setting: str) -> str | None:
    """What is wrong with the configuration's `device` on this machine; None if nothing is."""
    if setting != "cuda" or device_pool():
        return None
    return (
        "cuda is asked for, and no GPU is here; write device: auto, which takes one where it is, or"
        " call it on a machine that has one"
    )


def default_lock_dir() -> Path:
    """The machine's folder of lock files, one for each user.

    Inside a Slurm job it is the job's own: Slurm already keeps jobs apart (and may number every
    job's devices from 0), so leases only divide what this job was given.
    """
    job = os.environ.get("SLURM_JOB_ID")
    name = f"medsynth-devices-{os.getuid()}" + (f"-slurm-{job}" if job else "")
    # Not $TMPDIR, which differs between jobs: leases must meet in one place.
    return Path("/tmp", name)


def _try_lock(path: Path) -> IO[str] | None:
    file = open(path, "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _try_all(count: int, pool: Sequence[str], folder: Path) -> tuple[list[str], ExitStack] | None:
    """Lock `count` devices or none, so that two waiting jobs cannot block each other for good."""
    with ExitStack() as held:
        devices = []
        for device in random.sample(pool, len(pool)):
            if file := _try_lock(folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', device)}.lock"):
                held.enter_context(file)
                devices.append(device)
            if len(devices) == count:
                return sorted(devices, key=list(pool).index), held.pop_all()
    return None


@contextmanager
def lease_devices(
    count: int,
    pool: Sequence[str] | None = None,
    lock_dir: str | Path | None = None,
    timeout: float | None = None,
) -> Iterator[list[str]]:
    """Hold `count` devices of `pool` for the block; no other lease has them meanwhile.

    Args:
        count: devices, all or nothing.
        pool: device ids as CUDA_VISIBLE_DEVICES takes them; default :func:`device_pool`.
        lock_dir: default :func:`default_lock_dir`.
        timeout: seconds to wait for other jobs; None waits without end.

    Raises:
        ValueError: `count` is not positive.
        DeviceError: `count` exceeds the pool.
        TimeoutError: other jobs held the devices for all of `timeout`.
    """
    if count < 1:
        raise ValueError(f"a lease is of one device or more, not {count}")
    pool = device_pool() if pool is None else list(pool)
    if count > len(pool):
        raise DeviceError(
            f"{count} GPU(s) asked for, but there are {len(pool)}: {', '.join(pool) or 'none'};"
            " lower the rule's gpu resource or widen CUDA_VISIBLE_DEVICES"
        )
    folder = Path(lock_dir) if lock_dir else default_lock_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = None if timeout is None else time.monotonic() + timeout
    waiting = False
    while not (lease := _try_all(count, pool, folder)):
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"no {count} of {len(pool)} GPU(s) became free in {timeout} s")
        if not waiting:
            log.info("waiting for %d of %d GPU(s) that other jobs hold", count, len(pool))
            waiting = True
        time.sleep(random.uniform(*RETRY_SECONDS))
    devices, held = lease
    with held:
        yield devices


@contextmanager
def _visible(devices: Sequence[str]) -> Iterator[None]:
    if (torch := sys.modules.get("torch")) and torch.cuda.is_initialized():
        raise DeviceError("CUDA is already initialised; choose the device before using it")
    # PCI order makes index i mean the same device for every process and for nvidia-smi.
    changes = {"CUDA_VISIBLE_DEVICES": ",".join(devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def choose_device(
    setting: Literal["auto", "cpu", "cuda"], gpus: int
) -> Iterator[Literal["cpu", "cuda"]]:
    """Yield the torch device of this job, with its GPUs leased and alone visible in the block.

    Args:
        setting: the configuration's `device`; auto takes GPUs if the machine has any.
        gpus: what Snakemake granted, `snakemake.resources.gpu`.

    Raises:
        DeviceError: setting is cuda and there is no GPU, or none was granted; or more were
            granted than there are.
    """
    if setting == "cuda" and not device_pool():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = "this machine has none" if visible is None else f"CUDA_VISIBLE_DEVICES is {visible!r}"
        raise DeviceError(
            f"device: cuda asks for a GPU, and there is none to use: {why}; device: auto takes the"
            " CPU then"
        )
    if setting == "cuda" and gpus < 1:
        raise DeviceError("device: cuda, but the job was granted no GPU; use --resources gpu=N")
    if setting == "cpu" or gpus < 1 or (setting == "auto" and not device_pool()):
        why = " (no GPU found)" if setting == "auto" and gpus else ""
        _report_device(f"cpu{why}")
        with _visible([]):
            yield "cpu"
        return
    with lease_devices(gpus) as devices, _visible(devices):
        names = ", ".join(sorted(set(installed_devices())))
        _report_device(f"cuda {','.join(devices)} ({names})")
        yield "cuda"


def _report_device(device: str) -> None:
    log.info("device: %s", device)
    report({"device": device})
