"""Erasures and writers that were killed: what is repeated, and what they leave is swept."""

from __future__ import annotations

import pytest

from medsynth.lineage.erasure import erase as erasure
from medsynth.lineage.recording import spool
from tests.unit.erasure_study import PATIENT

pytest_plugins = ["tests.unit.erasure_fixtures"]


@pytest.mark.parametrize("step", ["_write_tombstone", "collect", "remains", "forget", "index"])
def test_an_erasure_that_was_cut_off_anywhere_knows_all_identifiers_when_repeated(
    study, monkeypatch, step
):
    (study.results / "item.txt").write_text("see 1.2.a.0")
    with monkeypatch.context() as patched:

        def cut_off(*_, **__):
            raise KeyboardInterrupt

        remove = erasure._remove

        def cut_off_at_the_index(path):
            return cut_off() if path.name == "index.parquet" else remove(path)

        name, cut = ("_remove", cut_off_at_the_index) if step == "index" else (step, cut_off)
        patched.setattr(erasure, name, cut)
        with pytest.raises(KeyboardInterrupt):
            study.ask(PATIENT, erase=True, yes=True, raw=True)
    found = study.ask(PATIENT, erase=True, yes=True, raw=True)
    assert found["left"] == [{"path": "results/item.txt", "found": "id"}]
    assert not (study.results / "cohorts/a/index.parquet").exists()


def test_leftovers_of_killed_writers_are_swept_at_the_next_start(tmp_path):
    from medsynth.store.atomic import replacing, sweep

    results = tmp_path / "results"
    kept = ["a/samples.h5", "a/.hidden/x.h5", ".gitkeep", "demo/.x-1.h5", "lineage/.x-1.json"]
    for name in (*kept, "a/.samples-k3_9x2aq.h5", "work/b/.checkpoint-abcdefgh.pt"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes(b"")
    with pytest.raises(KeyboardInterrupt), replacing(results / "a" / "page.html") as path:
        assert sweep(results, skipped=("demo", spool.lineage_dir(results).name)) == 3
        assert not path.exists()
        raise KeyboardInterrupt
    left = [p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()]
    assert sorted(left) == sorted(kept)
