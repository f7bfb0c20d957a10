"""Artifacts in which a search finds whoever is in them, and figures, which are of all together."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path

from medsynth.lineage.erasure.searchable import holds_weights, holds_words, is_prose
from medsynth.lineage.ledger.flow import MODEL, Artifact, Flow
from medsynth.lineage.recording.places import Places

# Models, curves and figures, made of all patients together; their text is searched.
AGGREGATES = {MODEL, ".json", ".csv"}
# Such files that the workflow's own rules make; others may hold data row by row.
FIGURES = {"metrics", "history", "model", "summary", "leakage", "stain", "normalised", "pairs"}
FIGURES |= {"calls", "reports", "texts", "tokenizer"}


def is_figure(path: str) -> bool:
    return Path(path).suffix in AGGREGATES and (
        Path(path).suffix == MODEL or Path(path).stem in FIGURES
    )


class SearchableArtifacts:
    """Tells what no search proves free of the patient, being no table and no figure of a model.

    Args:
        others: digests of tables and stores of which it is known that the patient is not in them.
    """

    def __init__(self, base: Places, others: Collection[str], flow: Flow):
        self._base, self._others, self._flow = base, others, flow

    @cached_property
    def _trained(self) -> set[Artifact]:
        return self._flow.trained()

    def unsearchable(self, artifacts: Iterable[Artifact]) -> set[Artifact]:
        return {a for a in artifacts if a[0] not in self._others and not self._is_searched(a)}

    def _is_searched(self, artifact: Artifact) -> bool:
        path = self._base / artifact[1]
        if not path.is_file():  # an old version, or a folder
            return is_figure(artifact[1]) and not path.exists()
        if path.suffix == MODEL:
            return holds_weights(path)
        if path.suffix == ".parquet":
            return holds_words(path)
        figure = is_figure(artifact[1]) or artifact in self._trained
        return path.suffix in AGGREGATES and (figure or is_prose(path))
