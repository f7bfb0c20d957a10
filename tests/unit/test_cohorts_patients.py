"""Tables of patients: numbers, words and gaps; survival whose cells cannot be used."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medsynth.cohorts.patients.columns import TARGETS
from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables, Survival
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.parquet import read_table, write_table

HEAD = "case,age,sex,TP53_mut,ATRX_mut,kind,months,dead"
ROWS = [
    "a,51,female,1,0,GBM,12.5,1",
    "b,NA,male,0,,AASTR,3,0",
    "c,40,female,,1,ODG,0,1",
    "d,61.5,male,0,0,GBM,-2,0",
    "e,33,unknown,1,1,GBM,many,1",
    "f,20,male,1,1,ODG,7,maybe",
]


def tables(path, columns=("age", "sex"), **more):
    asked = {"path": path, "key": "case"}
    found = {"clinical": asked | {"columns": list(columns)}}
    survival = asked | {"months": "months", "event": "dead", "happened": "1.0", "censored": "0"}
    return PatientTables(**{"tables": found, "survival": survival} | more)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "patients.csv"
    file.write_text("\n".join([HEAD, *ROWS]) + "\n")
    return file


def read(path, patients="abcdef", **more):
    return read_patients(list(patients), tables(path, **more))


def test_numbers_words_and_gaps(path):
    frame, counts = read(path, columns=["age", "sex", "*_mut"])
    by = frame.set_index("patient").add_prefix("_").rename(columns=lambda c: c.split(":")[-1])
    assert by.loc["a", ["age", "TP53_mut", "sex=male"]].tolist() == [51, 1, 0]
    assert by["age"].isna().sum() == 1
    assert by["sex=male"].isna().tolist() == [False] * 4 + [True, False]  # unknown is no "female"
    assert "sex=female" not in by  # one column tells two words
    assert counts["clinical"] == {"patients": 6, "columns": 4, "cells_empty": 4}


def test_the_table_keeps_what_the_targets_are_called(path, tmp_path):
    frame, _ = read_patients("abcdef", tables(path), "IDH_STATUS")
    write_table(frame, tmp_path / "patients.parquet")
    kept = read_table(tmp_path / "patients.parquet").attrs[TARGETS]
    assert kept == {"label": ["IDH_STATUS"], "survival": ["months", "dead"]}
    frame, _ = read_patients("abcdef", tables(path, survival=None))
    assert frame.attrs[TARGETS] == {"label": [], "survival": []}


def test_a_cell_that_cannot_be_survival_costs_its_patient_the_survival_only(path, caplog):
    caplog.set_level("INFO")
    frame, counts = read(path)
    assert "survival: 1 events, 1 censored, 2: the months are zero or negative" in caplog.text
    assert dict(zip(frame["patient"], frame["survival_reason"].fillna(""), strict=True)) == {
        "a": "", "b": "", "c": "months_not_positive", "d": "months_not_positive",
        "e": "months_unknown", "f": "event_unknown",
    }  # fmt: skip
    assert frame["event"].tolist()[:2] == [True, False]
    assert frame.loc[2:, ["months", "event"]].isna().all(axis=None)
    assert counts["survival"] == {
        "events": 1, "censored": 1, "months_not_positive": 2, "months_unknown": 1,
        "event_unknown": 1,
    }  # fmt: skip


def test_the_median_of_fewer_than_five_patients_is_withheld(tmp_path):
    path = tmp_path / "patients.csv"
    lines = [f"p{i},{i + 1},{1 if i < 4 else 0}" for i in range(9)]
    path.write_text("\n".join(["case,months,dead", *lines]))
    _, counts = read(path, [f"p{i}" for i in range(9)], columns=["dead"])
    assert counts["survival"] == {"events": 4, "censored": 5, "median_months_of_censored": 7.0}


@pytest.mark.parametrize(("happened", "censored"), [("1", "1.0"), ("Dead", " dead"), ("0", "00")])
def test_two_spellings_of_one_word_cannot_be_both(path, happened, censored):
    asked = tables(path).survival.model_dump() | {"happened": happened, "censored": censored}
    with pytest.raises(ValidationError, match="same word"):
        tables(path, survival=asked)


def test_a_table_that_says_nothing_of_anybody_is_no_modality(path):
    path.write_text("case,x,y\na,NA,\nb,2,\nb,1,\n")
    said = "say nothing of any of the 3 patients .*1 rows of the patient contradict.*1 have empty"
    with pytest.raises(CohortError, match=said):
        read(path, patients="abc", columns=["x", "y"], survival=None)


def test_a_column_that_names_patients_becomes_none_of_the_model(path):
    path.write_text("case,who\na,Ann Miller\nb,Bob Smith\nc,Cid Jones\nd,Dan Brown\n")
    with pytest.raises(CohortError, match="no two patients have the same word") as error:
        read(path, patients="abcd", columns=["who"], survival=None)
    assert "Miller" not in str(error.value)


def test_what_one_means_must_be_said_and_a_name_that_contradicts_it_is_doubted(path):
    with pytest.raises(ValidationError, match="happened"):
        Survival(path=path, key="case", months="months", event="dead")
    with pytest.raises(ValidationError, match="same word"):
        tables(path, survival={**tables(path).survival.model_dump(), "censored": "1.0"})
    path.write_text(path.read_text().replace("dead", "censorship"))
    asked = {**tables(path).survival.model_dump(), "event": "censorship"}
    assert "doubt" in read(path, survival=asked)[1]["survival"]
    right = asked | {"happened": "0", "censored": "1"}
    assert "doubt" not in read(path, survival=right)[1]["survival"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("female,1,0,GBM", "female,old,0,GBM", "column 'TP53_mut': 1 of 5 cells are no numbers"),
        (
            "female,1,0,GBM",
            "female,1.7e308,0,GBM",
            r"column 'TP53_mut': 1 of 5 cells are no numbers below 1e\+30",
        ),
        ("female,1,0,GBM", "female,inf,0,GBM", "column 'TP53_mut': 1 of 5 cells are no numbers"),
        ("age,", "years,", "'age'"),
        ("case,", "id,", "no column case"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(path, old, new, message):
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CohortError, match=message) as error:
        read(path, columns=["age", "sex", "TP53_mut"])
    assert "patients.csv" in str(error.value)


def test_too_many_words_a_pattern_without_a_column_and_strangers_are_refused(path):
    with pytest.raises(CohortError, match=r"no column '\*_cnv'"):
        read(path, columns=["*_cnv"])
    with pytest.raises(CohortError, match="written as a, the column as aaaa-00") as error:
        path.write_text(f"{HEAD}\nTCGA-12,1,male,1,1,x,1,1\n".replace("TCGA-12", "ABCD-12"))
        read(path)
    assert "ABCD" not in str(error.value)
    lines = [f"p{i:02d},{i},male,1,1,word{i},1,1" for i in range(11)]
    path.write_text("\n".join([HEAD, *lines]))
    with pytest.raises(CohortError, match="11 different words"):
        read(path, patients=[f"p{i:02d}" for i in range(11)], columns=["kind"])
    path.write_text("\n".join([HEAD, "a,1,male,1,1,x,0,1", "b,1,male,1,1,x,2,?"]))
    with pytest.raises(
        CohortError, match=r"known \(1: the months are zero or neg.*, 1: the cell says"
    ):
        read(path, patients="ab")


def test_rows_of_a_patient_must_agree_and_samples_name_their_patient(tmp_path):
    path = tmp_path / "samples.tsv"
    path.write_text(
        "case\tage\nTCGA-AA-0001-01A\t50\nTCGA-AA-0001-01B\t50\nTCGA-AA-0002-01\t3\n"
        "TCGA-AA-0002-02\t4\nTCGA-AA-0009-01\t7\n"
    )
    cases = [f"TCGA-AA-000{i}" for i in (1, 2, 3)]
    frame, counts = read_patients(cases, tables(path, columns=["age"], survival=None))
    assert frame["clinical:age"].fillna(-1).tolist() == [50, -1, -1]
    assert counts["clinical"] == {
        "patients": 1, "columns": 1, "cells_empty": 0, "rows_differ": 1, "no_row": 1
    }  # fmt: skip
    assert frame["patient"].tolist() == cases  # nobody else's row is kept


def test_rows_of_a_patient_fill_each_others_gaps_and_a_number_is_one_however_written(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("case,age,grade,sex\na,50,NA,F\na,50.0,3,f\na,,3,\nb,61,2,m\nb,61,3,m\n")
    frame, counts = read_patients(["a", "b"], tables(path, columns=["age", "grade"], survival=None))
    assert frame.iloc[0].tolist() == ["a", 50, 3] and frame.iloc[1, 1:].isna().all()
    assert counts["clinical"]["rows_differ"] == 1


def test_a_heading_with_brackets_names_its_column_and_none_twice(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("case,age [years],sex,sex=m\na,50,f,0\nb,61,m,1\nc,70,m,1\n")
    frame, _ = read_patients("abc", tables(path, columns=["age [years]"], survival=None))
    assert frame["clinical:age [years]"].tolist() == [50, 61, 70]
    with pytest.raises(CohortError, match="words of column 'sex' become .* another column is call"):
        read_patients("abc", tables(path, columns=["sex*"], survival=None))


def test_a_table_of_thousands_of_columns_is_read(tmp_path):
    path = tmp_path / "wide.csv"
    heads = [f"g{i}_rnaseq" for i in range(1200)]
    path.write_text(
        "\n".join([",".join(["case", *heads]), *(f"p{k}" + ",1.5" * 1200 for k in "ab")])
    )
    frame, _ = read_patients(["pa"], tables(path, columns=["*_rnaseq"], survival=None))
    assert frame.shape == (1, 1201)
