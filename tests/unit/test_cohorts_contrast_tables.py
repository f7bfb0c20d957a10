"""Contrast phase by the words of a label table."""

from __future__ import annotations

import pytest

from medsynth.imaging.ct.contrast.phase import table_phase


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("True TRUE true 1 1.0 yes Y ja oui cect CECT + C+ enhanced contrast venous post", "cect"),
        ("with w IV given present on vrai wahr tak 1.00 art pv late delayed nephrogenic", "cect"),
        ("without wo W/O absent off faux falsch nie 0.00 nc", "ct"),
        ("False 0 0.0 no N nein non ct NCCT plain native - C- unenhanced noncontrast pre", "ct"),
        ("None NA nan maybe 2 both W/WO unknown ? x arterio oral yes? hepatic", None),
    ],
)
def test_words_of_a_label_table(words, label):
    assert {word: table_phase(word) for word in words.split()} == dict.fromkeys(
        words.split(), label
    )
