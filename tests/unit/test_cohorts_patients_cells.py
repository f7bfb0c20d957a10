"""What people write into cells of patients' tables where a number, a time or an event is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.store.quarantine import CohortError


def read(folder, columns, survival=None, used=None, unknown=None):
    """A table of columns, all or some of which are a modality."""
    path, n = folder / "t.tsv", len(next(iter(columns.values())))
    rows = [[f"p{i:02d}", *(str(of[i]) for of in columns.values())] for i in range(n)]
    path.write_text("\n".join("\t".join(row) for row in [["case", *columns], *rows]) + "\n")
    asked = {"path": path, "key": "case"}
    table = asked | {"columns": used or [*columns], "unknown": unknown}
    settings = {"tables": {"t": table}, "survival": survival and asked | survival}
    return read_patients([row[0] for row in rows], PatientTables(**settings))


def column(folder, name, cells, **more):
    frame, counts = read(folder, {name: cells}, **more)
    return frame[f"t:{name}"].tolist(), counts["t"]


NOTHING = ["NA", "unknown", "[Not Available]", "[Not Applicable]", ".", "?", "[Unknown]", "", "n/a"]


def test_words_for_nothing_are_unknown_and_counted(tmp_path):
    found, counts = column(tmp_path, "kps", [80, 90, 70, *NOTHING])
    assert found[:3] == [80, 90, 70] and np.isnan(found[3:]).all()
    assert counts["cells_empty"] == len(NOTHING)
    frame, _ = read(tmp_path, {"sex": ["m", "f", "m", *NOTHING]})
    assert frame["t:sex=m"].isna().tolist() == [False] * 3 + [True] * len(NOTHING)


def test_each_word_becomes_a_column_but_for_those_of_few_patients(tmp_path):
    """The model's card names them, and who has a word alone would stand in it."""
    words = [*["GBM"] * 5, *["ODG"] * 6, "Dr Miller", "Dr Smith", "Dr Smith", "NA"]
    frame, counts = read(tmp_path, {"kind": words})
    columns = ["t:kind=(rare)", "t:kind=GBM", "t:kind=ODG"]
    assert list(frame)[1:] == columns and counts["t"]["words_rare"] == 2
    assert frame[columns].sum().tolist() == [3, 5, 6]
    assert frame[columns].iloc[-1].isna().all()
    assert list(read(tmp_path, {"sex": ["f", "m", "m"]})[0])[1:] == ["t:sex=m"]
    frame, counts = read(tmp_path, {"smokes": ["Yes", "YES", "no", "Yes", "No", "no", "–"]})
    assert frame["t:smokes=no"].fillna(-1).tolist() == [0, 0, 1, 0, 1, 1, -1]
    assert (counts["t"]["columns"], counts["t"]["cells_empty"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "cells", "code"),
    [
        ("kps", [80, 90, 70, -9999], "-9999"),
        ("kps", [80, 90, 70, "-9999.0"], "-9999"),
        ("kps", [80, 90, -1, 70], "-1"),
        ("purity", [0.8, 0.35, -1, 0.7], "-1"),
        ("grade", [2, 3, -1, 1], "-1"),
        ("psa", [0.4, 12.5, 3, 999], "999"),
        ("EGFR_cnv", [-1, 0, 2, -99], "-99"),
        ("TP53_mut", [0, 1, 1, 99], "99"),
        ("TP53_rnaseq", [-1.52, 0.33, 2.11, 9999], "9999"),
        ("empty", [-999, -999, -999], "-999"),
    ],
)
def test_a_number_that_stands_for_nothing_is_no_value(tmp_path, name, cells, code):
    with pytest.raises(
        CohortError, match=rf"column '{name}': \d of {len(cells)} cells are {code},"
    ):
        column(tmp_path, name, cells)
    if name != "empty":
        found, counts = column(tmp_path, name, cells, unknown=[code])
        assert np.isnan(found).sum() == counts["cells_empty"] == 1
    assert not np.isnan(column(tmp_path, name, cells, unknown=[])[0]).any()


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("EGFR", [-1, 0, 1, 2]),  # a copy is lost
        ("EGFR_cnv", [-1, 0, 1, 8]),
        ("log2 EGFR", [-1, 0, 0.585, 1]),
        ("TP53_rnaseq", [-1, -0.2, 0.4, 3.1]),
        ("psa", [0.4, 99, 60, 3]),
        ("nodes", [0, 1, 9, 2]),
        ("days", [999, 400, 1200, 80]),
    ],
)
def test_a_number_among_its_like_is_a_value(tmp_path, name, cells):
    assert column(tmp_path, name, cells)[0] == cells


def test_ages_that_nobody_has_are_unknown_and_counted(tmp_path):
    cells = [51, "62,5", "39 years", *range(20, 50), 14610, -1, 999]
    found, counts = column(tmp_path, "age", cells)
    assert found[:33] == [51, 62.5, 39, *range(20, 50)] and np.isnan(found[33:]).all()
    assert counts["cells_not_understood"] == 3
    found, counts = column(tmp_path, "age", [51, -1, 999, 40], unknown=["-1", "999"])
    assert np.isnan(found).tolist() == [False, True, True, False] and counts["cells_empty"] == 2
    assert column(tmp_path, "age_days", [14610, 21915, 7305])[0] == [40, 60, 20]
    with pytest.raises(CohortError, match="column 'Age': 2 of 5 cells are no ages"):
        column(tmp_path, "Age", [0.2, 1.3, 0.4, -0.7, -1.2])  # in standard deviations
    assert read(tmp_path, {"age_group": ["old", "young", "old"]})[1]["t"]["columns"] == 1


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["0,5", "12,25", "-3,125"], [0.5, 12.25, -3.125]),
        (["1,5", "2", "3"], [1.5, 2, 3]),
        (["0,482", "1,250", "-0,031"], [0.482, 1.25, -0.031]),  # no thousands begin with 0
    ],
)
def test_decimal_commas_are_read(tmp_path, cells, found):
    assert column(tmp_path, "size", cells)[0] == found


@pytest.mark.parametrize("cells", [["1,250", "2,000", "7"], ["1,5", "2.5", "3"]])
def test_commas_that_may_be_of_thousands_are_refused(tmp_path, cells):
    with pytest.raises(CohortError, match="cells are numbers with a comma"):
        column(tmp_path, "size", cells)


def test_columns_that_say_nothing_are_refused_by_name_and_counted_by_pattern(tmp_path):
    columns = {"a_mut": ["NA", "", "?"], "b_mut": [1, 1, 1], "c_mut": [0, 1, 0]}
    with pytest.raises(CohortError, match="column 'a_mut' says nothing of any of the 3 patients"):
        read(tmp_path, columns)
    path = tmp_path / "t.tsv"
    table = {"path": path, "key": "case", "columns": ["*_mut"]}
    _, counts = read_patients(["p00", "p01", "p02"], PatientTables(tables={"t": table}))
    assert (counts["t"]["columns_empty"], counts["t"]["columns_constant"]) == (1, 1)


def followed(folder, months, events=None, name="survival", happened="1", censored="0"):
    """Months, events and counts, by a table of which the rest is right."""
    events = events or [i % 2 for i in range(len(months))]
    asked = {"months": name, "event": "e", "happened": happened, "censored": censored}
    columns = {"kps": [70 + i for i in range(len(months))], name: months, "e": events}
    frame, counts = read(folder, columns, asked, ["kps"])
    return frame["months"].tolist(), frame["event"].tolist(), counts["survival"]


def months_of(*arguments):
    return followed(*arguments)[0]


TEXTS = ["12 mo", "1 year", "2 years 3 months", "6 Months", "30.4375 days"]


def test_times_are_months_whatever_their_unit(tmp_path):
    assert months_of(tmp_path, TEXTS) == pytest.approx([12, 12, 27, 6, 1])
    assert months_of(tmp_path, ["12,5", "3", "7.25"]) == [12.5, 3, 7.25]
    days = months_of(tmp_path, [30.4375, 365.25, 3652.5], None, "days_to_death")
    assert days == pytest.approx([1, 12, 120])
    assert months_of(tmp_path, [999, 9999], None, "days_to_death") == pytest.approx(
        [32.82, 328.5], 0.01
    )
    assert months_of(tmp_path, [1, 2, 0.5], None, "OS_YEARS") == [12, 24, 6]
    assert months_of(tmp_path, [1, 2, 0.5], None, "os_yr") == [12, 24, 6]


def test_times_that_are_none_cost_the_patient_the_survival_or_are_refused(tmp_path):
    cells = [12, -1, 0, 999, 9999, "soon", ">60", "1,234 days", "NA", 7]
    found = months_of(tmp_path, cells)
    assert (found[0], found[-1]) == (12, 7) and np.isnan(found[1:-1]).all()
    with pytest.raises(CohortError, match="'survival': 2 of 3 cells are dates"):
        months_of(tmp_path, ["2014-03-01", "1.4.2015", 7])
    with pytest.raises(CohortError, match="2 of 3 cells are numbers with a comma"):
        months_of(tmp_path, ["1,234", "987", "2,010"], None, "days_to_death")
    with pytest.raises(
        CohortError, match="2 of 3 times are longer than 900 months, as if they were"
    ):
        months_of(tmp_path, [1500, 2203, 400])


@pytest.mark.parametrize(
    ("words", "happened", "censored"),
    [
        (("True", "False"), "true", "false"),
        (("yes", "NO"), "Yes", "no"),
        (("Dead", "Alive"), "dead", "alive"),
        (("1:DECEASED", "0:LIVING"), "1:DECEASED", "0:LIVING"),
        (("1.0", "2.0"), "1", "2"),
    ],
)
def test_words_of_events_are_what_the_settings_say(tmp_path, words, happened, censored):
    told = tmp_path, [*range(1, 11)], [*words] * 5, "m"
    _, event, counts = followed(*told, happened, censored)
    assert event == [True, False] * 5 and "doubt" not in counts
    with pytest.raises(CohortError, match=rf"'e' says '{words[0]}' \(5\), '{words[1]}' \(5\)"):
        followed(*told, "x", "y")
    _, _, counts = followed(*told, happened, "y")
    assert counts["doubt"] == "no patient has the word 'y' for censored"
    assert counts["event_unknown"] == 5
