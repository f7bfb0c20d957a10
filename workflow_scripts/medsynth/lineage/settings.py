"""Where the record is kept, and what of it others can load."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from medsynth.runtime.settings import Name, Settings, Uri


def _no_version(alias: str) -> str:
    if re.fullmatch(r"v\d+|latest", alias, re.IGNORECASE):
        raise ValueError("MLflow keeps latest, v1, v2 … for versions; choose another alias")
    return alias


# What mlflow 3 allows (mlflow/utils/validation.py).
ModelName = Annotated[str, StringConstraints(pattern=r"^[^/:]+$", max_length=256)]
Alias = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=255),
    AfterValidator(_no_version),
]


class Registered(Settings):
    """An entry of MLflow's model registry."""

    name: ModelName = Field(
        description="of the registered model; each new model is a version of it"
    )
    alias: Alias | None = Field(None, description="points to the latest version")


class Lineage(Settings):
    """Where MLflow is, and what it gets."""

    study: str = Field(
        "medsynth", min_length=1, description="MLflow experiment that collects the runs"
    )
    tracking_uri: Uri | None = Field(
        None, description="MLflow server or database; null keeps a SQLite file in results_dir"
    )
    artifact_uri: Uri | None = Field(
        None,
        description="where MLflow keeps files (folder, s3://...) of a study from its first run on;"
        " null: in results_dir, or where the server keeps them",
    )
    publish_models: bool = Field(
        False,
        description="copy models that make images or texts to MLflow, where"
        " `mlflow.pyfunc.load_model` finds them; a withdrawal deletes those that the patient went"
        " into. false: the weights stay in results_dir",
    )
    registry: dict[Name, Registered] = Field(
        {}, description="experiments whose published models enter MLflow's registry"
    )

    @model_validator(mode="after")
    def _registered_are_published(self) -> Lineage:
        if self.registry and not self.publish_models:
            raise ValueError("registry needs publish_models: true, or there is nothing to register")
        return self
