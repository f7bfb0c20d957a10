"""config/full.yaml: what it takes of a GPU's memory, counted, and whether it is right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from medsynth.config.checks.lines import read_yaml
from medsynth.config.loading import parse_config
from medsynth.config.schema import Config
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.ddpm.training import parts
from medsynth.models.ddpm.unet import build_unet

FULL = Path(__file__).parents[2] / "config" / "full.yaml"
GPU_BYTES = 80e9
GIB = 2**30
# In autocast a value may be kept twice, in 32 bits for one operation and in 16 for another.
KEPT_TWICE = 1.5
# A weight in 32 and in 16 bits, its gradient, two moments of Adam, its average.
BYTES_A_WEIGHT = 4 + 2 + 4 + 8 + 4


def kept_for_backward(network: nn.Module, *inputs: torch.Tensor) -> int:
    """Bytes, in 32-bit numbers, that autograd keeps of one pass beside the weights; on `meta`,
    where nothing is computed."""
    weights = {p.untyped_storage()._cdata for p in network.parameters()}
    kept = {}  # the storages themselves, so that no other takes the number of one

    def pack(value: torch.Tensor) -> torch.Tensor:
        storage = value.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        network(*inputs)
    return sum(storage.nbytes() for storage in kept.values())


def test_what_is_kept_is_counted_once_and_without_weights():
    network = nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 4)).to("meta")
    x = torch.empty(5, 8, device="meta")
    # The input, and the hidden layer before and after SiLU.
    assert kept_for_backward(network, x) == 4 * 5 * (8 + 16 + 16)


def needed(experiment: DdpmExperiment, size: int, channels: int) -> float:
    """Bytes at most of a training step; not in it are cuDNN's workspaces, and what a single layer
    needs beside what is kept."""
    train = experiment.train
    batch = max(part.stop - part.start for part in parts(train.batch, train.accumulate))
    with torch.device("meta"):
        network = build_unet(channels, size, 4, train.unet)
        x, t = torch.empty(batch, channels, size, size), torch.ones(batch, dtype=torch.long)
        kept = kept_for_backward(network, x, t, t)
    weights = sum(p.numel() for p in network.parameters())
    return KEPT_TWICE * kept + BYTES_A_WEIGHT * weights


def full(monkeypatch: pytest.MonkeyPatch) -> Config:
    for name in ("MIMIC_CXR", "MIMIC_CXR_JPG", "TCGA"):
        monkeypatch.setenv(name, f"/raw/{name}")
    return parse_config(read_yaml(FULL))


def test_diffusion_at_full_scale_fits_one_gpu(monkeypatch):
    config = full(monkeypatch)
    found = [e for e in config.experiments if isinstance(e, DdpmExperiment)]
    assert found
    for experiment in found:
        form = config.cohorts[experiment.cohort].image_form()
        bytes_ = needed(experiment, form.size, form.channels)
        assert bytes_ < 0.9 * GPU_BYTES, f"{experiment.name}: {bytes_ / GIB:.0f} GiB"
