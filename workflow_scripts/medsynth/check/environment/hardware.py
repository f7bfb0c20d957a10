"""GPU, memory and disk of this machine."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from medsynth.check.environment.diagnosis import Diagnosis
from medsynth.check.machine import available_gb, free_gb
from medsynth.runtime.lease import device_pool, installed_devices

LEAST_GB = {"memory": 4, "disk": 5, "temporary": 1}  # that the demo needs


def check_gpu() -> Iterator[Diagnosis]:
    """The build of torch and what it finds; torch is imported only where there is a GPU."""
    cuda = _cuda_of_torch()
    build = f"torch is built for CUDA {cuda}" if cuda else "torch is built for CPUs"
    names = installed_devices()
    if not names:
        text = f"none here, CPUs do the work; {build}"
        if Path("/proc/driver/nvidia/version").exists():
            text = f"a driver is here, but nvidia-smi names no GPU: look at its output; {build}"
        yield Diagnosis("GPU", "devices", "ok" if "none here" in text else "look", text)
        return
    if not cuda:
        text = f"{len(names)} here, but {build}: pip install torch of a CUDA index, see pytorch.org"
        yield Diagnosis("GPU", "devices", "wrong", text)
        return
    import torch

    if not torch.cuda.is_available():
        text = f"{len(names)} here, but torch sees none: the driver is older than CUDA {cuda}"
        yield Diagnosis("GPU", "devices", "wrong", f"{text}, or CUDA_VISIBLE_DEVICES hides them")
        return
    for number in range(torch.cuda.device_count()):
        free, total = (value / 1e9 for value in torch.cuda.mem_get_info(number))
        text = f"{free:.0f} of {total:.0f} GB free; {build}"
        name = torch.cuda.get_device_name(number)
        yield Diagnosis("GPU", name, "ok" if free > total / 2 else "look", text)
    yield Diagnosis("GPU", "lease", "ok", f"{len(device_pool())} may be used by jobs")


def _cuda_of_torch() -> str | None:
    """As torch/version.py says; its import takes seconds."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    text = Path(spec.submodule_search_locations[0], "version.py").read_text()
    found = re.search(r"^cuda\b.*?= *'([^']+)'", text, re.MULTILINE)
    return found[1] if found else None


def check_space(results: Path) -> Iterator[Diagnosis]:
    """Memory, and disk of the results and of temporary files."""
    temporary = Path(tempfile.gettempdir())
    yield _space("memory", available_gb(), "available", "call snakemake with fewer cores")
    yield _space("disk", free_gb(results), f"free for {results}", "choose another results_dir")
    yield _space("temporary", free_gb(temporary), f"free in {temporary}", "set TMPDIR")


def _space(part: str, gb: float, words: str, remedy: str) -> Diagnosis:
    text, least = f"{gb:.0f} GB {words}", LEAST_GB[part]
    if gb >= least:
        return Diagnosis("space", part, "ok", text)
    return Diagnosis("space", part, "look", f"{text}, and the demo needs {least}: {remedy}")
