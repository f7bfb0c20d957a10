"""How the cells of a user's table name files."""

from __future__ import annotations

import pytest

from medsynth.store.quarantine import CohortError
from tests.unit.image_files import cohort, indexed, pngs, reasons, row


@pytest.mark.parametrize(
    "cell",
    ["d/x.y.png", "d/x.y", "x.y.png", "x.y", "./d/x.y.png", "d\\x.y.png", " d/x.y.png "],
)
def test_a_file_is_found_by_path_and_name_with_and_without_suffix(tmp_path, cell):
    frame = indexed(cohort(tmp_path, pngs("d/x.y.png", "d/x.png"), [row(cell)]))
    assert reasons(frame) == {"d/x.y.png": None, "d/x.png": "no_row"}
    assert frame.set_index("item_id").loc["d/x.y.png", "patient"] == "p1"


def test_an_absolute_path_below_root_is_found(tmp_path):
    frame = indexed(cohort(tmp_path, pngs("x.png"), [row(str(tmp_path / "files" / "x.png"))]))
    assert reasons(frame) == {"x.png": None}


@pytest.mark.parametrize("cell", ["x.png", "x"])
def test_a_bare_name_of_several_files_is_refused(tmp_path, cell):
    settings = cohort(tmp_path, pngs("a/x.png", "b/x.png"), [row(cell)])
    with pytest.raises(CohortError, match="1 cells in 'image' name several files"):
        indexed(settings)


@pytest.mark.parametrize(
    "cell", ["x" * 5000, "http://a/b.png", "C:\\x.png", "*", "d", "d/", "~", "é" * 300, "nan"]
)
def test_a_cell_that_names_no_file_costs_its_row(tmp_path, cell):
    rows = [row(cell), row("a.png", "p2")]
    frame = indexed(cohort(tmp_path, pngs("a.png", "d/b.png"), rows))
    told = reasons(frame)
    assert told.pop("a.png") is None and told.pop("d/b.png") == "no_row"
    assert set(told.values()) <= {"missing_file", "unreadable"} and len(told) == 1


def test_an_accent_is_the_same_letter_however_it_is_written(tmp_path):
    frame = indexed(cohort(tmp_path, pngs("cafe\u0301.png"), [row("caf\u00e9.png")]))
    assert list(frame["status"]) == ["used"]


CELLS = ["a.png", "./a.png", "a.PNG", "a.png/", "../files/a.png", "d/../a.png", "a"]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.ima", "a.dicom"])
def test_a_file_is_one_however_its_path_is_written(tmp_path, cell, name):
    if name not in ("a.png", "a.PNG"):
        cell = cell.replace("png", name[2:]).replace("PNG", name[2:].upper())
    frame = indexed(cohort(tmp_path, pngs(name, "b.png"), [row(cell), row("b.png", "p2")]))
    assert reasons(frame) == {name: None, "b.png": None}


def test_suffixes_of_dicom_files_are_those_of_images(tmp_path):
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.dicom", "c.IMA"), [row("a.png")]))
    assert reasons(frame) == {"a.png": None, "b.dicom": "no_row", "c.IMA": "no_row"}
