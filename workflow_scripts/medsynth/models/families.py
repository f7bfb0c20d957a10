"""The model families that experiments may name: one line each."""

from typing import get_args

from medsynth.models.cyclegan.settings import CycleganExperiment
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.progan.settings import ProganExperiment

FAMILIES = (
    DdpmExperiment,
    ProganExperiment,
    CycleganExperiment,
)

FAMILY = {get_args(f.model_fields["family"].annotation)[0]: f for f in FAMILIES}  # by name
