"""Columns that a table lacks are told by its header alone, each at the key that names it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from medsynth.config.loading import load_config
from medsynth.config.mistakes import ConfigError

METADATA = "dicom_id,subject_id,study_id,ViewPosition\n"


def mistakes(cohort: dict) -> list[str]:
    try:
        load_config({"cohorts": {"one": cohort}})
    except ConfigError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


@pytest.fixture
def mimic(tmp_path) -> dict:
    for name, header in {
        "metadata": METADATA,
        "chexpert": "subject_id,study_id,Cardiomegaly,Edema\n",
    }.items():
        with gzip.open(tmp_path / f"mimic-cxr-2.0.0-{name}.csv.gz", "wt") as file:
            file.write(header)
    label = {"kind": "finding", "findings": ["Cardiomegaly", "Edema"]}
    return {"kind": "mimic_cxr", "root": str(tmp_path), "index": {"label": label}}


def test_findings_are_columns_of_the_labelers_table(mimic):
    assert mistakes(mimic) == []
    mimic["index"]["label"]["findings"] = ["Cardiomegalie", "Edema"]
    (told,) = mistakes(mimic)
    assert told.startswith("cohorts.one.index.label.findings: ")
    assert "chexpert.csv.gz: no column Cardiomegalie among the 4" in told
    assert told.endswith("did you mean Cardiomegaly?")


def test_the_published_tables_have_their_own_columns(mimic):
    table = Path(mimic["root"], "mimic-cxr-2.0.0-metadata.csv")
    table.write_text(METADATA.replace("ViewPosition", "View"))
    (told,) = mistakes(mimic)
    assert told.startswith(f"cohorts.one.root: {table}: no column ViewPosition")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no header line, nothing to read; is this the right file?"),
        (b"\x1f\x8bjunk", "cannot be read"),
        ("nom;pr\xe9nom\n".encode("latin-1"), "save it as text in UTF-8"),
    ],
)
def test_a_table_that_is_none_is_told(mimic, content, told):
    table = Path(mimic["root"], "mimic-cxr-2.0.0-metadata.csv")
    table.write_bytes(content)
    (found,) = mistakes(mimic)
    assert str(table) in found and told in found


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_columns_of_the_clinical_table_that_are_named(tmp_path, delimiter):
    (tmp_path / "clinical.txt").write_text(f'"case"{delimiter}"ihc_idh"{delimiter} fish\n')
    columns = {"ihc": "ihc_idh", "fish": ["p1", "fish"], "case": "auto", "age": None}
    cohort = {
        "kind": "slides",
        "root": str(tmp_path),
        "index": {"label": {"kind": "genotype"}},
        "genotypes": {"clinical": str(tmp_path / "clinical.txt"), "columns": columns},
    }
    (told,) = mistakes(cohort)
    assert told.startswith("cohorts.one.genotypes.columns.fish: ")
    assert "no column p1 among the 3" in told


def test_the_header_alone_is_read(mimic):
    table = Path(mimic["root"], "mimic-cxr-2.0.0-metadata.csv")
    table.write_bytes(METADATA.encode() + b"a,1,2,AP\n" * 100_000 + b"\xff\xfe")
    assert mistakes(mimic) == []
