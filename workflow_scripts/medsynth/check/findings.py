"""What a check tells: mistakes, which must be corrected, and notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from medsynth.config.mistakes import Mistake


@dataclass
class Findings:
    """What is found, in its order.

    Attributes:
        mistakes: the workflow would refuse, or fail.
        notes: what else the user should know.
        cohorts: a row a cohort, of counts.
    """

    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[Mistake] = field(default_factory=list)
    cohorts: list[dict[str, Any]] = field(default_factory=list)

    def mistake(self, place: str, text: str) -> None:
        """Add one."""
        self.mistakes.append(Mistake(place, text))

    def note(self, place: str, text: str) -> None:
        """Add one."""
        self.notes.append(Mistake(place, text))
