"""Names in a results folder, and what to say of one that it does not know."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from medsynth.store.errors import MedsynthError


class UnknownName(MedsynthError):
    """The results folder knows no cohort or experiment of this name."""


def folder_of(pattern: str, kind: str, name: str) -> Path:
    """The folder of a cohort or experiment.

    Args:
        pattern: its path in the layout, with `kind`, "cohort" or "experiment", as placeholder.

    Raises:
        UnknownName: it is not there; the message names the nearest and all that are.
    """
    folder = Path(pattern.format(**{kind: name}))
    if name and folder.name == name and folder.is_dir():
        return folder
    above = folder.parent if folder.name == name else Path(pattern).parent
    known = sorted(path.name for path in above.glob("[!.]*") if path.is_dir())
    if not known:
        raise UnknownName(
            f"{above} holds no {kind} yet: run snakemake, or name the study's results folder with"
            " --results"
        )
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else "."
    raise UnknownName(f"no {kind} {name!r} in {above}{meant} There are: {', '.join(known)}")
