"""What the labeler makes of mentions, denials and doubts, and of phantoms' reports."""

from __future__ import annotations

import pytest

from medsynth.demo.radiographs import FINDINGS as COLUMNS
from medsynth.demo.radiographs import TEXTS
from medsynth.text.labeler import (
    DENIED,
    DOUBTED,
    FINDINGS,
    NO_FINDING,
    STATED,
    keywords_of,
    label_report,
)

SAID = [
    ("There is a large left pleural effusion.", "Pleural Effusion", STATED),
    ("No pleural effusion or pneumothorax.", "Pneumothorax", DENIED),
    ("There is no pneumothorax, pleural effusion or consolidation.", "Consolidation", DENIED),
    ("No pneumothorax, but a small effusion.", "Pleural Effusion", STATED),
    ("No cardiomegaly, with small pleural effusions.", "Pleural Effusion", STATED),
    ("Cardiomegaly without pulmonary edema.", "Cardiomegaly", STATED),
    ("Cardiomegaly without pulmonary edema.", "Edema", DENIED),
    ("No change in the moderate right effusion.", "Pleural Effusion", STATED),
    ("Pneumonia cannot be excluded.", "Pneumonia", DOUBTED),
    ("Opacity may represent atelectasis or pneumonia.", "Pneumonia", DOUBTED),
    ("Opacity may represent atelectasis or pneumonia.", "Lung Opacity", STATED),
    ("Pneumothorax is no longer seen.", "Pneumothorax", DENIED),
    ("The effusion has resolved.", "Pleural Effusion", DENIED),
    ("The heart is not enlarged.", "Cardiomegaly", DENIED),
    ("Heart size is normal.", "Cardiomegaly", DENIED),
    ("The cardiac silhouette is mildly enlarged.", "Cardiomegaly", STATED),
    ("Heart size is borderline.", "Cardiomegaly", DOUBTED),
    ("Widening of the mediastinum.", "Enlarged Cardiomediastinum", STATED),
    ("Pericardial effusion.", "Pleural Effusion", None),
    ("Evaluate for pneumothorax.", "Pneumothorax", None),
    ("ET tube ends 3.4 cm above the carina. No fracture.", "Support Devices", STATED),
    ("Interval removal of the chest tube.", "Support Devices", DENIED),
    ("No pneumothorax. New right pneumothorax.", "Pneumothorax", STATED),
    ("Cannot exclude pneumonia.", "Pneumonia", DOUBTED),
    ("I can't exclude early pneumonia.", "Pneumonia", DOUBTED),
    ("Cannot entirely rule out pneumothorax.", "Pneumothorax", DOUBTED),
    ("This does not exclude pneumonia.", "Pneumonia", DOUBTED),
    ("Pneumonia ruled out.", "Pneumonia", DENIED),
    ("Pneumonia cannot be ruled out.", "Pneumonia", DOUBTED),
    ("Not without effusion.", "Pleural Effusion", STATED),
    ("The pneumothorax has not resolved.", "Pneumothorax", STATED),
    ("No evidence of resolution of the pneumothorax.", "Pneumothorax", STATED),
    ("No interval worsening of edema.", "Edema", STATED),
    ("The heart is not normal.", NO_FINDING, None),
    ("Possible pneumonia. No pneumonia on the left.", "Pneumonia", DOUBTED),
]  # fmt: skip


@pytest.mark.parametrize(("text", "finding", "status"), SAID)
def test_what_is_said_of_a_finding(text, finding, status):
    assert label_report(text).get(finding) == status
    assert label_report(text.upper()).get(finding) == status


def test_no_finding_is_what_is_left_without_any_but_devices():
    assert label_report("Clear lungs. A pacemaker.") == {"Support Devices": STATED, NO_FINDING: 1}
    assert NO_FINDING not in label_report("Possible pneumonia.")
    assert label_report("No acute cardiopulmonary process.") == {NO_FINDING: STATED}
    assert label_report("A man with cough and fever.") == label_report("") == {}


def test_findings_are_those_of_the_tables():
    assert set(FINDINGS) == set(COLUMNS)


def test_the_keywords_deny_nothing():
    assert keywords_of("No pneumothorax.") == {"Pneumothorax": STATED}
    assert keywords_of("All is well.") == {NO_FINDING: STATED}


@pytest.mark.parametrize("drawn", TEXTS)
def test_a_phantoms_report_states_what_was_drawn(drawn):
    found = label_report("\n\n".join(TEXTS[drawn]))
    stated = {name: status for name, status in found.items() if status != DENIED}
    assert stated == ({"Cardiomegaly": DOUBTED} if drawn == "Uncertain" else {drawn: STATED})
