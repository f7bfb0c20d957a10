"""medsynth: from raw hospital images to generative models whose every number can be traced.

From Python: `medsynth.load` a trained model, open a `medsynth.cohort` for training, let
`medsynth.evaluate` judge images (docs/guides/python.md); what goes wrong by what was given or is
lacking is a `medsynth.Error`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medsynth.api.cohorts import cohort as cohort
    from medsynth.api.evaluation import evaluate as evaluate
    from medsynth.api.models import load as load
    from medsynth.store.errors import MedsynthError

    Error = MedsynthError

# Every job waits for this file and depends on all that it names: so it names nothing.
_DOOR = f"{__name__}.api.door"


def __getattr__(name: str) -> Any:
    if name.startswith("__") or name not in (places := import_module(_DOOR).PLACES):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = places[name].rpartition(".")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module(_DOOR).PLACES})
