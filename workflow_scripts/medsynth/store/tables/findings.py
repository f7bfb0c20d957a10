"""Several findings of one image in one cell: its label."""

from __future__ import annotations

from collections.abc import Iterable

JOINT = " + "  # stands between them; no class is called so


def joined(findings: Iterable[str]) -> str:
    """The label of an image that shows these findings, whatever their order."""
    return JOINT.join(sorted(findings))
