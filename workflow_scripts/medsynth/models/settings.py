"""What the settings of all model families share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, get_args

from pydantic import Field, field_validator

from medsynth.runtime.settings import JOINT, ImageForm, Name, Settings

Together = Annotated[
    int,
    Field(
        ge=1,
        le=65_536,
        description="images generated at once; more need more memory, the noise of each is its own",
    ),
]


def different_labels(labels: list[str] | None) -> list[str] | None:
    """The labels, none of which may be another one with its findings in another order.

    Raises:
        ValueError: one is.
    """
    known: dict[frozenset[str], str] = {}
    for label in labels or []:
        first = known.setdefault(frozenset(part.strip() for part in label.split(JOINT)), label)
        if first is not label:
            raise ValueError(f"{label!r} is {first!r} once more; name each label once")
    return labels


class Sampling(Settings):
    """What every sampling of classes has."""

    per_class: int = Field(64, ge=1, le=1_000_000, description="images for every class")
    labels: list[str] | None = Field(
        None,
        min_length=1,
        description="what to draw: classes or, of images with several findings, these joined, as in"
        " Cardiomegaly + Edema, also such as were never seen together; null: every class or every"
        " combination that at_least asks for",
    )
    # The same images would be drawn as two labels, and count twice.
    _are_different = field_validator("labels")(different_labels)
    at_least: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="training images of a combination of findings that is drawn unasked",
    )
    batch: Together = 64

    def provenance(self) -> dict[str, float | str]:
        """Settings that every image states with seed and model."""
        return {}


ExperimentName = Annotated[
    Name, Field(description="different for each; its results lie in experiments/ under this name")
]
CohortName = Annotated[Name, Field(description="the cohort that it is trained and judged on")]


class Misfit(NamedTuple):
    """Why images do not fit a network: the setting to change, as a path of keys, and the reason."""

    key: str
    why: str


@dataclass(frozen=True)
class Takes:
    """Which experiment may be an input: metadata of a field of :class:`Inputs`.

    Attributes:
        tasks, families: of those that may be; () are all.
        other_cohorts: whether it may be trained on another cohort. Who was trained on there counts
            as trained on here: patients of one id are taken for the same.
    """

    tasks: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    other_cohorts: bool = False


class Inputs(Settings):
    """Base of a family's group `inputs`: other experiments by name, a field for every role.

    Such as ``guide: Annotated[Name, Takes(tasks=("classification",))] = Field(description=…)``. A
    field that may be null is an input that need not be given.
    """


class FamilyExperiment(Settings):
    """An experiment of one family, which the workflow finds by what the family says of itself.

    Attributes:
        task: what goes in and comes out, a folder in medsynth/tasks/.
        folder: package that holds the family's `training` and `sampling`.
        needs: tables of the cohort that training reads beside the manifest.
        channels: numbers of channels that its networks take.
        restores: whether it has a module `restoration`, by which generation judges it on real
            images, too.
        inference: module by which other experiments use a trained model of the family.

    A family that rests on trained models has a field `inputs`, of a subclass of :class:`Inputs`.
    """

    task: ClassVar[str]
    folder: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    restores: ClassVar[bool] = False
    inference: ClassVar[str] = "sampling"

    name: ExperimentName
    family: str
    cohort: CohortName

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse a family that lacks what the configuration or its task asks it for."""
        if "folder" not in cls.__dict__:
            return  # a base of families
        if not get_args(cls.model_fields["family"].annotation):
            raise TypeError(f'{cls.__name__}: write its name as family: Literal["..."]')
        if cls.task == "generation" and "sample" not in cls.model_fields:
            raise TypeError(f"{cls.__name__}: a family of generation needs a group sample")

    def misfit(self, image: ImageForm) -> Misfit | None:
        """What does not fit such square images; None if all does. A family asks this first."""
        if image.channels in self.channels:
            return None
        return Misfit(
            "cohort",
            f"{self.family} takes images of {' or '.join(map(str, self.channels))} channel(s), not"
            f" {image.channels}; take another family, or make the cohort one of these",
        )

    def unsuited(self, role: str, other: FamilyExperiment) -> str | None:
        """Why an experiment that :meth:`takes` allows is no input all the same; None if it is."""
        return None

    def conditions(self) -> list[str]:
        """Covariates that its images are conditioned on."""
        return []

    def named_inputs(self) -> dict[str, str]:
        """The experiments that it rests on, by role."""
        group = self._inputs()
        return group.model_dump(exclude_none=True) if group else {}

    def takes(self, role: str) -> Takes:
        """What may be its input in a role."""
        group = self._inputs()
        assert group, "no inputs, no roles"
        metadata = type(group).model_fields[role].metadata
        return next(one for one in metadata if isinstance(one, Takes))

    def _inputs(self) -> Inputs | None:
        return getattr(self, "inputs", None)


def halving_misfit(key: str, image_size: int, halvings: int) -> Misfit | None:
    """Whether a side in pixels cannot be halved so often."""
    if image_size % 2**halvings == 0:
        return None
    return Misfit(
        key,
        f"{image_size} pixels cannot be halved {halvings} times; lower it, or set the cohort's"
        f" image_size to a multiple of {2**halvings}",
    )
