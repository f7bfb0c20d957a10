"""Settings that fit the machine: those of the demo without a GPU, larger ones with one."""

from __future__ import annotations

from typing import Any, NamedTuple

from medsynth.runtime.lease import device_pool

DDPM_CPU = {
    "train": {
        **{"steps": 600, "batch": 32, "lr": 0.002, "timesteps": 50},
        **{"beta_start": 0.002, "beta_end": 0.2, "ema_decay": 0.99},
        "unet": {"channels": 8, "multipliers": [1, 2, 4]},
    },
    "sample": {"per_class": 64},
}
DDPM_GPU = {
    "train": {
        **{"steps": 100_000, "batch": 32, "lr": 0.0001, "timesteps": 1000, "ema_decay": 0.9999},
        **{"checkpoint_every": 5000, "log_every": 100},
        "unet": {"channels": 64, "multipliers": [1, 2, 2, 4], "blocks": 2, "attention": [16]},
    },
    "sample": {"per_class": 500},
}
AS_MACHINE = "as the machine allows, see experiments below"
SOFT_TISSUE = [-200, 400]  # HU
CYCLEGAN_CPU = {
    "train": {"steps": 700, "batch": 4, "lr": 0.002, "channels": 8, "hu_range": SOFT_TISSUE}
}
CYCLEGAN_GPU = {
    "train": {
        **{"steps": 50_000, "batch": 8, "channels": 32, "depth": 3, "hu_range": SOFT_TISSUE},
        **{"checkpoint_every": 5000, "log_every": 100},
    }
}


class Machine(NamedTuple):
    """What this machine can train.

    image_size: pixels a side. mpp: micrometres a pixel of slides. settings: of the experiment, by
    family. classifier: settings of the one that judges. why: in words.
    """

    image_size: int
    mpp: float
    settings: dict[str, dict[str, Any]]
    classifier: dict[str, Any]
    why: str


def this_machine() -> Machine:
    """As many GPUs as may be leased decide."""
    if gpus := len(device_pool()):
        return Machine(
            128,
            0.5,
            {"ddpm": DDPM_GPU, "cyclegan": CYCLEGAN_GPU},
            {"steps": 5000, "batch": 64, "lr": 0.0005},
            f"{gpus} GPU(s) here: a first serious run of hours; config/full.yaml has the scale of"
            " the papers",
        )
    return Machine(
        32,
        1.0,
        {"ddpm": DDPM_CPU, "cyclegan": CYCLEGAN_CPU},
        {"steps": 300, "batch": 32, "lr": 0.001},
        "no GPU here: as small as the demo, so that a first page takes minutes; with a GPU take"
        " image_size 128 or 256 and the training of config/full.yaml",
    )
