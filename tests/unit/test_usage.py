"""What a job reports of the machine while it works."""

from __future__ import annotations

import json
import os
import threading

import psutil
import pytest

from medsynth.lineage.erasure.searchable import is_prose
from medsynth.runtime.run_info import (
    SECONDS,
    clear_info,
    info_path,
    read_info,
    report,
    reporting_beside,
)
from medsynth.runtime.usage import sampling
from medsynth.runtime.usage.gpus import gpu_usage
from medsynth.runtime.usage.sampling import Usage, measured

# As nvidia-smi says it with --format=csv,noheader,nounits; a slice of a GPU does not say its load.
DRIVER = """#!/bin/sh
case "$*" in *--id=3,GPU-5*) echo "87, 1024, 4096, 250.5"; echo "[N/A], 512, 2048, [N/A]";; esac
"""


def test_a_job_reports_what_it_used(tmp_path):
    log = tmp_path / "job.log"
    with reporting_beside(log), measured("cpu"):
        held = bytearray(os.urandom(2**20) * 64)
    usage = read_info([log])["usage"]
    assert set(map(len, usage.values())) == {len(usage[SECONDS])} and usage[SECONDS]
    own = usage["process_memory_usage_megabytes"][-1]
    assert len(held) / 1e6 < own < usage["system_memory_usage_megabytes"][-1] + own
    assert 0 < usage["system_memory_usage_percentage"][-1] < 100
    clear_info([log])
    assert read_info([log]) == {}


def test_it_is_reported_of_a_job_that_fails_too(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(KeyError), reporting_beside(log), measured("cpu"):
        raise KeyError
    assert read_info([log])["usage"][SECONDS]


def test_a_process_that_works_is_seen_to_work():
    usage = Usage(dict)
    stop = threading.Event()
    worker = threading.Thread(target=lambda: [hash(i) for i in iter(stop.is_set, True)])
    begun = psutil.Process().cpu_times().user
    worker.start()
    while psutil.Process().cpu_times().user < begun + 0.05:
        pass
    stop.set()
    worker.join()
    usage.sample()
    assert usage.columns()["process_cpu_utilization_percentage"][0] > 0


def test_however_long_it_takes_the_points_are_few_and_cover_all_of_it(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_POINTS", 8)
    usage, calls = Usage(lambda: {"n": float(len(seen))}), 100
    seen: list[int] = []
    for i in range(calls):
        seen.append(i)
        usage.sample()
    numbers = usage.columns()["n"]
    assert 4 <= len(numbers) < 8 and numbers == sorted(numbers) and numbers[-1] > calls - 16
    assert usage.interval > sampling.INTERVAL


def test_what_is_reported_stays_text_that_a_withdrawal_can_search(tmp_path):
    usage = Usage(dict)
    while usage.interval == sampling.INTERVAL:
        longest = usage.columns()
        usage.sample()
    assert len(longest[SECONDS]) == sampling.MOST_POINTS - 1
    with reporting_beside(tmp_path / "log"):
        report({"usage": longest})
    assert is_prose(info_path(tmp_path / "log"))


def test_a_name_that_not_every_sample_has_is_left_out():
    answers = iter([{"gpu_0_power_usage_watts": 5.0}, {}])
    usage = Usage(lambda: next(answers))
    usage.sample(), usage.sample()
    assert "gpu_0_power_usage_watts" not in usage.columns()


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (
            "3,GPU-5",
            {
                "gpu_0_utilization_percentage": 87,
                "gpu_0_power_usage_watts": 250.5,
                "gpu_0_memory_usage_megabytes": pytest.approx(1073.741824),
                "gpu_0_memory_usage_percentage": 25,
                "gpu_1_memory_usage_megabytes": pytest.approx(536.870912),
                "gpu_1_memory_usage_percentage": 25,
            },
        ),
        ("4", {}),
        ("", {}),
    ],
)
def test_gpus_are_those_that_the_job_holds(tmp_path, monkeypatch, devices, expected):
    (tmp_path / "nvidia-smi").write_text(DRIVER)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    assert gpu_usage() == expected


def test_without_a_driver_there_is_nothing_to_say(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpu_usage() == {}


@pytest.mark.parametrize(
    "usage",
    [
        [1],
        {"cpu": [1]},
        {SECONDS: [1], "cpu": [1, 2]},
        {SECONDS: [1], "cpu": ["Doe"]},
        {SECONDS: [1], "cpu": [float("nan")]},
        {SECONDS: [1], "Doe^Jane": [1]},
    ],
)
def test_what_is_no_usage_is_not_taken_over(tmp_path, usage):
    info_path(tmp_path / "log").write_text(json.dumps({"device": "cpu", "usage": usage}))
    assert read_info([tmp_path / "log"]) == {"device": "cpu"}
