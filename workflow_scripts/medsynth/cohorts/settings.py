"""What every kind of cohort tells the configuration, the rules and the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from medsynth.cohorts.wording import Words
from medsynth.runtime.settings import ImageForm, Settings, Split, TableLabel

JOINT = " + "  # stands between the findings of an image


def _are_different(findings: list[str]) -> list[str]:
    if twice := [name for i, name in enumerate(findings) if name in findings[:i]]:
        raise ValueError(f"{twice[0]} stands twice; name each class once")
    if joint := [name for name in findings if JOINT in name]:
        raise ValueError(f"{joint[0]!r} holds {JOINT!r}, which joins several findings; rename it")
    return findings


Findings = Annotated[list[str], Field(min_length=2), AfterValidator(_are_different)]
Several = Annotated[
    Literal["use", "exclude"],
    Field(
        description="images with several of the findings: the model learns and draws all of them"
        " together (use), or the images are excluded as ambiguous (exclude). 'No Finding' beside a"
        " finding is a contradiction, and the image is quarantined"
    ),
]


class CohortSettings(Settings):
    """Base of the kinds; each has the fields kind, root, index (with label and shards) and split.

    Attributes:
        folder: package of the kind; its modules ``index`` and ``shard`` each have a function of
            that name and SETTINGS, the class of what it is given.
        tasks: what the images can be for.
        words: for the page.
        single: form of a generated image as a single file.
        shard_threads: used by the shard function.
        provides: further tables of the cohort that an experiment may need.
    """

    folder: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]]
    words: ClassVar[Words]
    single: ClassVar[Literal["dicom", "png"]]
    shard_threads: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # fields of every kind, each in its own order and words
        root: Path
        index: Any  # a group with shards and, unless label_kind is overridden, label
        split: Split

    def image_form(self) -> ImageForm:
        """What the images of the shards are like."""
        raise NotImplementedError

    def pixel_um(self) -> float | None:
        """Side of a pixel in micrometres; None where images differ or it is not known."""
        return None

    def covariates(self) -> tuple[str, ...]:
        """Columns of the manifest that describe patient or image, beside the label."""
        return ()

    def label_kind(self) -> str:
        """Where the classes come from: a table of the user (table), or what else."""
        return str(self.index.label.kind)

    def classes(self) -> list[str]:
        """The classes that these settings name, each of which must be found; empty where a table
        says which there are."""
        return []

    def index_settings(self) -> Settings:
        """What the index depends on."""
        index: Settings = self.index
        return index

    def shard_settings(self) -> Settings:
        """What the shards depend on."""
        raise NotImplementedError

    def raw_paths(self) -> dict[str, list[Path]]:
        """Raw paths that must exist, by the key of this group that names them."""
        label = self.index.label
        named = {"index.label.path": [label.path]} if isinstance(label, TableLabel) else {}
        return {"root": [self.root]} | named

    def tables_apart(self) -> list[Path]:
        """Tables that the index reads beside what is in root; those that are there."""
        label = self.index.label
        return [label.path] if isinstance(label, TableLabel) else []

    def optional_paths(self) -> list[Path]:
        """Raw paths that need not exist."""
        return []
