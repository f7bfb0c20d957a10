"""What every kind of cohort tells the configuration, the rules and the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import AfterValidator, Field

from medsynth.cohorts.wording import Words
from medsynth.runtime.settings import JOINT, ImageForm, Settings, Split, TableLabel


def _are_different(findings: list[str]) -> list[str]:
    plain = [re.sub(r"[\s_]+", " ", name).strip().casefold() for name in findings]
    for i, name in enumerate(findings):
        if name in findings[:i]:
            raise ValueError(f"{name} stands twice; name each class once")
        if plain[i] in plain[:i]:
            raise ValueError(
                f"{name!r} and {findings[plain.index(plain[i])]!r} differ in capitals or spaces"
                " only; rename one, or leave it out"
            )
        if JOINT in name or name.strip().startswith("+") or name.strip().endswith("+"):
            raise ValueError(
                f"{name!r} holds {JOINT!r}, or begins or ends with '+': {JOINT!r} joins several"
                " findings of an image, and they could not be told apart; rename it"
            )
    return findings


Findings = Annotated[list[str], Field(min_length=2), AfterValidator(_are_different)]
Several = Annotated[
    Literal["use", "exclude"],
    Field(
        description="images with several of the findings: the model learns and draws all of them"
        " together (use), or the images are excluded as ambiguous (exclude). 'No Finding' or"
        " 'Normal' beside a finding is a contradiction, and the image is quarantined"
    ),
]


# What rules may make of a cohort beside its images, and the field of its settings that they take.
FIELD_OF = {
    "genotypes": "genotypes",
    "nifti": None,
    "pairs": None,  # of CT the field pair; channels of one image need no settings
    "patients": "patients",
    "reports": "reports",
    "stain": "stain",
    "texts": "text",
}


class TableColumns(NamedTuple):
    """A table and the headings that it must have, each with the cohort's key that says so."""

    path: Path
    headings: list[tuple[str, str]]


class CohortSettings(Settings):
    """Base of the kinds; each has the fields kind, root, index (with label and shards) and split.

    Attributes:
        folder: package of the kind; its modules ``index`` and ``shard`` each have a function of
            that name and SETTINGS, the class of what it is given.
        tasks: what the images can be for.
        words: for the page.
        single: form of a generated image as a single file.
        shard_threads: used by the shard function.
        provides: keys of FIELD_OF: what the rules may make of it, and experiments may need. By this
            alone they pick cohorts, whatever fields a kind has.
        read_later: the first parts of keys of raw_paths that other rules read than the index.
        opens_files: whether its index reads the header of every file.
    """

    folder: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]]
    words: ClassVar[Words]
    single: ClassVar[Literal["dicom", "png"]]
    shard_threads: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ()
    read_later: ClassVar[tuple[str, ...]] = ()
    opens_files: ClassVar[bool] = False

    if TYPE_CHECKING:  # fields of every kind, each in its own order and words
        root: Path
        index: Any  # a group with shards and, unless label_kind is overridden, label
        split: Split

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse a kind without a name, or that provides what it has no settings for."""
        if "folder" in cls.__dict__ and not get_args(cls.model_fields["kind"].annotation):
            raise TypeError(f'{cls.__name__}: write its name as kind: Literal["..."]')
        for made in cls.provides:
            if made not in FIELD_OF:
                raise TypeError(f"{cls.__name__} provides {made}; there are: {', '.join(FIELD_OF)}")
            if (field := FIELD_OF[made]) and field not in cls.model_fields:
                raise TypeError(f"{cls.__name__} provides {made}, and so needs a field {field}")

    def provided(self) -> tuple[str, ...]:
        """What of `provides` these settings ask for."""
        return self.provides

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

    def label_heading(self) -> str | None:
        """The heading of the column that says the class, if a table does."""
        heading: str | None = getattr(self.index.label, "value", None)
        return heading

    def classes(self) -> list[str]:
        """The classes that these settings name, each of which must be found; empty where a table
        says which there are."""
        return []

    def several(self) -> bool:
        """Whether an image may have several of the classes."""
        return False

    def index_settings(self) -> Settings:
        """What the index depends on."""
        index: Settings = self.index
        return index

    def shard_settings(self) -> Settings:
        """What the shards depend on."""
        raise NotImplementedError

    def trial_settings(self) -> Any:
        """As shard_settings, but no more is made of a file than tells whether it can be read."""
        return self.shard_settings()

    def raw_paths(self) -> dict[str, list[Path]]:
        """Raw paths that must exist, by the key of this group that names them.

        The index is made anew when one of them changes, but for those that are read later.
        """
        label = self.index.label
        named = {"index.label.path": [label.path]} if isinstance(label, TableLabel) else {}
        return {"root": [self.root]} | named

    def tables_read(self) -> list[TableColumns]:
        """Tables of the user's whose columns these settings name, or expect."""
        label = self.index.label
        if not isinstance(label, TableLabel):
            return []
        named = [("index.label.key", label.key), ("index.label.value", label.value)]
        return [TableColumns(label.path, named)]

    def optional_paths(self) -> list[Path]:
        """Raw files that the index reads where they are there, and folders that lie around files of
        raw_paths: what they hold is raw data, too."""
        return []

    def index_paths(self) -> list[Path]:
        """What the index reads beside the folder root itself, if it is there."""
        later = ("root", *self.read_later)
        named = [
            path
            for key, paths in self.raw_paths().items()
            if key.split(".")[0] not in later
            for path in paths
        ]
        return [*named, *(path for path in self.optional_paths() if not path.is_dir())]
