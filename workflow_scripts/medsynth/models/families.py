"""The model families that experiments may name: one name each."""

from typing import get_args

from medsynth.models.captioner.settings import CaptionerExperiment
from medsynth.models.cascade.settings import CascadeExperiment
from medsynth.models.cyclegan.settings import CycleganExperiment
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.fusion.settings import FusionExperiment
from medsynth.models.guide.settings import GuideExperiment
from medsynth.models.progan.settings import ProganExperiment
from medsynth.models.settings import FamilyExperiment
from medsynth.models.text_ddpm.settings import TextDdpmExperiment

Family = (
    DdpmExperiment
    | TextDdpmExperiment
    | ProganExperiment
    | CycleganExperiment
    | CascadeExperiment
    | CaptionerExperiment
    | FusionExperiment
    | GuideExperiment
)

FAMILY: dict[str, type[FamilyExperiment]] = {
    get_args(f.model_fields["family"].annotation)[0]: f for f in get_args(Family)
}  # by name
