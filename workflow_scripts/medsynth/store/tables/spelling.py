"""Which known word a misspelt one is nearest to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

NEAR = 0.7  # share of letters in common; gpu and cpu have less


def did_you_mean(word: Any, known: Iterable[Any]) -> str:
    """The known word that is nearest, as a question; empty if none is near."""
    plain = {str(each).lower(): str(each) for each in known}
    close = difflib.get_close_matches(str(word).lower(), plain, n=1, cutoff=NEAR)
    return f"did you mean {plain[close[0]]}?" if close else ""
