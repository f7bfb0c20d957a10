"""What a source says of the folders: what is there, how it is configured, and why so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from medsynth.config.schema import Config

# Of a class, if the configuration says nothing else.
MIN_PATIENTS: int = Config.model_fields["min_patients"].default


@dataclass(frozen=True)
class Question:
    """A value that only the user can state; it is written as a comment."""

    value: Any


@dataclass(frozen=True)
class Found:
    """One kind of data.

    Nothing here holds a patient's name or id: it is shown, and written as comments.

    Attributes:
        what: the kind, in words.
        root: folder of the user's that holds it.
        seen: lines that say what is there, with counts.
        name: of the cohort; empty where it cannot be configured.
        cohort: its settings, or nothing; :class:`Question` where the user has to decide.
        why: the reasons, by path of keys, as ``index.label``.
        family: of the experiment.
        missing: what to bring so that it can be configured, or what is in doubt.
        questions: what the user has to state.
        unusable: share of the files that is known to be unusable.
    """

    what: str
    root: Path
    seen: list[str]
    name: str = ""
    cohort: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    family: Literal["ddpm", "cyclegan"] = "ddpm"
    missing: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    unusable: float = 0


def shards_for(files: int) -> int:
    """Jobs the reading is divided into: about 1,500 files each, as config/full.yaml does it."""
    return min(256, max(2, files // 1500))
