"""Bad files and tables: each its reason, counted, and above the limit an error that says them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.cohorts import files as sources
from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtIndex
from medsynth.cohorts.files import read_unchanged
from medsynth.cohorts.gates.fitness import UnfitCohort, check_fitness
from medsynth.cohorts.labels import read_csv, read_labels
from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing, CxrRead
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import SlideIndex
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.cohorts.splits import split_patients
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.runtime.settings import Split, TableLabel
from medsynth.store import digests
from medsynth.store.manifests import manifest
from medsynth.store.quarantine import CohortError, UnusableImage
from medsynth.store.wording import REASONS
from tests.unit.ct_files import write_slice
from tests.unit.cxr_files import mimic, radiograph

CXR = CxrIndexing(label={"kind": "view"}, shards=1)
CT = CtIndex(label={"kind": "tags"}, shards=1)
SLIDES = SlideIndex(label={"kind": "genotype"}, shards=1)
TILES = SlideTiles(image_size=16, mpp=1.0, assume_mpp=1.0, min_tissue=0)


def cxr(root: Path) -> pd.DataFrame:
    """The manifest of a download after index and shard, by item."""
    index = index_mimic_cxr(root, CXR)
    items = shard_mimic_cxr(index, root, CxrRead(image_size=8), root / "0.h5", {})
    return pd.concat([index[index["status"] != "used"], items]).set_index("item_id")


def reasons(frame: pd.DataFrame) -> dict[str, str | None]:
    assert set(frame["reason"].dropna()) <= set(REASONS)
    return {k: None if pd.isna(v) else v for k, v in frame["reason"].items()}


# --- files that cannot be had -----------------------------------------------------------------


def test_links_are_followed_within_the_root_and_refused_out_of_it(tmp_path):
    root = tmp_path / "root"
    files = mimic(root, 4)
    secret = radiograph(tmp_path / "elsewhere" / "x.dcm")
    files[0].unlink()
    files[0].symlink_to(secret)
    files[1].unlink()
    files[1].symlink_to(files[2])
    files[3].parent.rename(tmp_path / "moved")
    files[3].parent.symlink_to(tmp_path / "moved")
    assert reasons(cxr(root)) == {
        "i0": "outside_root", "i1": None, "i2": None, "i3": "outside_root",
    }  # fmt: skip
    link = tmp_path / "link"
    link.symlink_to(root)
    assert reasons(cxr(link)) == reasons(cxr(root))


@pytest.mark.parametrize("kind", ["slides", "ct"])
def test_a_link_out_of_the_root_is_refused_by_every_kind(tmp_path, kind):
    root = tmp_path / "root"
    root.mkdir()
    if kind == "slides":
        name, call, settings = "TCGA-AA-0001-01Z-00-DX1.png", index_slides, SLIDES
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    else:
        name, call, settings = "a.dcm", index_ct, CT
        write_slice(tmp_path / name, "1.1")
    (root / name).symlink_to(tmp_path / name)
    assert call(root, settings)["reason"].tolist() == ["outside_root"]
    (root / name).unlink()
    (tmp_path / name).rename(root / name)
    assert call(root, settings)["source_sha256"].notna().all()


def test_a_folder_or_a_pipe_in_place_of_a_file_and_a_missing_one(tmp_path):
    files = mimic(tmp_path, 4)
    for file in files[:3]:
        file.unlink()
    files[0].mkdir()
    os.mkfifo(files[1])
    assert reasons(cxr(tmp_path)) == {
        "i0": "unreadable", "i1": "unreadable", "i2": "missing_file", "i3": None,
    }  # fmt: skip


def test_a_file_without_permission_is_unreadable(tmp_path, monkeypatch):
    files = mimic(tmp_path, 2)

    def refusing(path, *arguments):
        if str(path) == str(files[0]):
            raise PermissionError(13, "Permission denied")
        return open(path, *arguments)

    monkeypatch.setattr(digests, "open", refusing, raising=False)  # the tests may run as root
    assert reasons(cxr(tmp_path)) == {"i0": "unreadable", "i1": None}

    def forbidden(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(UnusableImage) as caught:
        read_unchanged(files[1], "0")
    assert caught.value.reason == "unreadable"


def test_names_with_spaces_and_other_letters(tmp_path):
    root = tmp_path / "Ordner mit Räumen – 数据"
    mimic(root, 2)
    assert reasons(cxr(root)) == {"i0": None, "i1": None}
    slides = root / "Schnitte №1"
    slides.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(slides / "TCGA-AA-0001-01Z-00-DX1.ü ü.png")
    index = index_slides(root, SLIDES)
    assert index["item_id"].tolist() == ["TCGA-AA-0001-01Z-00-DX1.ü ü"]
    items = tile_slides(index, root, TILES, root / "t.h5", {})
    assert set(items["reason"].dropna()) <= {"no_tissue"} and len(items)


# --- files that are not what they say ---------------------------------------------------------


def test_half_copied_and_changed_files(tmp_path):
    files = mimic(tmp_path, 4)
    data = files[0].read_bytes()
    files[0].write_bytes(data[: len(data) // 2])
    files[1].write_bytes(b"")
    index = index_mimic_cxr(tmp_path, CXR)
    files[2].write_bytes(data)
    changed = bytearray(data)
    changed[-1] ^= 1
    files[3].write_bytes(bytes(changed))
    items = shard_mimic_cxr(index, tmp_path, CxrRead(image_size=8), tmp_path / "0.h5", {})
    assert reasons(items.set_index("item_id")) == {
        "i0": "truncated", "i1": "not_dicom", "i2": None, "i3": "changed_since_index",
    }  # fmt: skip


# --- tables -----------------------------------------------------------------------------------


def test_tables_with_extra_missing_and_damaged_columns(tmp_path):
    mimic(tmp_path, 2)
    path = tmp_path / "mimic-cxr-2.0.0-metadata.csv"
    table = pd.read_csv(path)
    table.assign(Comment="x, y", Other=1).to_csv(path, index=False)
    assert len(index_mimic_cxr(tmp_path, CXR)) == 2
    table.drop(columns="study_id").to_csv(path, index=False)
    with pytest.raises(CohortError, match="no column study_id among the 3 of its first line"):
        index_mimic_cxr(tmp_path, CXR)
    for damage in (b"", b"\xff\xfe\x00\x01", b'a,b\n"1,2\n3'):
        path.write_bytes(damage)
        with pytest.raises(CohortError, match="metadata.csv"):
            index_mimic_cxr(tmp_path, CXR)
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xff\xff\xff")
    with pytest.raises(CohortError, match="cannot be read .*; download the file again"):
        read_csv(packed, [])
    packed.write_bytes(b"a,b\n1,2\n")  # a browser unpacked it
    assert read_csv(packed, ["a", "b"]).to_numpy().tolist() == [["1", "2"]]


WORDS = ["NA", "None", "nan", "null", "N/A", "1", "01", "1.0", "TRUE", "true", "-", "<NA>", "#N/A"]


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv"])
def test_labels_are_text_as_written_and_only_empty_cells_are_missing(tmp_path, name):
    between = "," if name.endswith("csv") else "\t"
    cells = [*WORDS, f" {WORDS[0]} ", "", "  ", '""']
    rows = [f" {number:02d} {between}{cell}" for number, cell in enumerate(cells)]
    (tmp_path / name).write_text("\n".join([f"image{between} label ", *rows]) + "\n")
    settings = TableLabel(kind="table", path=tmp_path / name, key="image", value="label")
    labels = read_labels(settings)["label"]
    assert labels.index.tolist() == [f"{number:02d}" for number in range(len(cells))]
    assert labels[:-3].tolist() == [*WORDS, "NA"]
    assert labels[-3:].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\na.png,CT,extra\n", "rows have more fields than its header"),
        ("image,label\na.png,CT\nb.png,CT,extra\n", "as many fields in every row"),
        ("picture;label\na.png;CT\n", "no column image among the 2 .* add the header if it lacks"),
        ("image,label\na.png,Caf\xe9\n", "save it as text in UTF-8"),
        ("", "nothing to read"),
    ],
)
def test_a_label_table_that_cannot_be_read_is_told_what_is_wrong(tmp_path, text, message):
    (tmp_path / "labels.csv").write_bytes(text.encode("latin-1"))
    settings = TableLabel(kind="table", path=tmp_path / "labels.csv", key="image", value="label")
    with pytest.raises(CohortError, match=f"labels.csv.*{message}"):
        read_labels(settings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "image;label\na.png;1,5\n"),
        ("labels.csv", '\ufeff"image","label"\r\n"a.png","1,5"\r\n'),
        ("labels.csv", "image\tlabel\na.png\t1,5\n"),
        ("labels.txt", 'image,label\na.png,"1,5"\n'),
        ("labels.tsv", '"image"\t"label"\n"a.png"\t"1,5"\n'),
        ("labels.csv", "# by us\nimage;label;\na.png;1,5;\n"),
        ("labels.csv", "image;label\na.png;1,5;\n"),
    ],
)
def test_the_header_of_a_table_says_what_divides_its_fields(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode())
    settings = TableLabel(kind="table", path=tmp_path / name, key="image", value="label")
    assert read_labels(settings)["label"].to_dict() == {"a.png": "1,5"}


def test_between_tabs_quotes_are_letters(tmp_path):
    (tmp_path / "labels.tsv").write_text('image\tlabel\na\t"x\nb\t5" wide\nc\tz"\nd\t"5"" wide"\n')
    settings = TableLabel(kind="table", path=tmp_path / "labels.tsv", key="image", value="label")
    labels = read_labels(settings)["label"]
    assert labels.to_dict() == {"a": '"x', "b": '5" wide', "c": 'z"', "d": '5" wide'}


def test_duplicate_identifiers_are_used_once(tmp_path):
    mimic(tmp_path, 4)
    path = tmp_path / "mimic-cxr-2.0.0-metadata.csv"
    table = pd.read_csv(path)
    pd.concat([table, table.iloc[:1]]).to_csv(path, index=False)
    found = cxr(tmp_path)
    assert sorted(found.loc["i0", "reason"].fillna("used")) == ["duplicate", "used"]


def refusal(summary, **thresholds) -> str:
    with pytest.raises(UnfitCohort) as caught:
        check_fitness(summary, [], expected=[], named=True, min_patients=1, **thresholds)
    return str(caught.value)


def test_reasons_are_counted_and_too_many_are_an_error_that_says_them(tmp_path):
    files = mimic(tmp_path, 8)
    files[0].write_bytes(b"junk")
    files[1].unlink()
    index = index_mimic_cxr(tmp_path, CXR)
    items = shard_mimic_cxr(index, tmp_path, CxrRead(image_size=8), tmp_path / "0.h5", {})
    splits = split_patients(index, Split(test_fraction=0.3, validate_fraction=0), 1)
    _, bad, summary = assemble(index, [items], splits, None)
    assert {r["reason"]: r["n"] for r in summary["reasons"]} == {"missing_file": 1, "not_dicom": 1}
    assert len(bad) == 2
    message = refusal(summary | {"cohort": "cxr"}, max_quarantined=0.1)
    assert "2 of 8 files" in message and "1 not_dicom" in message and "1 missing_file" in message
    assert "i0" not in message


def test_progress_is_told_in_counts(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sources, "PROGRESS_S", -1)
    frame = manifest([{"source": name, "status": "used"} for name in ("a", "b")])
    (tmp_path / "a").write_bytes(b"x")
    with caplog.at_level("INFO"):
        sources.hash_sources(frame, tmp_path, None, threads=2)
    assert "hashed 2 of 2 files" in caplog.text and str(tmp_path) not in caplog.text
    assert frame["reason"].tolist()[1] == "missing_file"
