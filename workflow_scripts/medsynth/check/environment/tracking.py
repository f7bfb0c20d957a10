"""MLflow: its version, whether it is silent, and whether its database opens."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from medsynth.check.environment.diagnosis import Diagnosis
from medsynth.store.layout import Layout

TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"


def check_mlflow(results: Path) -> Iterator[Diagnosis]:
    """Nothing is asked over the network: a server of the configuration is not looked at."""
    try:
        yield Diagnosis("MLflow", "version", "ok", version("mlflow"))
    except PackageNotFoundError:
        yield Diagnosis("MLflow", "version", "wrong", "not installed; see packages")
    silent = os.environ.get(TELEMETRY, "").lower() in ("1", "true")
    text = "off" if silent else f"medsynth turns it off; for `mlflow ui` export {TELEMETRY}=true"
    yield Diagnosis("MLflow", "telemetry", "ok" if silent else "look", text)
    database = Path(Layout(results).mlflow)
    if not database.exists():
        yield Diagnosis("MLflow", "database", "ok", f"{database} is made by the first run")
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as opened:
            (revision,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
            (runs,) = opened.execute("SELECT count(*) FROM runs").fetchone()
    except (sqlite3.Error, TypeError) as error:
        text = f"{database} does not open ({error}); delete it, and the next run fills it again"
        yield Diagnosis("MLflow", "database", "wrong", text)
        return
    yield Diagnosis("MLflow", "database", "ok", f"opens: {runs} runs, schema {revision}")
