"""MIMIC-CXR and MIMIC-CXR-JPG: which radiographs there are, their labels and their pixels.

MIMIC-CXR (Johnson et al. 2019, doi:10.13026/C2JT1Q) holds DICOM files and reports;
MIMIC-CXR-JPG (doi:10.13026/jsn5-t979) the same images as .jpg in the same folders, and, alone of
the two, the tables mimic-cxr-2.0.0-{metadata,split,chexpert,negbio}.csv.gz.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medsynth.cohorts.files import hash_sources, quarantine_repeats, set_aside
from medsynth.cohorts.findings import NEGATIVE, POSITIVE, UNCERTAIN, label_findings
from medsynth.cohorts.labels import read_csv
from medsynth.cohorts.mimic_cxr.settings import (
    KEYS,
    STUDY,
    VIEW,
    CxrIndexing,
    FindingLabel,
    published_table,
)
from medsynth.store.digest_cache import DigestCache
from medsynth.store.manifests import EXCLUDED, QUARANTINED, SPLITS, USED, manifest, shard_of
from medsynth.store.quarantine import CohortError

SETTINGS = CxrIndexing


def index(
    root: Path, settings: CxrIndexing, cache: DigestCache | None = None, threads: int = 1
) -> pd.DataFrame:
    """One row for every radiograph of mimic-cxr-2.0.0-metadata.csv.gz.

    Args:
        root: folder with files/pNN/pNNNNNNNN/sNNNNNNNN/, of .dcm or of .jpg images.
        settings: label, views, number of shards; `tables`, the folder of the tables, packed
            (.csv.gz) or not (.csv); None: root. The split table is optional; label kind "finding"
            needs the one of its labeler.
        cache: known digests of files.
        threads: files hashed at the same time.

    Returns:
        Index manifest with the extra columns "view" and "split_hint" (train, validate, test or
        null). item_id is dicom_id, patient subject_id, group study_id. Excluded: view. Quarantined:
        bad_identifier, duplicate. Both: those of label_findings and hash_sources. Only used rows
        are hashed.

    Raises:
        CohortError: no images; a table or a column is missing, holds values that are not its
            own, or contradicts itself.
    """
    return hashed(listed(root, settings), root, settings, cache, threads)


def hashed(
    frame: pd.DataFrame,
    root: Path,
    settings: CxrIndexing,
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Listed rows with the digests of their files, and what these tell."""
    hash_sources(frame, root, cache, threads)
    return manifest(frame)


def listed(root: Path, settings: CxrIndexing, most: int | None = None) -> pd.DataFrame:
    """As :func:`index`, from the tables alone: no image is opened, and none is hashed."""
    tables = settings.tables or root
    frame = _read(published_table(tables, "metadata"), KEYS, [VIEW])
    frame = frame.rename(columns={VIEW: "view"}).assign(status=USED, reason=None)
    # Identifiers become parts of paths.
    named = frame[KEYS].apply(lambda ids: ids.str.fullmatch(r"[\w.-]+", na=False)).all(axis=1)
    set_aside(frame, ~named, QUARANTINED, "bad_identifier")
    set_aside(frame, ~frame["view"].isin(settings.views), EXCLUDED, "view")
    if isinstance(settings.label, FindingLabel):
        _label_findings(frame, tables, settings.label)
    else:
        frame["label"] = frame["view"]
    frame["split_hint"] = _split_hint(frame, tables)
    subject, study, image = (frame[key].fillna("") for key in KEYS)
    subject, study = "p" + subject, "s" + study
    folder = "files/" + subject.str[:3] + "/" + subject + "/" + study
    frame["source"] = folder + "/" + image + _suffix(root)
    frame["shard"] = [shard_of(item, settings.shards) for item in image.tolist()]
    frame = frame.rename(
        columns={"dicom_id": "item_id", "subject_id": "patient", "study_id": "group"}
    ).sort_values("item_id", ignore_index=True)
    quarantine_repeats(frame)
    return manifest(frame)


def _suffix(root: Path) -> str:
    """Of the images; where both projects were put into one folder, DICOM's."""
    for study in root.glob("files/p*/p*/s*"):
        there = {file.suffix for file in study.iterdir()} if study.is_dir() else set()
        for suffix in (".dcm", ".jpg"):
            if suffix in there:
                return suffix
    raise CohortError(
        f"{root}: no .dcm or .jpg in files/pNN/pNNNNNNNN/sNNNNNNNN/; set the cohort's root to the"
        " folder that holds files/ of MIMIC-CXR or MIMIC-CXR-JPG"
    )


def _read(path: Path, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """These columns as text; numbers that a spreadsheet made 10000032.0 are mended."""
    if not path.exists():
        raise CohortError(
            f"{path} does not exist; it comes with the PhysioNet project MIMIC-CXR-JPG"
            " (physionet.org/content/mimic-cxr-jpg), not with MIMIC-CXR: download it and set the"
            " cohort's tables to its folder"
        )
    table = read_csv(path, [*keys, *columns])[[*keys, *columns]]
    numbers = [key for key in keys if key in STUDY]
    table[numbers] = table[numbers].apply(lambda ids: ids.str.replace(r"\.0+$", "", regex=True))
    return table


def _look_up(frame: pd.DataFrame, path: Path, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """The table's columns for every row of the frame, null where it has none.

    Raises:
        CohortError: the table gives one key several values.
    """

    def without_zeros(table: pd.DataFrame) -> pd.DataFrame:
        return table[keys].apply(lambda ids: ids.str.lstrip("0"))  # programs drop them, or add them

    table = _read(path, keys, columns)
    table = table.assign(**without_zeros(table)).dropna(subset=keys).drop_duplicates()
    if twice := table.duplicated(keys).sum():
        raise CohortError(
            f"{path}: {twice} rows contradict another one of the same {', '.join(keys)};"
            " leave one row for each"
        )
    found = without_zeros(frame).merge(table, on=keys, how="left")
    return found[columns].set_axis(frame.index)


def _label_findings(frame: pd.DataFrame, tables: Path, label: FindingLabel) -> None:
    """Fill in the positive findings of the study, in place.

    An empty cell of the table means that the report does not mention the finding (MIMIC-CXR-JPG,
    description of the files): reports say what is there, and it counts as absent.
    """
    path = published_table(tables, label.labeler)
    cells = _look_up(frame, path, STUDY, label.findings)
    values = cells.apply(pd.to_numeric, errors="coerce")
    strange = cells.notna() & ~values.isin([POSITIVE, NEGATIVE, UNCERTAIN])
    if strange.any(axis=None):
        columns = ", ".join(cells.columns[strange.any()])
        raise CohortError(
            f"{path}: {columns} hold values that are neither empty nor 1, 0, -1; give the table as"
            " PhysioNet publishes it"
        )
    label_findings(
        frame, values, uncertain=label.uncertain, empty="negative", several=label.several
    )


def _split_hint(frame: pd.DataFrame, tables: Path) -> pd.Series | None:
    path = published_table(tables, "split")
    if not path.exists():
        return None
    hints = _look_up(frame, path, KEYS, ["split"])["split"]
    if strange := set(hints.dropna()) - {*SPLITS}:
        raise CohortError(
            f"{path}: column split holds {len(strange)} word(s) besides train, validate, test; give"
            " the table as PhysioNet publishes it"
        )
    return hints
