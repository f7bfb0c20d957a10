"""The gate before training: what stops it, what it says, and what it keeps."""

from __future__ import annotations

import pytest

from medsynth.cohorts.gates.fitness import UnfitCohort, check_fitness


def summary(patients: dict[str, tuple[int, int, int]], *, wanted=20, quarantined=0) -> dict:
    """Of classes with so many patients in train, validate and test."""
    cells = [
        {"label": label, "split": split, "items": 2 * n, "patients": n}
        for label, counts in patients.items()
        for split, n in zip(("train", "validate", "test"), counts, strict=True)
        if n
    ]
    reasons = [
        {"status": "quarantined", "reason": "truncated", "n": quarantined},
        {"status": "excluded", "reason": "view", "n": 3},
    ]
    files = {"wanted": wanted, "quarantined": quarantined}
    return {"cohort": "mine", "files": files, "reasons": reasons, "by_label_split": cells}


SOUND = {"Edema": (6, 1, 2), "No Finding": (9, 2, 3)}


def check(
    found: dict, tables=(), expected=(), named=True, min_patients=3, max_quarantined=0.1, **where
):
    limits = {"min_patients": min_patients, "max_quarantined": max_quarantined}
    return check_fitness(found, tables, expected=expected, named=named, **limits, **where)


def refused(*args, **kwargs) -> list[str]:
    with pytest.raises(UnfitCohort) as caught:
        check(*args, **kwargs)
    first, *lines = str(caught.value).splitlines()
    assert first == "mine is not fit to be trained on:"
    return lines


def test_a_sound_cohort_gives_its_counts_whatever_the_thresholds():
    found = summary(SOUND, quarantined=1)
    tables = [{"what": "maf files", "unusable": 1, "of": 12}]
    gate = check(found, tables, expected=["Edema", "No Finding"])
    assert gate == {
        "unusable": [{"what": "files", "unusable": 1, "of": 20}, *tables],
        "patients": {
            "Edema": {"train": 6, "validate": 1, "test": 2},
            "No Finding": {"train": 9, "validate": 2, "test": 3},
        },
    }
    assert check(found, tables, min_patients=9, max_quarantined=0.5) == gate


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_finding_that_all_images_of_a_split_show_is_refused(split):
    def cells(shares: dict[str, dict[str, int]]) -> list[dict]:
        return [
            {"label": label, "split": side, "items": n, "patients": n}
            for label, of in shares.items()
            for side, n in of.items()
        ]

    sides = {"train": 6, "validate": 4, "test": 4}
    others = sides | {split: 0}
    found = summary({}) | {
        "by_label_split": cells({"Edema + Tube": sides, "Edema": others, "Tube": sides}),
        "by_finding_split": cells(
            {
                "Edema": {side: sides[side] + others[side] for side in sides},
                "Tube": {side: 2 * n for side, n in sides.items()},
            }
        ),
    }
    line, *_ = refused(found)
    assert line.startswith(f"  finding Tube is shown by all images in {split}, and nothing can")
    found["by_label_split"] += cells({"No Finding": {split: 1}})
    assert check(found)


def test_at_the_thresholds_it_passes_and_beyond_it_does_not():
    assert check(summary(SOUND, quarantined=2), min_patients=9)
    assert (
        "class Edema has 9 patients, 10 are needed" in refused(summary(SOUND), min_patients=10)[0]
    )
    first, second, *_ = refused(summary(SOUND, quarantined=3))
    assert "3 of 20 files cannot be used (15%, allowed are 10%)" in first
    assert "those that `medsynth quarantine mine` lists" in first
    assert second.strip().startswith("3 truncated: fewer pixel bytes")


def test_the_command_that_lists_unusable_files_is_told_where_the_results_are():
    first, *_ = refused(summary(SOUND, quarantined=3), results="results/my study")
    assert "`medsynth quarantine mine --results 'results/my study'` lists" in first


@pytest.mark.parametrize("what", ["maf files", "downloads", "cases of the clinical table"])
def test_tables_and_downloads_count_apart(what):
    line, *_ = refused(summary(SOUND), [{"what": what, "unusable": 2, "of": 12}])
    assert f"2 of 12 {what} cannot be used (17%, allowed are 10%)" in line


@pytest.mark.parametrize(
    ("patients", "expected", "told"),
    [
        ({"A": (6, 1, 2)}, [], "1 class has images, and at least two are needed"),
        (SOUND, ["Edema", "Mass"], "class Mass was found in no image"),
        (SOUND | {"B": (2, 0, 0)}, [], "class B has 2 patients, 3 are needed"),
        (SOUND | {"B": (3, 1, 0)}, [], "class B has no patient in test"),
        (SOUND | {"B": (0, 1, 4)}, [], "class B has no patient in train"),
        ({"A": (6, 0, 2), "B": (6, 0, 2)}, [], "no patient is in validate: raise split.validate_"),
        ({"A": (6, 2, 0), "B": (6, 2, 0)}, [], "no patient is in test: raise split.test_fraction"),
        ({"A": (0, 2, 2), "B": (0, 2, 2)}, [], "no patient is in train: lower split.test_fraction"),
    ],
)
def test_what_is_wrong_is_told_with_a_table_of_patients(patients, expected, told):
    lines = refused(summary(patients), expected=expected)
    assert any(told in line for line in lines), lines
    rows = {line.split("  ")[1]: line.split()[-3:] for line in lines[-len(patients) :]}
    assert rows == {label: [str(n) for n in counts] for label, counts in patients.items()}


def test_everything_is_told_at_once():
    lines = refused(summary({"A": (1, 0, 0)}, quarantined=9), expected=["B"])
    assert len([line for line in lines if ":" in line]) == 7


def test_classes_of_few_patients_are_not_named_where_they_may_be_patients():
    found = summary(SOUND | {"Doe^Jane": (1, 0, 1)})
    text = "\n".join(refused(found, named=False))
    assert "1 of 3 classes have fewer than 3 patients" in text and "Doe" not in text
    assert "No Finding" in text
