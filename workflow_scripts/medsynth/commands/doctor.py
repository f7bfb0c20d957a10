"""`medsynth doctor`: can this installation do what the workflow asks of it?

Packages against the versions that were tested, decoders (each decodes a small image), GPU, memory
and disk, MLflow's database, licences. Nothing is asked over the network, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.commands.output import Table

HELP = "packages, decoders, GPU, disk, MLflow and licences of this installation"
EXAMPLE = "medsynth doctor"


def answer(results: Path) -> dict[str, Any]:
    # These take a second, and --help must not wait for them.
    from medsynth.check.environment.whole import examine_environment

    return {"diagnoses": [found._asdict() for found in examine_environment(results)]}


def wrong(answer: dict[str, Any]) -> bool:
    """Whether something will fail."""
    return any(one["health"] == "wrong" for one in answer["diagnoses"])


def show(answer: dict[str, Any]) -> Iterator[str | Table]:
    columns = ("health", "subject", "part", "text")
    yield Table(columns, [tuple(one[name] for name in columns) for one in answer["diagnoses"]])
    bad = [one for one in answer["diagnoses"] if one["health"] == "wrong"]
    yield f"{len(bad)} to mend" if bad else "all that was tried works"
