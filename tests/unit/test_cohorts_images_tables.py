"""Which files are a table of images: delimiters, quotation marks, what spreadsheets save."""

from __future__ import annotations

import pandas as pd
import pytest

from medsynth.store.quarantine import CohortError
from tests.unit.image_files import PNG, cohort, indexed, pngs, row


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no header line"),
        ("image;patient\nx;1\n", "no column label"),
        ("image,patient,label,label\nx.png,1,a,b\n", "'label' stands twice"),
        ("image,patient,label\nx.png,1,a,b,c\n", "fields"),
        ('image,patient,label\n"x.png,1,a\ny.png,2,b\nz.png,3,c\n', "."),
        ("image,patient,label\nx.png,1,\xff\n", "UTF-8"),
    ],
    ids=["empty", "column", "twice", "ragged", "quote", "latin"],
)
def test_a_table_that_cannot_be_understood_is_an_error(tmp_path, text, match):
    settings = cohort(tmp_path, pngs("x.png"), [row("x.png")])
    settings.index.table.write_bytes(text.encode("latin-1"))
    with pytest.raises(CohortError, match=match):
        indexed(settings)


def test_no_table_and_no_files(tmp_path):
    settings = cohort(tmp_path, {"x.png": PNG}, [row("x.png")], index={"pattern": "*.tif"})
    with pytest.raises(CohortError, match="no file matches"):
        indexed(settings)
    settings.index.table.unlink()
    with pytest.raises(CohortError, match="does not exist"):
        indexed(settings)


LETTER = "Effusion, small.\nImpression: small, stable, nodule, unchanged, benign, seen, twice"


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("quotes", ["", ' a 5" tube'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_of_several_lines_is_one_cell(tmp_path, delimiter, quotes, end):
    text = (LETTER + quotes).replace(",", delimiter if delimiter != "\t" else ",")
    rows = [row("a.png", note=text), row("b.png", "p2", note="short")]
    settings = cohort(tmp_path, pngs("a.png", "b.png"), rows, {"text": "note"})
    pd.DataFrame(rows).to_csv(settings.index.table, sep=delimiter, index=False, lineterminator=end)
    frame = indexed(settings)
    assert frame["text"].tolist() == [text, "short"] and len(frame) == 2


@pytest.mark.parametrize(
    "lines",
    [
        ['"a.png,1,x', "b.png,2,x", '"c.png,3,x', "d.png,4,x"],
        ['"a.png,1,x', "b.png,2,x", 'c.png,3,x"', "d.png,4,x"],
        ["a.png,1,x", '"b.png,2,x', "c.png,3,x", "d.png,4,x"],
    ],
    ids=["twice", "closed much later", "never closed"],
)
def test_a_quotation_mark_that_is_not_closed_is_an_error(tmp_path, lines):
    files = pngs("a.png", "b.png", "c.png", "d.png")
    settings = cohort(tmp_path, files, [row("a.png")])
    settings.index.table.write_text("\n".join(["image,patient,label", *lines, ""]))
    with pytest.raises(CohortError, match="table.csv"):
        indexed(settings)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"PK\x03\x04" + bytes(99), "workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "workbook"),
        (b"sep=;\nimage;patient;label\na.png;1;x\n", "delete it"),
    ],
    ids=["xlsx", "xls", "sep"],
)
def test_what_spreadsheets_save_is_named(tmp_path, data, match):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")])
    settings.index.table.write_bytes(data)
    with pytest.raises(CohortError, match=match):
        indexed(settings)
