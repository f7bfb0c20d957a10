"""What masks leave of real texts: identifiers and words of fewer than three training patients.

Prints the table of docs/results.md. A row's peer is the number of texts that there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from medsynth.cohorts.images.index import index
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.images.shard import shard
from medsynth.cohorts.splits import split_patients
from medsynth.cohorts.texts import texts_of
from medsynth.runtime.settings import Split
from medsynth.store.manifests import TRAIN, USED, used
from medsynth.text.cleaning import MARK
from medsynth.text.settings import ReportTexts, TextSettings
from tests.checkout import ROOT
from tests.unit.real_data import REAL

SEED = 1  # of the division of patients
LONGEST = 128  # tokens of a text
WHY = {"no_text": "empty", "not_text": "not readable as text", "masked_text": "marks only"}
HEAD = ("", "texts", "usable", "with a mask", "marks among the words", "words kept")
HEAD += (f"cut at {LONGEST} tokens", "different texts in training")


class Texts(NamedTuple):
    """The texts of a cohort, as the workflow prepares them."""

    table: pd.DataFrame
    content: dict[str, Any]


def prepared(
    rows: pd.DataFrame, reports: pd.DataFrame | None, split: Split, settings: TextSettings
) -> Texts:
    """Texts of used rows of a manifest, divided as the workflow divides its patients."""
    splits = split_patients(rows, split, SEED).set_index("patient")["split"]
    asked = settings.model_dump(mode="json") | {"longest": LONGEST}
    return Texts(*texts_of(rows.assign(split=rows["patient"].map(splits)), reports, asked))


def openi() -> Texts:
    """Findings and impression, each report of a patient of its own."""
    table = pd.read_csv(REAL / "openi-reports" / "reports.csv.gz", dtype="str")
    reports = table.assign(patient=table["uid"], group=table["uid"], text=None)
    rows = reports[["patient", "group"]].assign(item_id=table["uid"], label="chest", status=USED)
    return prepared(rows, reports, Split(validate_fraction=0), ReportTexts())


def of_images(settings: dict[str, Any]) -> Texts:
    """Texts of the images that can be used."""
    cohort = ImagesCohort.model_validate(settings)
    rows = used(index(cohort.root, cohort.index))
    with tempfile.TemporaryDirectory() as folder:
        items = shard(rows, cohort.root, cohort.shard_settings(), Path(folder, "images.h5"), {})
    return prepared(used(items), None, cohort.split, cohort.text)


def notes() -> Texts:
    """Clinical notes, also of laterals, which `make science/reports` leaves out."""
    folder = REAL / "cxr-notes"
    columns = {"file": "image", "patient": "patientid", "labels": "finding"}
    columns |= {"text": "clinical_notes"}
    table = {"table": folder / "metadata.csv", "columns": columns}
    return of_images({"kind": "images", "root": folder, "index": table})


def template() -> Texts:
    """Sentences made of true tables, as `make science/text` has them."""
    file = ROOT / "config" / "science" / "text.yaml"
    text = file.read_text().replace("$MEDSYNTH_REAL_DATA", str(REAL.resolve()))
    return of_images(yaml.safe_load(text)["cohorts"]["lgg"])


SOURCES = {  # by folder
    "openi-reports": ("Open-i, findings and impression", openi),
    "cxr-notes": ("cxr-notes, clinical notes", notes),
    "tcga-lgg-mri": ("brain MR, template of the true tables", template),
}


def figures(found: Texts) -> tuple[str, ...]:
    """A line of the table, after its first column."""
    table = found.table
    texts = table[table["status"] == USED]
    train = texts[texts["split"] == TRAIN]
    lost = [f"{n} {WHY[str(why)]}" for why, n in table["reason"].value_counts().items()]
    words = texts["text"].str.split().explode()
    return (
        f"{len(table):,} of {table['patient'].nunique():,} patients",
        f"{len(texts):,}" + (f" ({', '.join(lost)})" if lost else ""),
        f"{texts['text'].str.contains(MARK).sum():,}",
        f"{words.str.contains(MARK).mean():.1%}",
        f"{len(found.content['words']):,}",
        f"{texts['cut'].sum():,}",
        f"{train['text'].nunique():,} of {len(train):,}, {train['patient'].nunique():,} patients",
    )


def rows() -> Iterator[dict[str, Any]]:
    print(f"seed {SEED}")
    print("|", " | ".join(HEAD), "|")
    print("|---" * len(HEAD) + "|")
    usable = {}
    for folder, (name, read) in SOURCES.items():
        if not (REAL / folder).is_dir():
            print(f"no {REAL / folder}: MEDSYNTH_REAL_DATA names the folder of real data")
            continue
        found = read()
        print("|", " | ".join([name, *figures(found)]), "|", flush=True)
        usable[folder] = found.table["status"] == USED
    for folder, of in usable.items():
        row = {"name": f"texts usable, {folder}", "unit": "texts", "goal": "no goal"}
        yield row | {"ours": int(of.sum()), "peer": len(of), "ratio": float(of.mean())}
