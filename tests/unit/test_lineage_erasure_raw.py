"""Withdrawal of patients whose raw files are unreadable, links, or nowhere but in a table."""

from __future__ import annotations

import pandas as pd
import pytest

from medsynth.commands.lineage import impact
from medsynth.lineage.collector import drain
from medsynth.lineage.erasure import erase as erasure
from medsynth.lineage.recording import spool
from medsynth.store.digests import digest_path
from tests.unit.erasure_study import paths

pytest_plugins = ["tests.unit.erasure_fixtures"]


@pytest.fixture
def unreadable(study):
    """A patient of whom there is nothing but files that could not be read."""
    raw = study.folder / "raw" / "c"
    (raw / "p10000032").mkdir(parents=True)
    (raw / "p10000032" / "1.dcm").write_bytes(b"torn")
    (raw / "p10000764").mkdir()
    (raw / "p10000764" / "2.dcm").write_bytes(b"fine")
    rows = {"item_id": ["1", "2"], "group": [None, "g"], "patient": [None, "10000764"]}
    rows |= {"source": ["p10000032/1.dcm", "p10000764/2.dcm"], "source_sha256": [None, "d" * 64]}
    study.job("index", ["raw/c"], {"results/cohorts/c/index.parquet": pd.DataFrame(rows)}, ["root"])
    drain(study.results, study.ledger)
    return study


def test_a_patient_whose_files_could_not_be_read_is_found_and_erased(unreadable):
    found = unreadable.ask("10000032")
    assert paths(found["destroy"]) == ["results/cohorts/c/index.parquet"]
    assert found["raw"] == [str(unreadable.folder / "raw" / "c" / "p10000032")]
    copy = unreadable.results / "copy.txt"
    copy.write_bytes(b"torn")
    erased = unreadable.ask("10000032", erase=True, yes=True, raw=True)
    assert erased["left"] == [{"path": "results/copy.txt", "found": "bytes"}]
    copy.unlink()
    erased = unreadable.ask("10000032", erase=True, yes=True, raw=True)
    assert erased["left"] == erased["yours"] == [] and not impact.wrong(erased)
    assert (unreadable.folder / "raw" / "c" / "p10000764" / "2.dcm").exists()


def test_a_patient_of_whom_only_a_table_or_the_digest_cache_speaks_is_found(unreadable):
    table = unreadable.folder / "raw" / "c" / "labels.csv"
    table.write_text("patient,label\n10000980,1\n10000764,1\n")
    assert unreadable.ask("10000980")["rows"] == {str(table): 1}
    with erasure.closing(spool.digest_cache(unreadable.results)) as cache:
        path = unreadable.folder / "raw" / "c" / "p10000764" / "2.dcm"
        cache.put("/raw/p10001217/1.dcm", path.stat(), "0" * 64)
    found = unreadable.ask("10001217", erase=True, yes=True)
    assert found["destroy"] == found["left"] == []


def test_raw_folders_that_are_links_are_followed(study, tmp_path):
    """The patient's folder is a link, and so is the demo's: bytes are removed where they lie."""
    there = tmp_path / "disk" / "x"
    there.mkdir(parents=True)
    (there / "1.dcm").write_bytes(b"elsewhere")
    root = study.folder / "raw" / "d"
    root.mkdir()
    (root / "TCGA-ZZ-D001").symlink_to(there)
    rows = {"item_id": ["1.2.840.1"], "group": ["1.2.840.2"], "patient": ["TCGA-ZZ-D001"]}
    rows |= {"source": ["TCGA-ZZ-D001/1.dcm"], "source_sha256": [digest_path(there / "1.dcm")[0]]}
    study.job("index", ["raw/d"], {"results/cohorts/d/index.parquet": pd.DataFrame(rows)}, ["root"])
    copy = tmp_path / "disk" / "copy"
    copy.mkdir()
    (copy / "note.txt").write_text("TCGA-ZZ-D001")
    (study.results / "linked").symlink_to(copy)
    (copy / "back").symlink_to(study.results)
    drain(study.results, study.ledger)
    found = study.ask("TCGA-ZZ-D001", erase=True, yes=True, raw=True)
    assert not there.exists() and not (root / "TCGA-ZZ-D001").is_symlink()
    assert found["left"] == [{"path": "results/linked/note.txt", "found": "id"}]
