"""Which of the user's tables describes the files, and which of its columns says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pandas as pd

from medsynth.genomics.evidence import MAF_FILES, SEGMENT_FILES
from medsynth.store.tables.absence import present
from medsynth.store.tables.delimited import read_table
from medsynth.store.tables.header import NotUtf8, TableError, squeeze
from medsynth.survey.found import MIN_PATIENTS
from medsynth.survey.texts import text_columns
from medsynth.survey.tree import Tree, is_named

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
GENOMIC = (*MAF_FILES, *SEGMENT_FILES)
MOST_TABLES = 40  # that are opened; those nearest to the top come first
LARGEST = 1 << 26  # bytes; MIMIC-CXR's tables have less
LEAST_NAMED = 0.5  # of the files, or of the column's cells
# Headings without letter case, blanks and signs; the first that a table has is taken.
PATIENTS = ["patientid", "patient", "patients", "patientbarcode", "bcrpatientbarcode", "subjectid"]
PATIENTS += ["subject", "subjectkey", "participantid", "participant", "casesubmitterid", "caseid"]
PATIENTS += ["case", "pid", "personid", "person", "mrn", "pat", "patid", "patientenid"]
LABELS = ["label", "labels", "class", "classes", "diagnosis", "finding", "findings", "category"]
LABELS += ["target", "disease", "pathology", "condition", "grade", "subtype", "type", "histology"]
LABELS += ["contrast", "phase", "project", "diagnose", "klasse", "y"]
# Few distinct values, but about the patient, the picture or the study and not its class
BESIDE = {"sex", "gender", "split", "fold", "set", "view", "projection", "age", "license", "date"}
BESIDE |= {"modality", "survival", "offset", "site", "scanner", "manufacturer", "url", "doi"}
FEW, FEW_NAMED = 20, 60  # distinct classes, of any column and of one that is called a label


@dataclass(frozen=True)
class Described:
    """A table that names the files.

    Attributes:
        path: the table.
        rows: one for every file that it names: columns of the table, index path below root.
        file, patient, label: headings; None where no column says it.
        unsure: other headings with few distinct values.
        texts: headings of free text, the likeliest first, with their number and length.
        repeated: headings that are no patient by name, and whose values recur.
    """

    path: Path
    rows: pd.DataFrame
    file: str
    patient: str | None
    label: str | None
    unsure: list[str]
    texts: dict[str, str]
    repeated: list[str]

    def classes(self) -> dict[str, int]:
        """Patients of each class, the most first; images where no column says the patient."""
        assert self.label
        labels = present(self.rows[self.label].replace("", None))
        people = self.rows[self.patient] if self.patient else self.rows.index.to_series()
        counts = people.groupby(labels).nunique().sort_values(ascending=False, kind="stable")
        return {str(name): int(n) for name, n in counts.items()}

    def guessed(self) -> bool:
        """Whether nothing but few recurring values says that the label is one."""
        return not (self.label and _is_label(squeeze(self.label)))

    def listed(self, classes: dict[str, int]) -> str:
        """Classes with their counts; of a guess not the values, which might be people's names."""
        if self.guessed():
            return f"{len(classes)} values (not shown, as the column is a guess)"
        return ", ".join(f"{name} ({n})" for name, n in classes.items())

    def sizes(self) -> tuple[list[str], dict[str, int]]:
        """Classes with enough patients, in their alphabet's order, and those with fewer."""
        counts = self.classes()
        small = {name: n for name, n in counts.items() if n < MIN_PATIENTS}
        return sorted(counts.keys() - small), small


def tables_in(tree: Tree) -> Iterator[tuple[Path, pd.DataFrame]]:
    """The tables of a tree that can be read, with a header and rows, but for genomic ones."""
    for path in _candidates(tree):
        table = _table(path)
        if isinstance(table, pd.DataFrame):
            yield path, table


def not_in_utf8(trees: Iterable[Tree]) -> list[str]:
    """What is to be done for tables that nothing is told of but that they are in another encoding.

    Whatever may be notes of one patient, with the patient's name, is not named.
    """
    paths = [path for tree in trees for path in _candidates(tree) if ".txt" not in path.suffixes]
    return [str(table) for path in paths if isinstance(table := _table(path), NotUtf8)]


def _candidates(tree: Tree) -> list[Path]:
    names = [name for name in tree.ending(SUFFIXES) if not is_named(name, GENOMIC)]
    return [tree.root / name for name in sorted(names, key=lambda f: f.count("/"))[:MOST_TABLES]]


@lru_cache(MOST_TABLES)  # every source asks for them
def _table(path: Path) -> pd.DataFrame | NotUtf8 | None:
    try:
        table = read_table(path) if path.stat().st_size <= LARGEST else None
    except NotUtf8 as error:
        return error
    except (TableError, OSError):
        return None  # a licence, a list, somebody's notes: no table of ours
    fit = table is not None and len(table) and len(table.columns) > 1 and table.columns.is_unique
    return table if fit else None


def describe(
    root: Path,
    files: list[str],
    tables: Iterable[tuple[Path, pd.DataFrame]],
    barcodes: bool = False,
) -> Described | None:
    """The table whose cells name most of the files, if it names half of them.

    Args:
        root: folder of the files.
        files: paths below it.
        tables: candidates.
        barcodes: cells may also be the TCGA barcode with which the file's name begins.
    """
    keys = _keys(root, files, barcodes)
    best: tuple[int, Path, pd.DataFrame, str] | None = None
    for path, table in tables:
        for heading in table.columns:
            cells = table[heading]
            filled = cells[cells != ""]
            named = filled.map(keys).dropna()
            distinct = named.nunique()
            enough = LEAST_NAMED * min(len(files), max(1, len(filled)))
            if distinct >= max(2, enough) and (best is None or distinct > best[0]):
                best = distinct, path, table, heading
    if best is None:
        return None
    _, path, table, heading = best
    rows = table.assign(**{heading: table[heading].map(keys)}).dropna(subset=[heading])
    rows = rows.drop_duplicates(heading).set_index(heading, drop=False)
    return _columns(path, rows, heading)


def _keys(root: Path, files: list[str], barcodes: bool) -> dict[str, str]:
    """What may be written of a file: its path or name, with and without suffix, if of no other."""
    written: list[tuple[str, str]] = []
    for file in files:
        name = PurePosixPath(file).name
        forms = {file, name, _bare(file), _bare(name), f"{root.as_posix()}/{file}"}
        if barcodes:
            forms |= {_bare(name).split(".")[0], name[:12]}
        written += [(form, file) for form in forms]
    counts = Counter(form for form, _ in written)
    return {form: file for form, file in written if counts[form] == 1}


def _bare(path: str) -> str:
    lower = path.lower()
    return path[:-7] if lower.endswith(".nii.gz") else str(PurePosixPath(path).with_suffix(""))


def _is_label(heading: str) -> bool:
    """Also tcga_project, tumour type; not by the short ones."""
    return heading in LABELS or heading.endswith(tuple(word for word in LABELS if len(word) > 3))


def _columns(path: Path, rows: pd.DataFrame, file: str) -> Described:
    others = {h: squeeze(h) for h in rows.columns if h != file and squeeze(h)}
    filled = {h: present(rows[h].replace("", None)).dropna() for h in others}
    distinct = {h: cells.nunique() for h, cells in filled.items()}
    of_patients = [h for h in others if others[h] in PATIENTS and distinct[h] > 1]
    patient = min(of_patients, key=lambda h: PATIENTS.index(others[h]), default=None)
    few = [
        h
        for h in others
        if h not in of_patients
        and others[h] not in BESIDE
        and not others[h].endswith(("id", "uid", "date", "url", "path", "name", "initials"))
        and 2 <= distinct[h] <= (FEW_NAMED if _is_label(others[h]) else FEW)
        and distinct[h] * 2 <= len(filled[h])
        and len(filled[h]) * 2 >= len(rows)
    ]
    named = [h for h in few if _is_label(others[h])]
    named.sort(key=lambda h: LABELS.index(others[h]) if others[h] in LABELS else len(LABELS))
    label = next(iter([*named, *few]), None)
    unsure = [h for h in few if h != label]
    beside = {h: filled[h] for h in others if h not in (*of_patients, label)}
    texts = text_columns(beside, len(rows))
    # A class or a text that recurs is no patient: what is asked about has many values.
    many = [h for h in others if h not in few and h not in texts]
    repeated = [h for h in many if FEW < distinct[h] < len(filled[h])]
    return Described(path, rows, file, patient, label, unsure, texts, repeated)
