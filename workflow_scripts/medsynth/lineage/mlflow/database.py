"""The address of the database that MLflow has in the results. Standard library only."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def database_uri(path: str | Path) -> str:
    """SQLAlchemy's URI of an SQLite file, whatever its path (`?` would end it there).

    With the driver's name in it, or MLflow would make a folder called `file:`.
    """
    if quote(str(path)) == str(path):
        return f"sqlite:///{path}"
    return f"sqlite+pysqlite:///file:{quote(str(path))}?uri=true"
