"""Settings of the metrics."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator

from medsynth.runtime.settings import Name, Settings, each_once


class SyntheticTraining(Settings):
    experiments: list[Name] = Field(
        [],
        description="experiments that generate images of classes, on which, on real images and on"
        " both classifiers are trained and judged on real test patients; four trainings a seed",
    )
    seeds: int = Field(3, ge=1, le=1000, description="trainings of each classifier")

    _are_different = field_validator("experiments")(each_once)


class Evaluation(Settings):
    kid_subsets: int = Field(
        50, ge=2, le=100_000, description="random subsets behind KID's interval"
    )
    kid_subset_size: int = Field(
        50, ge=2, le=1_000_000, description="images of a subset on each side, half of all at most"
    )
    bootstrap: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="resamples behind a bootstrap interval; 0: no such interval",
    )
    subgroups: list[Name] | dict[Name, list[Name]] = Field(
        [],
        description="covariates (of mimic_cxr: view; of ct: manufacturer, kernel; of images: those"
        " of columns.covariates) for whose groups metrics are computed apart; a list for all"
        " cohorts, or one by cohort, as {cxr: [view]}. Unknown is a group of its own",
    )
    age_bands: list[Annotated[int, Field(le=150)]] = Field(
        [18, 40, 65],
        min_length=1,
        description="ages in years with which a band of the covariate age begins, after the first",
    )
    subgroup_patients: int = Field(
        10,
        ge=5,
        le=1_000_000,
        description="patients whom a subgroup must have for its metrics to be shown; those of"
        " fewer would tell about persons, and little about the model",
    )

    @field_validator("subgroups")
    @classmethod
    def _are_different(
        cls, subgroups: list[str] | dict[str, list[str]]
    ) -> list[str] | dict[str, list[str]]:
        for names in subgroups.values() if isinstance(subgroups, dict) else [subgroups]:
            each_once(names)
        return dict(sorted(subgroups.items())) if isinstance(subgroups, dict) else subgroups

    @field_validator("age_bands")
    @classmethod
    def _rise(cls, ages: list[int]) -> list[int]:
        if any(a >= b for a, b in pairwise([0, *ages])):
            raise ValueError("give ages above 0, each above the one before")
        return ages

    def of_cohort(self, cohort: str) -> Evaluation:
        """These settings with the subgroups of one cohort, as a list."""
        if isinstance(self.subgroups, list):
            return self
        return self.model_copy(update={"subgroups": self.subgroups.get(cohort, [])})
