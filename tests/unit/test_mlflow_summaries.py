"""One row an experiment in MLflow: what it shows, and which of several is current."""

from __future__ import annotations

from contextlib import closing

import pytest
from mlflow_study import NAME, PlayedStudy

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger

FIGURES = {
    "fid": {"value": 2.5, "interval": [1, 4], "floor": 2.0, "null": {"noise": 90.0}},
    "subgroups": {"value": None, "interval": None},
}
CARD = "# Model card: cxr_ddpm\n\n**Beats noise.**\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = PlayedStudy(tmp_path_factory.mktemp("played"))
    study.evaluate(NAME, FIGURES, note=CARD)
    study.collect()
    return study


def test_rows_of_experiments_follow_their_figures(study):
    row = study.row()
    metrics = {"fid": 2.5, "fid.floor": 2.0, "fid.null.noise": 90.0, "n_real": 4}
    assert row.data.metrics == metrics | {"training_seconds": 1.0}
    assert row.data.params == {
        **{"train.steps": "20", "train.unet.channels": "8", "sample.guidance": "0.5", "seed": "1"}
    }
    told = {key: row.data.tags[key] for key in ("family", "cohort", "study")}
    assert told == {"family": "ddpm", "cohort": "cxr", "study": "played"}
    assert (row.info.run_name, row.info.status) == (NAME, "FINISHED")
    assert row.data.tags["mlflow.note.content"] == CARD
    assert study.files(row) == {"samples.png", "model_card.md"}
    judge = study.row("cxr_classifier")
    assert (judge.data.metrics["accuracy"], judge.data.metrics["accuracy.chance"]) == (0.5, 0.25)
    assert "mlflow.parentRunId" not in row.data.tags and len(study.shown()) == 2

    # The same again: nothing new.
    study.evaluate(NAME, FIGURES, note=CARD)
    study.collect()
    assert study.row().info.run_id == row.info.run_id and len(study.shown()) == 2

    # Other figures take its place.
    study.sample_anew()
    study.evaluate(NAME, {"fid": {"value": 1.5}}, note=CARD)
    study.collect()
    latest = study.row()
    (old,) = study.shown(" AND tags.`medsynth.current` = 'false'")
    assert old.info.run_id == row.info.run_id and old.info.run_name == f"{NAME} (superseded)"
    assert old.data.tags["medsynth.superseded_by"] == latest.info.run_id
    assert (latest.data.metrics["fid"], latest.data.params["sample.guidance"]) == (1.5, "2.0")

    # All is delivered again, in whatever state it is.
    with closing(Ledger(ledger_path(study.results))) as ledger:
        items = ledger.query("SELECT id FROM items")
        ledger.undelivered_again(item["id"] for item in items)
    study.collect()
    assert study.row().info.run_id == latest.info.run_id and len(study.shown()) == 3

    # And back to other figures that were there before.
    study.evaluate(NAME, {"fid": {"value": 0.5}})
    study.evaluate(NAME, {"fid": {"value": 1.5}})
    study.collect()
    row = study.row()
    assert (row.info.run_id, row.info.run_name) == (latest.info.run_id, NAME)


def test_a_card_of_other_figures_is_not_shown(study):
    study.evaluate(NAME, {"fid": {"value": 7.5}})
    (study.folder / "results/old.json").write_text("{}")
    card = "results/experiments/cxr_ddpm/model_card.md"
    study.job("build_report", ["results/old.json"], [card])
    study.collect()
    assert "mlflow.note.content" not in study.row().data.tags
    assert study.files(study.row()) == {"samples.png"}


def test_a_long_card_is_cut_and_says_where_it_is_whole(study):
    study.evaluate(NAME, {"fid": {"value": 8.5}}, note="word " * 5000)
    study.collect()
    note = study.row().data.tags["mlflow.note.content"]
    assert len(note) == 8000 and note.endswith("`model_card.md`)")
