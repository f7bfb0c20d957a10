"""What all questions have in common: help, and answers without a traceback."""

from __future__ import annotations

import fcntl

import pytest
from lineage_questioned import PATIENTS

from medsynth.commands import main as command
from medsynth.commands.main import COMMANDS, OK, UNKNOWN


@pytest.mark.parametrize("question", COMMANDS)
def test_help_shows_an_example(question, capsys):
    assert command.main([question, "--help"]) == OK
    assert f"medsynth {question}" in capsys.readouterr().out.split("example:")[1]


def test_help_of_all_lists_every_question(capsys):
    assert command.main(["--help"]) == OK
    said = capsys.readouterr().out
    assert all(f"\n  {question} " in said for question in COMMANDS)


def test_all_is_well_at_first(original, ask):
    assert ask(original, "status")[0] == OK
    code, answer = ask(original, "verify", "--deep")
    # Six outputs and the raw folder; the log is none.
    assert (code, answer["artifacts"]) == (OK, {"identical": 6})
    assert answer["ledger"] == answer["mlflow"] == answer["wrong"] == []


def test_what_cannot_be_done_now_is_a_message_without_traceback(toy, ask):
    question = ("impact", PATIENTS[0], "--erase", "--yes")
    with open(toy / "results/lineage/workflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = ask(toy, *question)
    assert code == UNKNOWN and said.startswith("medsynth: snakemake is at work")


def test_without_mlflow_a_deep_verify_and_a_rebuild_say_so(toy, ask):
    (toy / "results/lineage/mlflow.db").unlink()
    for question in (["verify", "--deep"], ["rebuild"]):
        code, said = ask(toy, *question)
        assert code == UNKNOWN and "MEDSYNTH_TRACKING_URI" in said
