"""The labeler reads plain sentences as a radiologist does: all that they say, and nothing else."""

from __future__ import annotations

import pytest

from medsynth.text.cleaning import without_identifiers
from medsynth.text.labeler import DENIED, DEVICES, DOUBTED, NO_FINDING, STATED, label_report
from medsynth.text.lines import with_stops
from tests.unit.labeler_answers import CLAUSES, NEGATIVE, SIDES
from tests.unit.labeler_sentences import SENTENCES, UNSEEN

NAMES = {
    "heart": "Cardiomegaly",
    "lesion": "Lung Lesion",
    "opacity": "Lung Opacity",
    "edema": "Edema",
    "consolidation": "Consolidation",
    "pneumonia": "Pneumonia",
    "atelectasis": "Atelectasis",
    "pneumothorax": "Pneumothorax",
    "effusion": "Pleural Effusion",
    "pleura": "Pleural Other",
    "fracture": "Fracture",
    "devices": "Support Devices",
}
STATUS = {"+": STATED, "-": DENIED, "?": DOUBTED}


@pytest.mark.parametrize(("text", "said"), [*SENTENCES, *UNSEEN, *SIDES, *CLAUSES, *NEGATIVE])
def test_a_sentence_says_these_findings_and_no_others(text, said):
    expected = {NAMES[each[:-1]]: STATUS[each[-1]] for each in said.split()}
    others = [status for name, status in expected.items() if name != DEVICES]
    is_healthy = bool(others) and set(others) == {DENIED}
    for written in (text, text.upper(), without_identifiers(text)):
        found = label_report(written)
        assert (found.pop(NO_FINDING, None) == STATED) == is_healthy, written
        assert found == expected, written


WRAPPED = """There is no evidence of pneumothorax or of a pleural
effusion. Mild enlargement of the heart is seen in the
AP view. ET tube ends above the carina. No rib fracture or
nodule is seen, and no other acute abnormality."""


def test_a_line_that_had_room_for_the_next_word_ends_a_sentence_and_a_wrapped_one_does_not():
    assert with_stops(WRAPPED) == WRAPPED
    assert with_stops(WRAPPED.upper()) == WRAPPED.upper()
    assert with_stops("No effusion\nHeart large:\nyes\n\nEdema") == (
        "No effusion.\nHeart large:\nyes\n\nEdema"
    )
    narrow = "There is no focal\nconsolidation, effusion\nor edema"
    assert with_stops(narrow) == narrow
    assert (
        with_stops("No effusion\nheart large\nno edema") == "No effusion.\nheart large.\nno edema"
    )
