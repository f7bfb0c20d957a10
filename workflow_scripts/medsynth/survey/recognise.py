"""The kinds of downloads that are known, each by a module of this folder."""

from __future__ import annotations

from dataclasses import replace

from medsynth.survey import ct, genomics, images, radiographs, slides
from medsynth.survey.found import Found
from medsynth.survey.machine import Machine
from medsynth.survey.tables import tables_in
from medsynth.survey.texts import without_images
from medsynth.survey.tree import SurveyError, Tree

LOOKED_FOR = """
  MIMIC-CXR, -JPG      files/p10/p10000032/s50414267/*.dcm or *.jpg, and the table
                       mimic-cxr-2.0.0-metadata.csv.gz
  GDC slides           SVS, TIFF, PNG and others called TCGA-XX-XXXX-…, with MAF and segment files
                       or a table of classes
  CT                   DICOM files whose headers say CT, in any folders; NIfTI files with a table
  images with a table  PNG, JPEG, TIFF, DICOM, and a CSV or TSV of which a column names the files"""


def recognise(trees: list[Tree], machine: Machine) -> list[Found]:
    """What is in the trees; every cohort has a name of its own.

    Raises:
        SurveyError: nothing is; it says what is known.
    """
    found: list[Found] = []
    for source in (radiographs, slides, ct, images):
        # What one source knows is not shown to the next: slides are images, too.
        free = [t for t in trees if not any(f.root.is_relative_to(t.root) for f in found)]
        found += source.find(free, trees, machine) if free else []
    if not found:
        tables = genomics.find(trees, set())
        if tables.maf or tables.segments:
            raise SurveyError(
                f"{len(tables.maf)} mutation and {len(tables.segments)} segment tables, but no"
                " slides; give the slides' folder, too"
            )
        counted = ", ".join(f"{len(tree.files):,} files in {tree.root}" for tree in trees)
        texts = without_images(pair for tree in trees for pair in tables_in(tree))
        raise SurveyError(f"nothing is recognised among {counted}.{texts} Known are:{LOOKED_FOR}")
    for number, one in enumerate(found):
        before = sum(each.cohort.get("kind") == one.cohort.get("kind") for each in found[:number])
        if one.name and before:
            found[number] = replace(one, name=f"{one.name}_{before + 1}")
    return found
