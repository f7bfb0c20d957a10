"""People manifests: whom an artifact holds, without saying who that is."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow.parquet as pq
import pytest
from lineage_records import whole

from medsynth.lineage.collector import drain
from medsynth.lineage.ledger import people
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.store.digests import digest_file, digest_path
from medsynth.store.errors import MedsynthError
from medsynth.store.tables.parquet import write_table

INDEX = pd.DataFrame(
    {
        "item_id": ["i1", "i2", "i3"],
        "group": ["g1", "g2", "g3"],
        "patient": ["TCGA-ZZ-0001", "TCGA-ZZ-0002", None],
        "source_sha256": ["a" * 64, "b" * 64, "c" * 64],
    }
)


@pytest.fixture
def results(tmp_path):
    spool.lineage_dir(tmp_path / "results").mkdir(parents=True)
    return tmp_path / "results"


@pytest.fixture
def ledger(results):
    return Ledger(ledger_path(results))


def job(results, name, inputs=(), outputs=()):
    """Spool the two records of a job that read and made these files."""

    def files(paths):
        base = results.parent
        return [
            {
                "name": None,
                "path": str(p.relative_to(base)),
                "sha256": digest_path(p)[0],
                "bytes": 1,
            }
            for p in paths
        ]

    same = {"kind": "job", "id": name, "invocation": None, "rule": name}
    start = {"phase": "start", "time": 1.0, "inputs": files(inputs)}
    spool.write(results, whole(same | start))
    end = {"phase": "end", "status": "COMPLETE", "time": 2.0, "outputs": files(outputs)}
    spool.write(results, whole(same | end))


def table(results, name, frame):
    write_table(frame, results / name)
    return results / name


def held(results, patient):
    """Names of the files in results that hold the patient."""
    digests = people.holders(results, people.patient_key(people.local_secret(results), patient))
    files = [p for p in results.glob("*") if p.suffix and digest_path(p)[0] in digests]
    return sorted(p.name for p in files)


def test_the_key_is_hmac_sha256():
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert people.patient_key(b"Jefe", "what do ya want for nothing?") == expected


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: people.local_secret(tmp_path), range(32)))
    assert len(secrets) == 1 and len(secrets.pop()) == 32
    folder = spool.lineage_dir(tmp_path)
    assert [p.name for p in folder.iterdir()] == ["secret"]
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600


def test_the_collector_learns_whom_tables_and_image_stores_hold(results, ledger):
    index = table(results, "index.parquet", INDEX)
    (results / "index.h5").write_bytes(b"images")
    (results / "other.h5").write_bytes(b"images without a table")
    (results / "index.volumes").mkdir()
    (results / "index.volumes" / "a.nii.gz").write_bytes(b"a volume")
    outputs = [index, *(results / name for name in ("index.h5", "index.volumes", "other.h5"))]
    outputs.append(table(results, "samples.parquet", pd.DataFrame({"row": [0]})))
    job(results, "index", outputs=outputs)
    drain(results, ledger)
    assert held(results, "TCGA-ZZ-0001") == ["index.h5", "index.parquet", "index.volumes"]
    assert held(results, "TCGA-ZZ-0003") == []
    # It may hold anybody.
    assert people.catch_up(results, ledger) == [digest_file(results / "other.h5")]


def test_tables_that_name_items_only_are_understood_through_the_jobs_inputs(results, ledger):
    index = table(results, "index.parquet", INDEX)
    labels = table(results, "labels.parquet", pd.DataFrame({"group": ["g2"], "label": ["x"]}))
    made = pd.DataFrame({"source_item": ["i1"], "target_item": [None]})
    translations = table(results, "translations.parquet", made)
    calls = table(results, "calls.parquet", pd.DataFrame({"case": ["TCGA-ZZ-0002"]}))
    job(results, "join", inputs=[index], outputs=[labels, translations, calls])
    drain(results, ledger)
    assert held(results, "TCGA-ZZ-0001") == ["translations.parquet"]
    assert held(results, "TCGA-ZZ-0002") == ["calls.parquet", "labels.parquet"]


def test_ids_may_be_numbers_with_gaps(results, ledger):
    frame = pd.DataFrame({"patient": [10000032.0, None]})
    job(results, "index", outputs=[table(results, "calls.parquet", frame)])
    drain(results, ledger)
    assert held(results, "10000032") == ["calls.parquet"]


def test_one_table_that_nobody_understands_does_not_stop_the_others(results, ledger, caplog):
    odd = table(results, "a.parquet", pd.DataFrame({"patient": [["x"], ["y"]]}))
    job(results, "index", outputs=[odd, table(results, "b.parquet", INDEX)])
    drain(results, ledger)
    assert held(results, "TCGA-ZZ-0001") == ["b.parquet"]
    assert people.catch_up(results, ledger) == [digest_file(odd)]
    assert "a.parquet" in caplog.text and list(spool.read(results)) == []


def test_a_lost_secret_is_not_replaced_under_old_keys(results, ledger):
    job(results, "index", outputs=[table(results, "index.parquet", INDEX)])
    drain(results, ledger)
    (spool.lineage_dir(results) / "secret").unlink()
    with pytest.raises(MedsynthError, match="restore it, or delete that folder"):
        people.local_secret(results)
    shutil.rmtree(people.people_dir(results))
    assert people.catch_up(results, ledger) == []
    assert held(results, "TCGA-ZZ-0001") == ["index.parquet"]


def test_a_people_manifest_tells_nobody_who_it_is(results, ledger):
    index = table(results, "index.parquet", INDEX)
    job(results, "index", outputs=[index])
    drain(results, ledger)
    (path,) = people.people_dir(results).iterdir()
    frame = pd.read_parquet(path)
    assert path.stem == digest_file(index) and list(frame.columns) == people.COLUMNS
    assert frame["patient_key"].is_monotonic_increasing and len(frame) == 2
    assert "TCGA" not in frame.to_csv() and set(frame["source_sha256"]) == {"a" * 64, "b" * 64}


def test_what_cannot_be_examined_stops_nobody_and_is_told(results, ledger):
    (results / "broken.parquet").write_bytes(b"no table")
    index = table(results, "index.parquet", INDEX)
    job(results, "job", outputs=[results / "broken.parquet", index])
    known = digest_file(index)
    table(results, "index.parquet", INDEX[:1])  # before the collector came by
    drain(results, ledger)
    unexamined = people.catch_up(results, ledger)
    assert sorted(unexamined) == sorted([digest_file(results / "broken.parquet"), known])
    table(results, "index.parquet", INDEX)  # back again, as after a restore
    assert people.catch_up(results, ledger) == [digest_file(results / "broken.parquet")]
    assert held(results, "TCGA-ZZ-0001") == ["index.parquet"]


def test_one_of_many_is_found_in_its_row_group_and_forgotten(results, monkeypatch):
    monkeypatch.setattr(people, "ROWS_A_GROUP", 10)
    patients = [f"p{i:03d}" for i in range(100)]
    frame = pd.DataFrame({"patient": patients, "source_sha256": [f"{i:064d}" for i in range(100)]})
    secret = people.local_secret(results)
    for name in ("first", "second"):
        people.write_people(frame, secret, people.people_dir(results) / f"{name}.parquet")
    people.write_people(frame[:5], secret, people.people_dir(results) / "third.parquet")
    assert pq.ParquetFile(people.people_dir(results) / "first.parquet").num_row_groups == 10
    for number, patient in enumerate(patients):
        found = people.holders(results, people.patient_key(secret, patient))
        names = ["first", "second", "third"] if number < 5 else ["first", "second"]
        assert found == {name: {f"{number:064d}"} for name in names}
    people.forget(results, people.patient_key(secret, "p003"))
    assert people.holders(results, people.patient_key(secret, "p003")) == {}
    left = pd.read_parquet(people.people_dir(results) / "first.parquet")
    assert len(left) == 99


@pytest.mark.parametrize(
    ("patients", "known"),
    [
        (["TCGA-ZZ-0001", "TCGA-ZZ-0001"], True),
        (["case", "control"], False),  # groups
        (["tcga-zz-0001"], False),  # in another writing
        (["1", "TCGA-ZZ-0001"], False),
    ],
)
def test_a_table_tells_whom_it_holds_only_by_the_ids_of_those_it_is_made_of(
    results, ledger, patients, known
):
    index = table(results, "index.parquet", INDEX)
    job(results, "index", outputs=[index])
    made = table(results, "made.parquet", pd.DataFrame({"patient": patients}).assign(x=1))
    job(results, "made", inputs=[index], outputs=[made])
    drain(results, ledger)
    assert (digest_file(made) in people.peopled(results)) == known
