from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy

from medsynth.lineage.mlflow.database import database_uri


@pytest.mark.parametrize(
    "folder", ["plain", "a b", "50%", "50%41", "q?x=1", "#1", "größe", "a&b;c"]
)
@pytest.mark.parametrize("absolute", [True, False])
def test_the_database_lies_where_the_path_says(tmp_path, monkeypatch, folder, absolute):
    monkeypatch.chdir(tmp_path)
    database = tmp_path / folder / "mlflow.db"
    database.parent.mkdir()
    uri = database_uri(database if absolute else database.relative_to(tmp_path))
    assert uri.startswith("sqlite")
    engine = sqlalchemy.create_engine(uri)
    with closing(engine.connect()) as connection:
        connection.exec_driver_sql("CREATE TABLE a (b)")
    engine.dispose()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [database]
