"""All diagnoses, in the order in which they are shown."""

from __future__ import annotations

from pathlib import Path

from medsynth.check.environment.diagnosis import Diagnosis
from medsynth.check.environment.hardware import check_gpu, check_space
from medsynth.check.environment.packages import check_licences, check_pins
from medsynth.check.environment.tracking import check_mlflow


def examine_environment(results: Path) -> list[Diagnosis]:
    """What of the installation is well, and what is to be done about the rest.

    Args:
        results: folder of a study, for its disk and its database.
    """
    return [
        *check_pins(),
        *_decoders(),
        *check_gpu(),
        *check_space(results),
        *check_mlflow(results),
        *check_licences(),
    ]


def _decoders() -> list[Diagnosis]:
    try:  # of a package that is not there the pins tell, too, and the other lines must be said
        from medsynth.check.environment.decoders import check_decoders
    except ImportError as error:
        text = f"none was tried: {error}; install the packages of envs/requirements.txt"
        return [Diagnosis("decoders", "all", "wrong", text)]
    return list(check_decoders())
