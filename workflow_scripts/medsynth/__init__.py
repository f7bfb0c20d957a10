"""medsynth: from raw hospital images to generative models whose every number can be traced.

From Python: `medsynth.load` a trained model, open a `medsynth.cohort` for training, let
`medsynth.evaluate` judge images (docs/python.md); what goes wrong by what was given or is lacking
is a `medsynth.Error`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medsynth.api.cohorts import cohort
    from medsynth.api.evaluation import evaluate
    from medsynth.api.models import load
    from medsynth.store.errors import MedsynthError as Error

__all__ = ["Error", "cohort", "evaluate", "load"]
# By name and on first use: every job waits for this import, and depends on all that it imports.
_PLACES = {
    "cohort": "api.cohorts.cohort",
    "evaluate": "api.evaluation.evaluate",
    "load": "api.models.load",
    "Error": "store.errors.MedsynthError",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].rpartition(".")
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
