"""Ids are found however they are written, and not inside of other numbers."""

from __future__ import annotations

import gzip
import unicodedata

import pandas as pd
import pytest

from medsynth.lineage.erasure import words
from medsynth.lineage.erasure.raw_data import raw_data, remove_rows
from medsynth.lineage.erasure.search import remains
from medsynth.lineage.erasure.words import Words
from medsynth.store.digest_cache import DigestCache
from medsynth.store.tables.parquet import write_table

CASE = "TCGA-AA-0001"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (CASE, "tcga-aa-0001-01z-00-dx1.svs"),
        (CASE, "TCGA.AA.0001.01A"),
        (CASE, "slides/tcga_Aa_0001_01.svs"),
        (CASE, "Case TCGA AA 0001."),
        ("tcga.aa.0001", CASE),
        ("1.2.840.10008", "1_2_840_10008.dcm"),
        ("12-345-678", "12.345.678"),
        ("Müller", "MÜLLER^HANS"),
        ("Müller", unicodedata.normalize("NFD", "müller")),
        ("p-7", "P_7"),
        ("3-5", "patient 3-5"),
        ("10000032", "p10000032/s5"),
        ("Smith", "smith_1, Smithson"),
    ],
)
def test_an_id_is_found_however_it_is_written(word, text):
    assert Words([word]).named(text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (CASE, "TCGA-AA-00012"),
        (CASE, "tcga-aa0001"),
        (CASE, "TCGA-AA--0001"),
        ("3-5", "3.5 years, 3 5"),
        ("10000032", "110000032 100000321 a10000032"),
        ("", "anything"),
        ("Smith", "Smithson, Blacksmith"),
    ],
)
def test_what_is_no_id_is_not_taken_for_one(word, text):
    assert not Words([word]).named(text)


@pytest.mark.parametrize("place", range(-len(CASE) - 3, 4))
def test_an_id_is_found_and_judged_alike_across_the_pieces_that_are_searched(monkeypatch, place):
    monkeypatch.setattr(words, "CHUNK", 64)
    at = 128 + place
    found, longer = (b"x" * at + text + b"x" * 99 for text in (b"tcga_aa_0001", b"0tcga_aa_00010"))
    assert Words([CASE]).search(found)
    assert not Words([CASE]).search(longer)
    assert not Words([CASE]).search(longer[: at + 14]) and Words([CASE]).search(found[: at + 12])


def test_raw_data_and_the_proof_know_a_patient_by_every_way_of_writing(tmp_path):
    root, tables = tmp_path / "raw", tmp_path / "tables"
    for name in ("tcga-aa-0001-01z.svs", "b/TCGA_AA_0001_01Z.svs", "b/TCGA-AA-0002-01Z.svs"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"pixels")
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.svs"))]
    frame = pd.DataFrame({"source": names, "item_id": names, "group": None})
    frame["patient"] = [None if "0001" in name else "TCGA-AA-0002" for name in names]
    write_table(frame.astype("str"), tmp_path / "index.parquet")
    tables.mkdir()
    maf = tables / "all.maf.gz"
    maf.write_bytes(gzip.compress(b"Sample\nTCGA.AA.0001.01\ntcga-aa-0001-10\nTCGA-AA-0002-01\n"))
    (tables / "tcga.aa.0001.seg").write_text("")
    found = raw_data(CASE, [(tmp_path / "index.parquet", root)], [tables])
    theirs = {root / "tcga-aa-0001-01z.svs", root / "b" / "TCGA_AA_0001_01Z.svs"}
    assert found.files == theirs | {tables / "tcga.aa.0001.seg"}
    assert found.rows == {maf: 2}
    remove_rows(maf, CASE)
    assert gzip.decompress(maf.read_bytes()) == b"Sample\nTCGA-AA-0002-01\n"
    left = {trace["path"] for trace in remains(root, [CASE], set())}
    assert left == {path.relative_to(tmp_path).as_posix() for path in theirs}


def test_the_cache_of_digests_forgets_paths_however_they_are_written(tmp_path):
    cache, file = DigestCache(tmp_path / "digests.db"), tmp_path / "file"
    file.write_bytes(b"")
    for name in ("/raw/tcga_aa_0001.svs", "/raw/TCGA-AA-0002.svs"):
        cache.put(name, file.stat(), "0" * 64)
    named = Words([CASE], loose=True).named
    assert cache.holds(named)
    cache.forget(named)
    assert not cache.holds(named)
    assert cache.get("/raw/TCGA-AA-0002.svs", file.stat())
    cache.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("P-1", True),
        ("P-1-2", False),
        ("p_1_2.dcm", False),
        ("P-1-3 and P-1-2", False),  # in another order than the ids are given
        ("P-1-2 and P-1", True),
        ("P-1-25", True),  # which is nobody's id, so a part of P-1
        ("P-1-X", True),
    ],
)
def test_in_a_longer_id_of_somebody_else_nobody_is_found(text, found):
    assert Words(["P-1"], but=["P-1-2", "P-1-3"]).named(text) == found
