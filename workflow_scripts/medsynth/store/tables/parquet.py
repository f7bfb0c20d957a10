"""Tables as Parquet files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medsynth.store.atomic import replacing


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table."""
    return pd.read_parquet(path)


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a Parquet table atomically; equal frames give equal bytes."""
    with replacing(path) as temporary:
        frame.reset_index(drop=True).to_parquet(temporary, index=False)
