"""Opening MLflow's store, and creating it the first time so that nothing can break it.

MLflow lets every process create the tables of a fresh database: of several at once most fail, and
one cut off half way leaves a database that no later one can use. So the default SQLite file is
made aside and renamed, and a PostgreSQL database is created under an advisory lock.

The default file is not synced to the disk at each of MLflow's many commits, which would take most
of the time: should a power failure damage it, it is deleted and the collector fills it again from
the ledger, which is synced.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
import sqlalchemy
from mlflow import MlflowClient

from medsynth.lineage.mlflow.database import database_uri
from medsynth.lineage.recording.spool import lineage_dir
from medsynth.store.atomic import replacing
from medsynth.store.layout import Layout

RECORD = "record.json"  # the job's or invocation's records by phase, a file of its run
# Any number that no other program on the server locks.
CREATION_LOCK = 0x6D656473796E7468  # "medsynth"
ARTIFACTS = "mlartifacts"
# Where MLflow's tables say in which place files lie.
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


_UNSYNCED: set[str] = set()  # folders


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
def _spare_syncs(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        (_, _, path) = connection.execute("PRAGMA database_list").fetchone()
        if os.path.dirname(path) in _UNSYNCED:
            connection.execute("PRAGMA synchronous=OFF")


def open_store(results_dir: str | Path, tracking_uri: str | None = None) -> MlflowClient:
    """A client of the store at `tracking_uri`, or of lineage/mlflow.db in the results folder.

    The caller must be the only one to open that file for the first time.

    Raises:
        MlflowException, sqlalchemy.exc.OperationalError: it cannot be reached.
    """
    if tracking_uri is None:
        # Absolute: a relative one is another database when the process goes elsewhere.
        database = Path(os.path.abspath(Layout(results_dir).mlflow))
        _UNSYNCED.add(os.path.realpath(database.parent))
        if not database.exists():
            with replacing(database) as temporary:
                MlflowClient(database_uri(temporary))
        else:
            _follow(database, (lineage_dir(results_dir) / ARTIFACTS).as_uri())
        return MlflowClient(database_uri(database))
    if not tracking_uri.startswith("postgresql"):
        return MlflowClient(tracking_uri)
    engine = sqlalchemy.create_engine(tracking_uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:  # its end frees the lock
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_lock(CREATION_LOCK)))
        return MlflowClient(tracking_uri)


def _follow(database: Path, here: str) -> None:
    """Bring the addresses of files that lie in the results folder to where that has gone."""
    with closing(sqlite3.connect(database, timeout=60)) as db, db:
        found = db.execute("SELECT artifact_location FROM experiments").fetchall()
        for there in {location for (location,) in found if location} - {here}:
            if there.startswith("file:") and there.endswith(f"/lineage/{ARTIFACTS}"):
                for table, column in LOCATIONS:
                    db.execute(
                        f"UPDATE {table} SET {column} = ?1 || substr({column}, length(?2) + 1)"
                        f" WHERE {column} = ?2 OR substr({column}, 1, length(?2) + 1) = ?2 || '/'",
                        (here, there),
                    )


def artifact_root(
    results_dir: str | Path, tracking_uri: str | None, artifact_uri: str | None
) -> str | None:
    """Where a new study keeps its artifacts; None leaves it to the MLflow server."""
    if artifact_uri or (tracking_uri or "").startswith("http"):
        return artifact_uri
    return (lineage_dir(results_dir) / ARTIFACTS).as_uri()
