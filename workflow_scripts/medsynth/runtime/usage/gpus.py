"""How busy GPUs are, as the driver's own program says: no library of it is needed."""

from __future__ import annotations

import os
import subprocess

# https://docs.nvidia.com/deploy/nvidia-smi: memory is in MiB, power in W.
FIELDS = ("utilization.gpu", "memory.used", "memory.total", "power.draw")
TIMEOUT = 10.0  # seconds; a driver in trouble may not answer at all
MIB = 2**20 / 1e6  # in megabytes


def gpu_usage() -> dict[str, float]:
    """Of the GPUs that this job holds, as MLflow names it; {} without an answer.

    Returns:
        gpu_<i>_utilization_percentage, …_memory_usage_megabytes, …_memory_usage_percentage and
        …_power_usage_watts, i counted in the order of CUDA_VISIBLE_DEVICES. What a device does not
        say is left out.
    """
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not devices:
        return {}
    command = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(
            [*command, f"--id={devices}"], capture_output=True, text=True, timeout=TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, float] = {}
    for i, line in enumerate(said.stdout.splitlines() if said.returncode == 0 else []):
        busy, used, total, watts = map(_number, line.split(","))
        gpu = {"utilization_percentage": busy, "power_usage_watts": watts}
        if used is not None and total:
            gpu["memory_usage_megabytes"] = used * MIB
            gpu["memory_usage_percentage"] = 100 * used / total
        found |= {f"gpu_{i}_{name}": v for name, v in gpu.items() if v is not None}
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # "[N/A]", as of a slice of a GPU
        return None
