"""What the cells of a user's table say: patients, classes, findings, covariates."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medsynth.store.quarantine import CohortError
from medsynth.store.wording import REASONS
from tests.unit.image_files import cohort, indexed, pngs, reasons, row


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


def patients_table(tmp_path, text, **columns):
    (tmp_path / "patients.csv").write_text(text)
    beside = {"table": tmp_path / "patients.csv", "key": "case", "columns": ["idh", "grade"]}
    rows = [row(f"{name}.png", patient=patient) for name, patient in (("a", "7.0"), ("b", "8"))]
    return cohort(
        tmp_path,
        pngs("a.png", "b.png"),
        rows,
        {"labels": "idh", "covariates": {"grade": "grade"}} | columns,
        index={"patients": beside},
    )


def test_columns_of_a_table_of_patients_are_those_of_their_images(tmp_path):
    settings = patients_table(tmp_path, "case,idh,grade\n7,wt,2\n7,wt,2\n9,mutant,3\n")
    assert [one.path.name for one in settings.tables_read()] == ["table.csv", "patients.csv"]
    assert tmp_path / "patients.csv" in settings.index_paths()
    frame = indexed(settings).set_index("item_id")
    assert frame.loc["a.png", ["label", "grade"]].tolist() == ["wt", "2"]
    assert reasons(indexed(settings))["b.png"] == "no_label", "nobody says it of that patient"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("case,idh,grade\n7,wt,2\n7,mutant,2\n", "1 rows contradict another one"),
        ("case,idh,grade\nx,wt,2\n", "has none of the patients"),
        ("case,idh\n7,wt\n", "no column grade"),
        ("case,idh,grade,file\n7,wt,2,a\n", None),
    ],
)
def test_a_table_of_patients_that_cannot_be_joined_is_refused(tmp_path, text, why):
    settings = patients_table(tmp_path, text)
    if why is None:
        indexed(settings)
        return
    with pytest.raises(CohortError, match=why) as error:
        indexed(settings)
    assert "patients.csv" in str(error.value)
