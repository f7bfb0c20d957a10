"""One cohort, as far as tables, names and some of its files tell."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.check.classes import divided
from medsynth.check.diagnosis import check_diagnosis
from medsynth.check.findings import Findings
from medsynth.check.patients import check_patients
from medsynth.check.texts import check_texts
from medsynth.check.trial import Trial, read_some
from medsynth.cohorts.assemble import join_labels
from medsynth.cohorts.files import matching_paths
from medsynth.cohorts.labels import absent_classes
from medsynth.cohorts.settings import CohortSettings
from medsynth.config.schema import Config
from medsynth.genomics.evidence import MAF_FILES, SEGMENT_FILES, Share
from medsynth.genomics.glioma import call_genotypes, join_genotypes
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import USED, classes_of, used
from medsynth.store.quarantine import CohortError, reason_lines
from medsynth.store.tables.delimited import form_of
from medsynth.store.tables.tsv import find_files

MOST_OPENED = 1000  # files of a cohort whose header is read
MOST_BYTES = 1 << 28  # of genotype tables
TABLES = ("table", "genotype")  # kinds of labels
# Reasons of files to which no table gives a class.
WITHOUT_ROW = ("no_label", "no_row", "no_genotype", "no_contrast_label")


def check_cohort(
    name: str, cohort: CohortSettings, config: Config, trained: bool, told: Findings
) -> None:
    """Tell what is wrong with a cohort whose settings are right and whose paths are there.

    Args:
        name: of the cohort.
        cohort: its settings.
        config: thresholds, seed, and the experiments on it.
        trained: whether an experiment is on it: the workflow refuses no other cohort.
        told: is added to.
    """
    place = f"cohorts.{name}"
    try:
        index = import_module(f"{cohort.folder}.index")
        listed = index.listed(cohort.root, cohort.index_settings(), MOST_OPENED)
        frame, shares = _with_genotypes(listed, cohort, place, told)
        _tell_unused(frame, cohort.label_kind(), place, told)
        some = len(used(listed))
        trial = _read(listed, cohort, place, config, told) if some else Trial(0, [])
    except MedsynthError as error:  # also that a package is missing
        told.mistake(place, str(error))
        return
    partly = cohort.opens_files and len(frame) == MOST_OPENED
    row = {
        "cohort": name,
        "kind": cohort.kind,  # type: ignore[attr-defined]
        "files": len(listed),
        "used": len(used(frame)),
        "read": f"{trial.read - len(trial.unreadable)} of {trial.read}",
    }
    splits = None
    if len(used(frame)) and frame.loc[frame["status"] == USED, "label"].notna().any():
        tell = told.mistake if trained and not partly else told.note
        splits, counts = _classes(name, frame, shares, cohort, config, tell, told)
        row |= counts
    whose = used(frame)["patient"].dropna().unique().tolist()
    if whose and (tables := getattr(cohort, "patients", None)):
        tell = told.note if partly else told.mistake
        table = check_patients(
            f"{place}.patients", whose, tables, cohort.label_heading(), tell, told
        )
        if table is not None and not partly:
            check_diagnosis(name, cohort, frame, splits, table, config, told)
    if splits is not None and not partly:
        check_texts(name, cohort, frame, splits, config, told)
    if partly:
        _extrapolate(row, cohort, place, told)
    told.cohorts.append(row)


def _extrapolate(row: dict[str, Any], cohort: CohortSettings, place: str, told: Findings) -> None:
    """All files in place of those whose header was read, in place."""
    files = len(matching_paths(cohort.root, cohort.index.pattern))
    row["used"] = row["used"] * files // row["files"]
    row["files"] = files
    told.note(
        place,
        f"of {files} files {MOST_OPENED}, evenly spread, were looked at: patients and classes are"
        " theirs, and how many files are used is an estimate",
    )


def _with_genotypes(
    listed: pd.DataFrame, cohort: CohortSettings, place: str, told: Findings
) -> tuple[pd.DataFrame, list[Share]]:
    """The list with the labels that come late, unless their tables are too large to wait for."""
    if "genotypes" not in cohort.provided():
        return listed, []
    tables: Any = cohort.genotypes  # type: ignore[attr-defined]
    files = [*find_files(tables.maf, MAF_FILES), *find_files(tables.segments, SEGMENT_FILES)]
    if sum(file.stat().st_size for file in files if file.is_file()) > MOST_BYTES:
        told.note(
            f"{place}.genotypes",
            f"the tables are larger than {MOST_BYTES >> 20} MiB and were not read: the workflow"
            " counts the classes, and refuses to train if there are too few",
        )
        return listed, []
    calls, _, shares = call_genotypes(tables)
    return join_labels(listed, join_genotypes(listed, calls)), shares


def _tell_unused(frame: pd.DataFrame, labelled_by: str, place: str, told: Findings) -> None:
    """How many files have a class, and why others are not used; none at all is a mistake."""
    unused = frame[frame["status"] != USED]
    without = int(unused["reason"].isin(WITHOUT_ROW).sum())
    asked = len(frame) - int((~unused["reason"].isin(WITHOUT_ROW)).sum())
    if without or labelled_by in TABLES:
        told.note(f"{place}.index", f"{asked - without} of {asked} files have a row in the tables")
    for status, rows in unused.groupby("status"):
        for line in reason_lines(rows["reason"]):
            told.note(place, f"{status}: {line}")
    if len(unused) == len(frame):
        told.mistake(place, _nothing_left(frame, without))


def _nothing_left(frame: pd.DataFrame, without: int) -> str:
    if without * 2 > len(frame):
        files = Path(str(frame["source"].iloc[0])).name
        return (
            f"none of the {len(frame)} files is in the table of classes: files are called like"
            f" {form_of(files)}, look whether the table's column is, and has, the same; correct"
            " it, or give the table of these images"
        )
    return (
        f"none of the {len(frame)} files can be used, see the reasons: correct root, pattern or"
        " the columns"
    )


def _read(
    listed: pd.DataFrame, cohort: CohortSettings, place: str, config: Config, told: Findings
) -> Trial:
    trial = read_some(listed, cohort)
    lost, limit = len(trial.unreadable), config.max_quarantined
    if lost > limit * trial.read or lost == trial.read:
        told.mistake(
            f"{place}.root",
            f"{lost} of {trial.read} files read cannot be used, and max_quarantined is {limit:g}:"
            " correct them, or raise it",
        )
    for file in trial.unreadable:
        told.note(f"{place}.root", str(file))
    return trial


def _classes(
    name: str,
    frame: pd.DataFrame,
    shares: list[Share],
    cohort: CohortSettings,
    config: Config,
    tell: Callable[[str, str], None],
    told: Findings,
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """How the patients are divided, if they can be, and counts."""
    place = f"cohorts.{name}"
    on_it = [one for one in config.experiments if one.cohort == name]
    for wanted, why in absent_classes(frame, cohort.classes(), config.min_patients):
        tell(f"{place}.index", f"no image has the class {wanted!r}; {why}")
    for experiment in on_it if cohort.label_kind() == "table" else ():
        labels = getattr(getattr(experiment, "sample", None), "labels", None) or []
        for wanted, why in absent_classes(frame, labels, config.min_patients):
            where = f"experiments.{experiment.name}.sample.labels"
            told.mistake(where, f"no image has the class {wanted!r}; {why}")
    limits = {"min_patients": config.min_patients, "max_quarantined": config.max_quarantined}
    try:
        found = divided(name, frame, cohort, config.seed, limits, shares)
    except CohortError as error:
        told.mistake(f"{place}.split", str(error))
        return None, {}
    for fault in found.faults:
        tell(place, fault.strip())
    for line in found.idle:
        told.note(f"{place}.split.few", line)
    return found.splits, {"classes": len(classes_of(frame)), **found.patients}
