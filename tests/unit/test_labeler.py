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
    # A denied change: it is there.
    ("There is no evidence that the effusion has resolved.", "Pleural Effusion", STATED),
    ("No evidence the right effusion has completely cleared.", "Pleural Effusion", STATED),
    ("No evidence that edema and effusion have resolved.", "Pleural Effusion", STATED),
    ("There is no sign that the opacity has improved.", "Lung Opacity", STATED),
    ("No indication that the pneumothorax is resolving.", "Pneumothorax", STATED),
    ("It does not appear that the edema has cleared.", "Edema", STATED),
    ("The edema does not appear to have resolved.", "Edema", STATED),
    ("The effusion hasn't resolved.", "Pleural Effusion", STATED),
    ("The consolidation has not entirely cleared.", "Consolidation", STATED),
    ("The opacity is not yet resolved.", "Lung Opacity", STATED),
    ("The pneumothorax has yet to resolve.", "Pneumothorax", STATED),
    ("The consolidation has failed to clear.", "Consolidation", STATED),
    ("The pneumonia did not improve.", "Pneumonia", STATED),
    ("Without resolution of the effusion.", "Pleural Effusion", STATED),
    ("No sign of clearing of the edema.", "Edema", STATED),
    ("The chest tube has not been removed.", "Support Devices", STATED),
    ("The effusion has nearly resolved.", "Pleural Effusion", STATED),
    ("Near complete resolution of the edema.", "Edema", STATED),
    ("Partial clearing of the consolidation.", "Consolidation", STATED),
    ("No definite evidence of resolution of the effusion.", "Pleural Effusion", STATED),
    ("The effusion has resolved, but not completely.", "Pleural Effusion", STATED),
    ("The edema has cleared although incompletely.", "Edema", STATED),
    # What is denied all the same.
    ("No pneumothorax and the effusion has resolved.", "Pleural Effusion", DENIED),
    ("No evidence of pneumothorax, the effusion has resolved.", "Pleural Effusion", DENIED),
    ("No evidence the tube moved and the effusion has resolved.", "Pleural Effusion", DENIED),
    ("No evidence that there is a pneumothorax.", "Pneumothorax", DENIED),
    ("There is no evidence that the patient has pneumonia.", "Pneumonia", DENIED),
    ("The nodule is not seen and has resolved.", "Lung Lesion", DENIED),
    ("The edema has completely resolved.", "Edema", DENIED),
    ("Complete resolution of the edema.", "Edema", DENIED),
    ("There isn't any effusion.", "Pleural Effusion", DENIED),
    ("I don't see a pneumothorax.", "Pneumothorax", DENIED),
    # Two denials.
    ("Pneumonia is not unlikely.", "Pneumonia", DOUBTED),
    ("It is not unlikely that there is pneumonia.", "Pneumonia", DOUBTED),
    ("A pneumothorax is not impossible.", "Pneumothorax", DOUBTED),
    ("Not inconsistent with early pneumonia.", "Pneumonia", DOUBTED),
    ("Pneumonia is unlikely.", "Pneumonia", DENIED),
    ("The left base is not free of effusion.", "Pleural Effusion", STATED),
    ("The effusion is not absent.", "Pleural Effusion", STATED),
    ("No doubt this is pneumonia.", "Pneumonia", STATED),
    ("Not surprisingly, atelectasis persists.", "Atelectasis", STATED),
    # Nobody knows.
    ("It is not clear whether there is pneumonia.", "Pneumonia", DOUBTED),
    ("It is unclear if there is a small effusion.", "Pleural Effusion", DOUBTED),
    ("It is not certain that the effusion has resolved.", "Pleural Effusion", DOUBTED),
    ("I cannot be certain that the effusion has resolved.", "Pleural Effusion", DOUBTED),
    ("It is doubtful that there is pneumonia.", "Pneumonia", DOUBTED),
    ("It is possible that the effusion has resolved.", "Pleural Effusion", DOUBTED),
    ("The pneumothorax may have resolved.", "Pneumothorax", DOUBTED),
    ("Possible pneumonia. No pneumonia on the left.", "Pneumonia", DOUBTED),
    ("Low likelihood of pneumonia.", "Pneumonia", DOUBTED),
    ("I doubt pneumonia.", "Pneumonia", DOUBTED),
    ("Pneumonia is in the differential.", "Pneumonia", DOUBTED),
    ("Effusion may be present.", "Pleural Effusion", DOUBTED),
    ("Rib fracture suspected.", "Fracture", DOUBTED),
    ("Nodule?", "Lung Lesion", DOUBTED),
    ("Unlikely to represent pneumonia.", "Pneumonia", DENIED),
    ("Pneumonia not likely.", "Pneumonia", DENIED),
    ("A nodule is not confirmed.", "Lung Lesion", DENIED),
    ("Fails to demonstrate a pneumothorax.", "Pneumothorax", DENIED),
    ("The pneumothorax resolved.", "Pneumothorax", DENIED),
    ("The effusion is now gone.", "Pleural Effusion", DENIED),
    ("Effusion absent.", "Pleural Effusion", DENIED),
    # A structured report asks and answers.
    ("Pleural effusion: none. Cardiomegaly: yes.", "Pleural Effusion", DENIED),
    ("Pleural effusion: none. Cardiomegaly: yes.", "Cardiomegaly", STATED),
    ("Pneumothorax: No\nEffusion: small", "Pneumothorax", DENIED),
    ("Pneumothorax: No\nEffusion: small", "Pleural Effusion", STATED),
    ("Pneumothorax - not seen; edema: possible.", "Pneumothorax", DENIED),
    ("Pneumothorax - not seen; edema: possible.", "Edema", DOUBTED),
    ("Lungs: no effusion.", "Pleural Effusion", DENIED),
    # Once there, which says nothing of now.
    ("History of pneumonia.", "Pneumonia", None),
    ("Compared with the prior study, edema has decreased.", "Edema", STATED),
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


def test_a_long_sentence_takes_time_that_grows_with_its_length():
    label_report("no evidence that the effusion has " * 3000)  # its square would be minutes


@pytest.mark.parametrize("drawn", TEXTS)
def test_a_phantoms_report_states_what_was_drawn(drawn):
    found = label_report("\n\n".join(TEXTS[drawn]))
    stated = {name: status for name, status in found.items() if status != DENIED}
    assert stated == ({"Cardiomegaly": DOUBTED} if drawn == "Uncertain" else {drawn: STATED})
