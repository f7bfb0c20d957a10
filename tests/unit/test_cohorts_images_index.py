"""Which rows of a user's table become images, and why the others do not."""

from __future__ import annotations

import pandas as pd
import pytest

from medsynth.cohorts.images import index as indexing
from tests.unit.image_files import PNG, cohort, indexed, pngs, reasons, row


def test_each_row_and_file_that_cannot_be_used_has_its_reason(tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    files = pngs(*(f"{name}.png" for name in "abcdefghi"))
    files |= {"copy.png": files["a.png"], "notes.txt": b"-", "sub/.DS_Store": b"-"}
    rows = [
        row("a.png"),
        row("copy.png"),
        row("b.png", "p2"),
        row("b.png", "p3"),  # whose?
        row("c.png", ""),
        row("d.png", "Unknown"),
        row("e.png", "p2", ""),
        row("f.png", "p4"),
        row("f.png", "p4"),  # the same row twice says nothing new
        row("lost.png", "p5"),
        row("../secret.png", "p5"),
        row("", "p6"),
        row("", "", ""),
        row("g.png", "17.0"),
    ]
    frame = indexed(cohort(tmp_path, files, rows))
    told = frame.groupby("item_id")["reason"].agg(lambda r: sorted(set(r.fillna("-"))))
    assert told.drop("row 10").to_dict() == {
        "../secret.png": ["outside_root"],
        "a.png": ["-"],
        "b.png": ["two_rows"],
        "c.png": ["no_patient"],
        "copy.png": ["copy"],
        "d.png": ["no_patient"],
        "e.png": ["no_label"],
        "f.png": ["-"],
        "g.png": ["-"],
        "h.png": ["no_row"],
        "i.png": ["no_row"],
        "lost.png": ["missing_file"],
    }
    assert len(frame) == 14  # b.png twice, f.png once
    assert frame.set_index("item_id").loc["g.png", "patient"] == "17"  # as before a spreadsheet


@pytest.mark.parametrize(("patient", "label"), [("p2", "a"), ("p1", "b")])
def test_the_same_bytes_of_two_patients_or_classes_are_nobodys(tmp_path, patient, label):
    rows = [row("a.png"), row("b.png", patient, label), row("c.png", "p3")]
    frame = indexed(cohort(tmp_path, {"a.png": PNG, "b.png": PNG, **pngs("c.png")}, rows))
    frame = frame[frame["item_id"] != "c.png"]
    assert set(frame["reason"]) == {"whose_bytes"}


def test_a_volume_is_hashed_once(tmp_path, monkeypatch):
    hashed = []
    real = indexing.hash_sources

    def counted(frame, *others):
        hashed.extend(frame["source"])
        real(frame, *others)

    monkeypatch.setattr(indexing, "hash_sources", counted)
    rows = [row("v.nii", z=str(k)) for k in range(5)]
    frame = indexed(cohort(tmp_path, {"v.nii": PNG}, rows, {"slice": "z"}))
    assert hashed == ["v.nii"] and list(frame["status"]) == ["used"] * 5
    assert frame["source_bytes"].nunique() == frame["source_sha256"].nunique() == 1


def test_only_the_rows_that_are_kept(tmp_path):
    rows = [row("a.png", flag="True"), row("b.png", flag="False"), row("c.png", flag="")]
    settings = cohort(
        tmp_path, pngs("a.png", "b.png", "c.png"), rows, index={"keep": {"flag": ["True"]}}
    )
    assert reasons(indexed(settings)) == {
        "a.png": None,
        "b.png": "not_kept",
        "c.png": "not_kept",
    }


def test_roles_are_hashed_and_one_missing_is_enough(tmp_path):
    columns = {"file": {"before": "image", "after": "after"}, "mask": "mask"}
    rows = [
        row("a.png", after="b.png", mask="c.png"),
        row("d.png", "p2", after="lost.png", mask=""),
        row("e.png", "p3", after="", mask=""),
        row("f.png", "p4", after="b.png", mask="lost.png"),
    ]
    files = pngs(*(f"{name}.png" for name in "abcdef"))
    frame = indexed(cohort(tmp_path, files, rows, columns))
    assert reasons(frame) == {
        "a.png": None,
        "d.png": "missing_file",
        "e.png": "bad_identifier",
        "f.png": "missing_file",
    }
    one = frame.set_index("item_id").loc["a.png"]
    assert one["source_after"] == "b.png" and one["mask"] == "c.png"
    assert len({one[f"{c}_sha256"] for c in ("source", "source_after", "mask")}) == 3


def test_an_index_does_not_depend_on_the_order_of_rows(tmp_path):
    rows = [row(f"{k}.png", f"p{k}") for k in range(5)]
    names = [f"{k}.png" for k in range(5)]
    one = indexed(cohort(tmp_path, pngs(*names), rows))
    pd.testing.assert_frame_equal(one, indexed(cohort(tmp_path, pngs(*names), rows[::-1])))


CONTRADICTING = {  # cells of edema and mass in two rows of one image
    "used and excluded": (("1", "0"), ("0", "0")),
    "used and uncertain": (("1", "0"), ("-1", "0")),
    "used and empty": (("1", "0"), ("", "")),
    "used and contradictory": (("1", "0"), ("1", "0", "1")),
    "both used": (("1", "0"), ("0", "1")),
}


@pytest.mark.parametrize("cells", CONTRADICTING.values(), ids=CONTRADICTING)
@pytest.mark.parametrize("turned", [False, True])
def test_rows_that_contradict_each_other_are_set_aside_whatever_each_would_be(
    tmp_path, cells, turned
):
    names = ["edema", "mass", "normal"]
    columns = {"labels": None, "findings": names}
    rows = [row("a.png", **dict(zip(names, [*each, "0"], strict=False))) for each in cells]
    rows = [*(rows[::-1] if turned else rows), row("b.png", "p2", edema="1", mass="0", normal="0")]
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.png"), rows, columns))
    a, b = frame[frame["item_id"] == "a.png"], frame[frame["item_id"] == "b.png"]
    assert len(a) == 2 and b["status"].tolist() == ["used"]
    assert "used" not in set(a["status"]) and "two_rows" in set(a["reason"])


def test_a_row_that_keep_leaves_out_contradicts_none(tmp_path):
    rows = [row("a.png", phase="early"), row("a.png", label="other", phase="late")]
    settings = cohort(tmp_path, pngs("a.png"), rows, index={"keep": {"phase": ["early"]}})
    assert sorted(indexed(settings)["reason"].fillna("-")) == ["-", "not_kept"]
