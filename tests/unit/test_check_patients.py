"""Tables of patients are looked at before anything runs."""

from __future__ import annotations

from medsynth.check.findings import Findings
from medsynth.check.patients import check_patients
from medsynth.cohorts.patients.settings import PatientTables


def told_of(path, columns, **survival):
    asked = {"path": path, "key": "case"}
    settings = PatientTables(
        tables={"clinical": asked | {"columns": columns}},
        survival=asked | {"months": "months", "event": "censored", **survival},
    )
    told = Findings([])
    check_patients("cohorts.c.patients", [*"abcd"], settings, None, told.mistake, told)
    return told


def test_what_tables_say_and_what_is_wrong_with_them_is_told_before_anything_runs(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("case,age,kps,sex,months,censored\na,40,1,m,3,1\nb,999,2,f,4,0\nc,60,x,f,0,1\n")
    said = {"happened": "1", "censored": "0"}
    told = told_of(path, ["sex"], **said)
    assert not told.mistakes
    text = "\n".join(map(str, told.notes))
    assert "3 patients, 1 columns, 1: the table has no row of the patient" in text
    assert "1 events, 1 censored" in text and "1: the months are zero or negative" in text
    assert "sounds as if 1 meant censored" in text
    assert "1 of 3 cells are no ages" in str(told_of(path, ["age"], **said).mistakes[0])
    told = told_of(path, ["kps"], happened="0", censored="1")
    assert "column 'kps': 1 of 3 cells are no numbers" in str(told.mistakes[0])
    assert told.mistakes[0].place == "cohorts.c.patients"
