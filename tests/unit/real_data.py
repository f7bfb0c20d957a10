"""Where real data lie that some tests read. Not a test file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL = Path(
    os.environ.get("MEDSYNTH_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)


def need(folder: str) -> Path:
    if not (REAL / folder).is_dir():
        pytest.skip(f"no {REAL / folder}; set MEDSYNTH_REAL_DATA")
    return REAL / folder
