"""What the figures of a task mean, and who defined them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medsynth.tasks.viewing.citations import sources
from medsynth.tasks.viewing.contract import ShownExperiment, Term
from medsynth.tasks.viewing.metric_tables import Titles


def terms(
    experiments: Sequence[ShownExperiment],
    titles: Titles,
    cited: Mapping[str, str],
    references: Path,
) -> list[Term]:
    """The figures that experiments have, in the order of their titles.

    Args:
        cited: metric -> key of the BibTeX entry in `references` that defines it.
    """
    entries = sources(references)
    found = []
    for name, (title, meaning) in titles.items():
        having = [e.results["metrics"][name] for e in experiments if name in e.results["metrics"]]
        if having:
            source = entries[cited[name]] if name in cited else None
            found.append(Term(title, meaning, having[0]["better"], source))
    return found
