"""Outputs that are kept and copied back: only whole ones, of the same, within the limit."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from medsynth.runtime import reuse
from medsynth.runtime.reuse import FORCED, Kept, hand_over_forced, is_forced
from medsynth.store.atomic import remove_folder

MUCH = 2**20


@pytest.fixture
def outputs(tmp_path: Path) -> dict[str, str]:
    """Two finished outputs."""
    made = {"weights": tmp_path / "out" / "w.bin", "card": tmp_path / "out" / "c.json"}
    (tmp_path / "out").mkdir()
    made["weights"].write_bytes(b"w" * 1000)
    made["card"].write_bytes(b"{}")
    return {name: str(path) for name, path in made.items()}


def kept(tmp_path: Path, *identity: object, limit: int = MUCH) -> Kept:
    return Kept(tmp_path / "kept", "a", identity, limit)


def restored(one: Kept, outputs: dict[str, str]) -> bool:
    for path in outputs.values():
        Path(path).unlink(missing_ok=True)
    found = one.restore(outputs)
    assert all(Path(path).exists() == found for path in outputs.values())
    return found


def test_the_same_is_copied_back_and_another_is_not(tmp_path, outputs):
    assert not kept(tmp_path, 1).restore(outputs)
    kept(tmp_path, 1).keep(outputs)
    assert not restored(kept(tmp_path, 2), outputs)
    assert restored(kept(tmp_path, 1), outputs)
    assert Path(outputs["weights"]).read_bytes() == b"w" * 1000
    assert Path(outputs["card"]).read_bytes() == b"{}"
    assert not restored(kept(tmp_path, 1), outputs | {"more": str(tmp_path / "out" / "m")})


def test_a_change_of_an_output_does_not_reach_the_copy(tmp_path, outputs):
    kept(tmp_path, 1).keep(outputs)
    with open(outputs["weights"], "r+b") as file:
        file.write(b"changed")
    assert restored(kept(tmp_path, 1), outputs)
    assert Path(outputs["weights"]).read_bytes() == b"w" * 1000


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_damaged_copies_are_thrown_away(tmp_path, outputs, damage):
    kept(tmp_path, 1).keep(outputs)
    (copy,) = (tmp_path / "kept").glob("a-*/w.bin")
    if damage == "gone":
        copy.unlink()
    else:
        copy.write_bytes(b"x" * 1000 if damage == "changed" else b"w" * 999)
    assert not restored(kept(tmp_path, 1), outputs)
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_oldest_goes_when_there_is_too_much(tmp_path, outputs):
    for number in range(3):
        kept(tmp_path, number, limit=2500).keep(outputs)
        for age, folder in enumerate(sorted((tmp_path / "kept").glob("a-*"))):
            os.utime(folder, (age, age))
        if number == 1:  # asked for again, the first is no longer the oldest
            assert restored(kept(tmp_path, 0), outputs)
    assert [restored(kept(tmp_path, number), outputs) for number in range(3)].count(True) == 2
    assert restored(kept(tmp_path, 0), outputs)


def test_what_is_being_kept_or_removed_counts_for_nothing(tmp_path, outputs):
    for number in range(2):
        kept(tmp_path, number, limit=2100).keep(outputs)
        (folder,) = (tmp_path / "kept").glob("a-*")
        folder.rename(folder.with_name(f".new-{number}"))
    kept(tmp_path, 2, limit=2100).keep(outputs)
    assert restored(kept(tmp_path, 2), outputs)
    assert len(list((tmp_path / "kept").glob(".new-*"))) == 2


def test_two_jobs_may_remove_the_same_old_copy(tmp_path, outputs, monkeypatch):
    def other_is_faster(folder: Path) -> None:
        remove_folder(folder)
        remove_folder(folder)

    kept(tmp_path, 1).keep(outputs)
    monkeypatch.setattr(reuse, "remove_folder", other_is_faster)
    kept(tmp_path, 2, limit=1500).keep(outputs)
    assert restored(kept(tmp_path, 2), outputs) and not restored(kept(tmp_path, 1), outputs)


def test_nothing_is_kept_beyond_the_limit(tmp_path, outputs):
    kept(tmp_path, 1, limit=900).keep(outputs)
    kept(tmp_path, 1, limit=0).keep(outputs)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("settings", "forced"),
    [
        ({}, False),
        ({"forceall": True}, True),
        ({"forcerun": {"train_model"}}, True),
        ({"forcerun": {"results/b.h5"}}, True),
        ({"forcerun": {"sample_model", "results/c.h5"}}, False),
        ({"forcetargets": True, "targets": {"results/b.h5"}}, True),
        ({"targets": {"results/b.h5"}}, False),
    ],
)
def test_what_the_user_forces_reaches_the_jobs(monkeypatch, settings, forced):
    monkeypatch.setenv(FORCED, "[]")
    given = {"forceall": False, "forcetargets": False, "forcerun": set(), "targets": set()}
    hand_over_forced(SimpleNamespace(**given | settings))
    assert is_forced("train_model", ["results/a.json", "results/b.h5"]) == forced
