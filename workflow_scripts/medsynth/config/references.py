"""What model families and cohort kinds cite: the BibTeX file in the folder of each."""

from __future__ import annotations

from medsynth.store.source.checkout import LIBRARY


def references_of(folder: str) -> str:
    """The text of a package's references.bib, empty if it cites nothing.

    Args:
        folder: a package, as in ``medsynth.models.ddpm``.
    """
    file = LIBRARY.joinpath(*folder.split("."), "references.bib")
    return file.read_text(encoding="utf-8") if file.is_file() else ""
