"""Contrast phase by the words of a description."""

from __future__ import annotations

import csv

import pytest

from medsynth.imaging.ct.contrast.text import said
from tests.unit.contrast_texts import ONE_PHASE
from tests.unit.contrast_texts_unclear import NO_ONE_PHASE
from tests.unit.real_data import need

TEXTS = ONE_PHASE | NO_ONE_PHASE


@pytest.mark.parametrize(
    ("text", "phase"),
    [(line, phase) for phase, lines in TEXTS.items() for line in lines.strip().splitlines()],
)
def test_what_a_description_says(text, phase):
    assert said(text, phases=True).phase == phase
    assert said(text.lower(), phases=True).phase == phase
    assert said(text.replace(" ", "_"), phases=True).phase == phase


@pytest.mark.parametrize(
    ("text", "phase"), [("ThoraxNativ", "ct"), ("AbdomenKM", "cect"), ("LungWithoutContrast", "ct")]
)
def test_words_that_only_capitals_divide_are_words(text, phase):
    assert said(text).phase == phase


def test_phases_of_the_blood_count_in_the_name_of_a_series_only():
    assert said("ARTERIAL", phases=True).phase == "cect"
    assert said("ARTERIAL").phase is None
    assert said("NATIVE AND ARTERIAL", phases=True).phase == "both"


def test_stated_modalities_of_real_images_are_all_read():
    """Of 1,362 rows; the table of words was tuned with these in view."""
    words = {
        "CT w/contrast (IV)": "cect",
        "CT - GI & IV Contrast": "cect",
        "CTA - CT Angiography": "cect",
        "CT - noncontrast": "ct",
        "CT - GI Contrast": None,
        "MR - T1W - noncontrast": "ct",
        "MR - T1W w/Gadolinium": "cect",
        "MR - T1W w/Gd (fat suppressed)": "cect",
    }
    with open(need("medpix") / "images.csv", newline="") as file:
        stated = {row["modality"].strip() for row in csv.DictReader(file)}
    angiography = {m for m in stated if m.startswith("MRA")}  # often without contrast medium
    found = {m: said(m).phase for m in stated - angiography}
    assert found == {m: words.get(m) for m in found}
