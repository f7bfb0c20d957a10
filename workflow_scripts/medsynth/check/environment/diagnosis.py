"""What is said of one part of the installation."""

from __future__ import annotations

from typing import Literal, NamedTuple

Health = Literal["ok", "look", "wrong"]


class Diagnosis(NamedTuple):
    """One line.

    Attributes:
        subject: what it is about, as in packages.
        part: of the subject.
        health: ok; look, where people decide; wrong, where something will fail.
        text: how it is, and, unless that is ok, what to do.
    """

    subject: str
    part: str
    health: Health
    text: str
