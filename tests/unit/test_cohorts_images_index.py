"""Which rows of a user's table become images, whose they are, and what they are called."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from medsynth.cohorts.images import index as indexing
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.splits import leakage, split_patients
from medsynth.config.mistakes import ConfigError
from medsynth.config.schema import load_config
from medsynth.store.quarantine import CohortError
from medsynth.store.wording import REASONS
from tests.unit.image_files import cohort, encoded, indexed, levels

PNG = encoded(levels())


def pngs(*names: str) -> dict[str, bytes]:
    """Files of different bytes."""
    return {name: encoded(levels() // (k + 1)) for k, name in enumerate(names)}


def row(image: str, patient: str = "p1", label: str = "a", **others: str) -> dict[str, str]:
    return {"image": image, "patient": patient, "label": label, **others}


def reasons(frame: pd.DataFrame) -> dict[str, str | None]:
    told = [None if pd.isna(reason) else reason for reason in frame["reason"]]
    return dict(zip(frame["item_id"], told, strict=True))


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


def test_no_patient_is_an_error_with_both_remedies(tmp_path):
    with pytest.raises(ValidationError) as error:
        cohort(tmp_path, {}, [row("a")], {"patient": None})
    told = str(error.value)
    assert str(tmp_path / "table.csv") in told
    assert "columns.patient" in told and "one_image_one_patient: true" in told


def test_a_table_without_its_column_of_patients_names_both_remedies(tmp_path):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")], {"patient": "Subject"})
    with pytest.raises(CohortError) as error:
        indexed(settings)
    told = str(error.value)
    assert f"{tmp_path / 'table.csv'}: no column Subject" in told
    assert "correct columns.patient" in told and "one_image_one_patient: true" in told


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


def test_one_image_one_patient(tmp_path):
    settings = cohort(
        tmp_path,
        pngs("a.png", "b.png"),
        [row("a.png"), row("b.png")],
        {"patient": None},
        index={"one_image_one_patient": True},
    )
    frame = indexed(settings)
    assert list(frame["patient"]) == ["a.png", "b.png"]
    with pytest.raises(ValidationError, match="leave out one"):
        cohort(tmp_path, {}, [row("a")], index={"one_image_one_patient": True})


@pytest.mark.parametrize("other", ["P1", "p 1 ", "p01", "p1"])
def test_patients_are_written_in_one_way(tmp_path, other):
    first = "p 1" if " " in other else "p1"
    rows = [row("a.png", first.upper() if " " in other else first), row("b.png", other)]
    settings = cohort(tmp_path, pngs("a.png", "b.png"), rows)
    if other == first:
        assert set(indexed(settings)["reason"].isna()) == {True}
    else:
        with pytest.raises(CohortError, match="patients in 'patient': 1 are written in several"):
            indexed(settings)


def test_classes_are_written_in_one_way(tmp_path):
    rows = [row("a.png", label="Oedema"), row("b.png", "p2", "oedema")]
    with pytest.raises(CohortError, match="labels in 'label': 1 are written"):
        indexed(cohort(tmp_path, pngs("a.png", "b.png"), rows))


def test_further_labels_text_and_covariates_are_carried(tmp_path):
    rows = [
        row("a.png", grade="G2", note="No, none.", years="065Y", gender="F", scanner="X 1"),
        row("b.png", "p2", grade="G3", note="", years="unknown", gender="1", scanner=""),
        row("c.png", "p3", grade="", note="x", years="400", gender="Male", scanner="X 1"),
    ]
    columns = {
        "labels": ["label", "grade"],
        "text": "note",
        "covariates": {"age": "years", "sex": "gender", "scanner": "scanner"},
    }
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.png", "c.png"), rows, columns))
    carried = frame[["label", "label_grade", "text", "age", "sex", "scanner"]]
    expected = [
        ["a", "G2", "No, none.", 65.0, "female", "X 1"],
        ["a", "G3", None, None, None, None],
        ["a", None, "x", None, "male", "X 1"],
    ]
    assert carried.astype(object).where(carried.notna(), None).to_numpy().tolist() == expected


@pytest.mark.parametrize(("name", "cells"), [("sex", ["1", "2"]), ("age", ["old", "young"])])
def test_a_covariate_of_which_nothing_is_understood_is_refused(tmp_path, name, cells):
    rows = [row("a.png", **{name: cells[0]}), row("b.png", "p2", **{name: cells[1]})]
    settings = cohort(tmp_path, pngs("a.png", "b.png"), rows, {"covariates": {name: name}})
    with pytest.raises(CohortError, match=f"none of the 2 values in '{name}'"):
        indexed(settings)


@pytest.mark.parametrize("name", ["patient", "label", "mask", "source_after", "label_x", "Age"])
def test_covariates_have_names_of_their_own(tmp_path, name):
    with pytest.raises(ValidationError):
        cohort(tmp_path, {}, [row("a")], {"covariates": {name: "label"}})


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


def test_a_column_of_splits_is_followed(tmp_path):
    names = [f"{k}.png" for k in range(6)]
    words = ["train", "Training", "val", "test", "train", "train"]
    rows = [row(n, f"p{k}", s=w) for k, (n, w) in enumerate(zip(names, words, strict=True))]
    settings = cohort(tmp_path, pngs(*names), rows, {"split": "s"})
    frame = indexed(settings)
    splits = split_patients(frame, settings.split, seed=1).set_index("patient")["split"]
    expected = ["train", "train", "validate", "test", "train", "train"]
    assert list(splits[[f"p{k}" for k in range(6)]]) == expected
    assert leakage(frame.assign(split=frame["patient"].map(splits)))["ok"]


@pytest.mark.parametrize(
    ("words", "match"),
    [(["train", "test"], "puts 1 patients in two splits"), (["train", "fold 1"], "in 1 rows")],
)
def test_splits_that_contradict_or_are_unknown(tmp_path, words, match):
    rows = [row("a.png", s=words[0]), row("b.png", s=words[1])]
    settings = cohort(tmp_path, pngs("a.png", "b.png"), rows, {"split": "s"})
    with pytest.raises(CohortError, match=match):
        indexed(settings)


@pytest.mark.parametrize(
    ("columns", "official"), [({"split": "label"}, False), ({}, True)], ids=["column", "official"]
)
def test_column_and_setting_of_the_split_agree(tmp_path, columns, official):
    with pytest.raises(ValidationError, match="index.columns.split"):
        cohort(tmp_path, {}, [row("a")], columns, split={"official": official})


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


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="pixels"):
        ImagesCohort.model_validate({"kind": "images", "root": "x", "pixels": 3})


@pytest.mark.parametrize(
    ("file", "channels", "fits"),
    [
        ("image", "grey", True),
        ("image", {"a": "red", "b": "green"}, False),
        ({"a": "image", "b": "label"}, "grey", False),
        ({"a": "image", "b": "label", "c": "patient"}, "grey", True),
    ],
)
def test_experiments_need_grey_images_or_colours(tmp_path, file, channels, fits):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")], {"file": file})
    mine = settings.model_dump(mode="json") | {"read": {"channels": channels}}
    del mine["split"]
    raw = {
        "results_dir": str(tmp_path / "results"),
        "cohorts": {"mine": mine},
        "experiments": [{"name": "x", "family": "ddpm", "cohort": "mine"}],
    }
    if fits:
        assert load_config(raw).cohorts["mine"].image_form().channels in (1, 3)
    else:
        with pytest.raises(ConfigError, match="images of 2 channels can neither"):
            load_config(raw)


@pytest.mark.parametrize("key", ["table", "root"])
def test_a_missing_path_is_told_before_any_job(tmp_path, key):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")])
    mine = settings.model_dump(mode="json", exclude={"split"})
    if key == "root":
        mine["root"] = str(tmp_path / "nowhere")
    else:
        mine["index"]["table"] = str(tmp_path / "nowhere")
    raw = {"results_dir": str(tmp_path / "results"), "cohorts": {"mine": mine}}
    where = "root" if key == "root" else "index.table"
    with pytest.raises(ConfigError, match=f"cohorts.mine.{where}"):
        load_config(raw)


@pytest.mark.parametrize(
    "second",
    [
        row("b.png", "doe^JANE"),  # the same patient, written otherwise
        row("b.png", "Doe^Jane", s="test"),  # in two splits
        row("b.png", "Doe^Jane", s="Doe^Jane"),  # no split
        row("x.png", "Doe^Jane"),  # of two files
        row("b.png", "Doe^Jane", sex="Doe^Jane"),
    ],
    ids=["spelling", "splits", "word", "files", "sex"],
)
def test_no_error_and_no_log_names_a_patient(tmp_path, caplog, second):
    caplog.set_level("DEBUG")
    rows = [row("a.png", "Doe^Jane", s="train", sex=""), {"s": "train", "sex": ""} | second]
    columns = {"split": "s", "covariates": {"sex": "sex"}}
    files = pngs("a.png", "b.png", "c/x.png", "d/x.png")
    with pytest.raises(CohortError) as error:
        indexed(cohort(tmp_path, files, rows, columns))
    assert "doe" not in f"{error.value}{caplog.text}".lower()


ABSENT = ["NaN", "nan", "NA", "N/A", "None", "null", "#N/A", "n.a.", "k. A.", "<NA>", "Unknown"]


@pytest.mark.parametrize("word", ABSENT)
def test_a_word_of_absence_is_no_class_no_patient_no_mask_and_no_covariate(tmp_path, word):
    full = {"mask": "m.png", "grade": "G1", "scanner": "S", "note": "n", "s": "train"}
    rows = [
        row("a.png", "p1", **full | {"mask": word, "grade": word, "scanner": word, "note": word}),
        row("b.png", word, **full),
        row("c.png", "p2", word, **full),
    ]
    columns = {
        "labels": ["label", "grade"],
        **{"text": "note", "mask": "mask", "covariates": {"scanner": "scanner"}},
    }
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.png", "c.png", "m.png"), rows, columns))
    frame = frame[frame["source"] != "m.png"]
    assert reasons(frame) == {"a.png": None, "b.png": "no_patient", "c.png": "absent_label"}
    one = frame.set_index("source").loc["a.png", ["mask", "label_grade", "scanner", "text"]]
    assert one.isna().all()


def test_the_reason_says_how_a_class_called_none_is_kept(tmp_path):
    rows = [row("a.png", label="None"), row("b.png", "p2", "Normal")]
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.png"), rows))
    (reason,) = frame["reason"].dropna()
    assert "needs another name in the table" in REASONS[reason]


def test_an_unknown_finding_is_none(tmp_path):
    columns = {"labels": None, "findings": ["edema", "mass"]}
    cells = ["1", *ABSENT, ""]
    rows = [row(f"{k}.png", f"p{k}", edema=cell, mass="0") for k, cell in enumerate(cells)]
    names = [r["image"] for r in rows]
    frame = indexed(cohort(tmp_path, pngs(*names), rows, columns)).set_index("item_id")
    assert frame.loc["0.png", "status"] == "used"
    assert set(frame["reason"].drop("0.png")) == {"empty_finding"}


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


@pytest.mark.parametrize("words", [("AP", "ap"), ("Site 1", "site_1")])
def test_a_covariate_is_written_in_one_way(tmp_path, words):
    rows = [row(f"{k}.png", f"p{k}", place=word) for k, word in enumerate(words)]
    settings = cohort(tmp_path, pngs("0.png", "1.png"), rows, {"covariates": {"site": "place"}})
    with pytest.raises(CohortError, match="site in 'place': 1 are written in several ways"):
        indexed(settings)


def test_an_age_with_the_letter_of_a_sex_is_left_empty_and_counted(tmp_path, caplog):
    rows = [row(f"{k}.png", f"p{k}", years=y) for k, y in enumerate(["65M", "45F", "50"])]
    columns = {"covariates": {"age": "years"}}
    frame = indexed(cohort(tmp_path, pngs("0.png", "1.png", "2.png"), rows, columns))
    assert frame["age"].fillna(-1).tolist() == [-1, -1, 50]
    assert "age: 0 cells empty, 2 not understood and left empty, of 3" in caplog.text


def test_a_newborn_has_an_age(tmp_path):
    rows = [row("a.png", years="0"), row("b.png", "p2", years="0 days"), row("c.png", years="7")]
    columns = {"covariates": {"age": "years"}}
    frame = indexed(cohort(tmp_path, pngs("a.png", "b.png", "c.png"), rows, columns))
    assert frame["age"].tolist() == [0, 0, 7]


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


def test_an_empty_cell_of_a_split_is_told_as_that(tmp_path):
    rows = [row("a.png", s="train"), row("b.png", "p2", s=""), row("c.png", "p3", "", s="")]
    settings = cohort(tmp_path, pngs("a.png", "b.png", "c.png"), rows, {"split": "s"})
    with pytest.raises(CohortError, match="column 's' is empty in 1 rows"):
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
