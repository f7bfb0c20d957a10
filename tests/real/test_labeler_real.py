"""The labeler against reports that others labelled, finding by finding.

Its phrases were revised once after a look at errors among these reports: they are not unseen.

`python -m tests.real.test_labeler_real` prints the table of docs/results.md.

The 673 reports are synthetic and cut, their labels those of another rule labeler (radlabels 0.2);
the 2,265 of Open-i are real, and people coded their MeSH terms. What a finding is there called
stands below; a doubted finding counts as stated on both sides.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import pytest

from medsynth.metrics.text.findings import f1, findings_of
from medsynth.text.labeler import DENIED, FINDINGS, keywords_of, label_report
from medsynth.text.sections import sections_of
from tests.unit.real_data import REAL

RADLABELS = {
    "Enlarged Cardiomediastinum": ["enlarged_cardiomediastinum"],
    "Cardiomegaly": ["cardiomegaly"],
    "Lung Lesion": ["lung_lesion", "lung_nodule_or_mass"],
    "Lung Opacity": ["lung_opacity", "air_space_opacity", "infiltration", "ground_glass_opacity"],
    "Edema": ["pulmonary_edema", "pulmonary_congestion_pulmonary_venous_congestion"],
    "Consolidation": ["consolidation"],
    "Pneumonia": ["pneumonia"],
    "Atelectasis": ["atelectasis", "lobar_segmental_collapse", "whole_lung_or_majority_collapse"],
    "Pneumothorax": ["pneumothorax"],
    "Pleural Effusion": ["pleural_effusion"],
    "Pleural Other": ["pleural_other", "pleural_thickening"],
    "Fracture": ["fracture_generic", "acute_rib_fracture", "non_acute_rib_fracture"],
    "Support Devices": [
        *("central_venous_catheter", "endotracheal_tube", "enteric_tube", "intercostal_drain"),
        *("pacemaker_electronic_cardiac_device_or_wires", "support_devices_generic"),
        *("tracheostomy_tube", "implantable_electronic_device"),
    ],
}
MESH = {
    "Cardiomegaly": ["Cardiomegaly"],
    "Lung Lesion": ["Nodule", "Mass"],
    "Lung Opacity": ["Opacity", "Airspace Disease", "Infiltrate", "Markings"],
    "Edema": ["Pulmonary Edema", "Pulmonary Congestion", "Heart Failure"],
    "Consolidation": ["Consolidation"],
    "Pneumonia": ["Pneumonia"],
    "Atelectasis": ["Pulmonary Atelectasis"],
    "Pneumothorax": ["Pneumothorax", "Hydropneumothorax"],
    "Pleural Effusion": ["Pleural Effusion", "Costophrenic Angle", "Hydropneumothorax"],
    "Fracture": ["Fractures, Bone"],
    "Support Devices": [
        *("Catheters, Indwelling", "Surgical Instruments", "Implanted Medical Device"),
        *("Medical Device", "Tube, Inserted", "Stents"),
    ],
}
Labelled = Iterator[tuple[str, set[str]]]


def radlabels() -> Labelled:
    """What reports tell, and the findings that they state or doubt."""
    with gzip.open(REAL / "cxr-reports-labelled" / "reports.jsonl.gz", "rt") as file:
        for line in file:
            report = json.loads(line)
            sections = sections_of(report["report"])
            told = [sections[n] for n in ("findings", "impression") if n in sections]
            told = told or [sections.get("last_paragraph", report["report"])]
            given = report["labels"]
            stated = {k for k, status in given.items() if status != "definitely absent"}
            yield "\n\n".join(told), {n for n, of in RADLABELS.items() if stated & set(of)}


def openi() -> Labelled:
    """The same of Open-i, without the reports that nobody coded."""
    with gzip.open(REAL / "openi-reports" / "reports.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            text = "\n\n".join(filter(None, (row["findings"], row["impression"])))
            coded = set(row["Problems"].split(";"))
            if text and "No Indexing" not in coded:
                yield text, {name for name, of in MESH.items() if coded & set(of)}


def figures(reports: Callable[[], Labelled], names: Mapping[str, list[str]]) -> pd.DataFrame:
    """F1 of the labeler and of keywords by finding, and the reports that have it."""
    texts, stated = zip(*reports(), strict=True)
    columns = [FINDINGS.index(name) for name in names]
    truth = np.array([[name in each for name in names] for each in stated])
    found = {
        "reports": truth.sum(0),
        "labeler": f1(findings_of(texts)[:, columns], truth),
        "keywords": f1(findings_of(texts, keywords_of)[:, columns], truth),
    }
    return pd.DataFrame(found, index=list(names))


@pytest.mark.parametrize(
    ("folder", "reports", "names", "least", "gain"),
    [
        ("cxr-reports-labelled", radlabels, RADLABELS, 0.88, 0.04),
        ("openi-reports", openi, MESH, 0.78, 0.3),
    ],
)
def test_findings_are_read_as_others_read_them_and_better_than_by_keywords(
    folder, reports, names, least, gain
):
    if not (REAL / folder).is_dir():
        pytest.skip(f"{REAL / folder} is not there")
    found = figures(reports, names)
    macro = found[["labeler", "keywords"]].mean()
    assert macro["labeler"] > least and macro["labeler"] > macro["keywords"] + gain
    assert found.loc["Pneumothorax", "labeler"] > found.loc["Pneumothorax", "keywords"] + 0.5


def test_the_sample_of_chexperts_labeler_is_labelled_alike():
    path = REAL / "chexpert-labeler-sample" / "labeled_reports.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    for _, row in pd.read_csv(path).iterrows():
        labels = row.drop("Reports").dropna().astype(float).to_dict()
        found = label_report(row["Reports"])
        # It calls nothing a finding but what is stated; both deny by the same words.
        assert {k: v for k, v in found.items() if v != DENIED} == {
            k: v for k, v in labels.items() if v != DENIED
        }


if __name__ == "__main__":
    for of, these in ((radlabels, RADLABELS), (openi, MESH)):
        table = figures(of, these)
        table.loc["macro"] = [table["reports"].sum(), *table[["labeler", "keywords"]].mean()]
        print(table.round(3).to_string())
