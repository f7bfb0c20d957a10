"""The device lease: no overlap, freed by death, errors instead of hangs."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from subprocess import CalledProcessError

import pytest

from medsynth.runtime import lease
from medsynth.runtime.lease import DeviceError, choose_device, lease_devices

POOL = ["0", "1", "2"]
fork = multiprocessing.get_context("fork")


def _hold_often(folder, counts, overlaps, index):
    """Take 1 or 2 devices again and again; while held, each must be marked by nobody else."""
    for turn in range(15):
        with lease_devices(1 + (index + turn) % 2, POOL, folder / "locks") as devices:
            for device in devices:
                try:
                    os.close(os.open(folder / device, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    overlaps.value += 1
            time.sleep(0.002)
            for device in devices:
                os.unlink(folder / device)
    counts.value += 1


def test_eight_jobs_on_three_devices_never_overlap(tmp_path):
    done, overlaps = fork.Value("i", 0), fork.Value("i", 0)
    jobs = [fork.Process(target=_hold_often, args=(tmp_path, done, overlaps, i)) for i in range(8)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 8
    assert overlaps.value == 0


def _hold_forever(folder, ready):
    with lease_devices(3, POOL, folder):
        ready.set()
        time.sleep(600)


def test_a_killed_holder_frees_its_devices(tmp_path):
    ready = fork.Event()
    holder = fork.Process(target=_hold_forever, args=(tmp_path, ready))
    holder.start()
    ready.wait()
    with pytest.raises(TimeoutError, match="no 1 of 3"):
        with lease_devices(1, POOL, tmp_path, timeout=0):
            pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with lease_devices(3, POOL, tmp_path, timeout=0) as devices:
        assert devices == POOL


def test_a_lease_that_cannot_be_whole_holds_nothing(tmp_path):
    with lease_devices(2, POOL, tmp_path) as held:
        with pytest.raises(TimeoutError), lease_devices(2, POOL, tmp_path, timeout=0):
            pass
        with lease_devices(1, POOL, tmp_path, timeout=0) as rest:
            assert sorted(held + rest) == POOL


def test_more_than_the_pool_is_an_error_at_once(tmp_path):
    with pytest.raises(DeviceError, match=r"4 GPU\(s\) asked for, but there are 3"):
        with lease_devices(4, POOL, tmp_path):
            pass
    with pytest.raises(ValueError):
        with lease_devices(0, POOL, tmp_path):
            pass


@pytest.mark.parametrize(
    ("visible", "pool"), [("2, 5", ["2", "5"]), ("", []), ("-1", []), ("GPU-ab,1", ["GPU-ab", "1"])]
)
def test_the_pool_is_what_cuda_visible_devices_says(monkeypatch, visible, pool):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert lease.device_pool() == pool


def test_without_the_variable_the_pool_is_every_device(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(lease, "installed_devices", lambda: ["A", "A"])
    assert lease.device_pool() == ["0", "1"]


def test_slurm_jobs_do_not_share_a_lock_folder(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    alone = lease.default_lock_dir()
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert lease.default_lock_dir() != alone


def test_auto_without_a_gpu_is_cpu_and_says_so_once(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with caplog.at_level(logging.INFO), choose_device("auto", 1) as device:
        assert device == "cpu"
    assert [r.getMessage() for r in caplog.records] == ["device: cpu (no GPU found)"]


def test_a_gpu_is_leased_alone_visible_and_given_back(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    monkeypatch.setattr(lease, "default_lock_dir", lambda: tmp_path)
    monkeypatch.setattr(lease, "installed_devices", lambda: ["H100"])
    with caplog.at_level(logging.INFO), choose_device("auto", 1) as device:
        assert device == "cuda"
        mine = os.environ["CUDA_VISIBLE_DEVICES"]
        assert mine in ("4", "7")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,7"
    assert caplog.records[-1].getMessage() == f"device: cuda {mine} (H100)"


def test_cpu_hides_the_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with choose_device("cpu", 0) as device:
        assert (device, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cpu", "")


@pytest.mark.parametrize(("visible", "gpus"), [("", 1), ("0", 0), ("0", 2)])
def test_cuda_that_cannot_be_had_is_an_error(monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(DeviceError), choose_device("cuda", gpus):
        pass


@pytest.mark.parametrize("failure", [FileNotFoundError("nvidia-smi"), CalledProcessError(9, "x")])
def test_a_driver_that_does_not_work_is_no_gpu(monkeypatch, caplog, failure):
    def fails(*arguments, **options):
        raise failure

    monkeypatch.setattr(lease.Path, "glob", lambda folder, pattern: [folder / "nvidia0"])
    monkeypatch.setattr(lease.subprocess, "run", fails)
    assert lease.installed_devices() == [] and "not used" in caplog.text
