"""Image files and a table that describes them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from PIL import Image

from medsynth.cohorts.images.table import SEXES, SPLIT_WORDS
from medsynth.genomics.ages import OLDEST
from medsynth.imaging.pictures import SUFFIXES as PICTURES
from medsynth.store.tables.absence import present
from medsynth.store.tables.header import squeeze
from medsynth.survey import texts
from medsynth.survey.ct import dicom_files, read_headers
from medsynth.survey.found import MIN_PATIENTS, Found, Question, shards_for
from medsynth.survey.machine import AS_MACHINE, Machine
from medsynth.survey.tables import Described, describe, not_in_utf8, tables_in
from medsynth.survey.tree import Tree, common_suffix, spread

COLOURS = {"RGB", "RGBA", "P", "CMYK", "YCbCr"}  # Pillow's modes
LARGEST_SIZE = 512  # pixels a side, however large the files are


def find(trees: list[Tree], everything: list[Tree], machine: Machine) -> list[Found]:
    """The images of every tree that a table, of any tree, describes."""
    found = []
    for tree in trees:
        pictures = tree.ending(PICTURES)
        files = pictures or dicom_files(tree)
        if pictures or read_headers(tree, files):
            found.append(_images(tree, everything, files, bool(pictures), machine))
    return found


def _images(
    tree: Tree, trees: list[Tree], files: list[str], pictures: bool, machine: Machine
) -> Found:
    what = "images with a table" if pictures else "DICOM images with a table"
    seen = [f"{len(files):,} image files in {tree.root}"]
    table = describe(tree.root, files, (pair for each in trees for pair in tables_in(each)))
    if table is None:
        return Found(
            what,
            tree.root,
            seen,
            missing=not_in_utf8(trees)
            or [
                "no table (CSV, TSV) has a column that names these files: give one with columns of"
                " the file, the patient and the class"
            ],
        )
    seen.append(f"{table.path.name}, column {table.file}: names {len(table.rows):,} of them")
    if table.label is None:
        return Found(
            what,
            tree.root,
            seen,
            missing=[
                f"no column of {table.path.name} has a few recurring values: the"
                " class of an image is not known"
            ],
        )
    index, why, questions = _index(table)
    kept, small = table.sizes()
    of = "patients" if table.patient else "images"
    large = {name: n for name, n in table.classes().items() if name in kept}
    seen.append(f"{of} by {table.label}: {table.listed(large)}")
    missing = []
    if len(kept) < 2:
        missing.append(f"fewer than two classes have {MIN_PATIENTS} {of}: {table.listed(small)}")
    elif small:
        index["keep"] = {table.label: kept}
        why["index.keep"] = f"left out, below {MIN_PATIENTS} {of}: {table.listed(small)}"
        seen.append(why["index.keep"])
    index["pattern"] = f"**/*{common_suffix(files) or ''}"
    index["shards"] = shards_for(len(files))
    # Masks and overviews, which lie among them, may be of another form.
    read, reasons = _read(tree, sorted(table.rows.index), pictures, machine)
    cohort = {"kind": "images", "root": str(tree.root), "index": index, "read": read}
    why |= {f"read.{key}": reason for key, reason in reasons.items()}
    return Found(what, tree.root, seen, "images", cohort, why, missing=missing, questions=questions)


def _index(table: Described) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The group `index` but for pattern and shards; its reasons; what only the user knows."""
    columns: dict[str, Any] = {"file": table.file}
    index: dict[str, Any] = {"table": str(table.path), "columns": columns}
    why = {"index.columns.file": f"its cells name {len(table.rows):,} files, each another one"}
    questions = []
    if table.patient:
        columns["patient"] = table.patient
        people = table.rows[table.patient].nunique()
        why["index.columns.patient"] = f"by its heading; {people:,} different values"
    else:
        recurring = ", ".join(table.repeated) or "none"
        question = (
            "Whose are the images? No heading says patient or subject. If a column does, name it as"
            f" columns.patient (values recur in: {recurring}); if no two images are of one patient,"
            " take away the # below"
        )
        index["one_image_one_patient"] = Question(True)
        why["index.one_image_one_patient"] = question
        questions.append(question.replace("take away the # below", "state one_image_one_patient"))
    assert table.label
    columns["labels"] = table.label
    others = f"; others that could be it: {', '.join(table.unsure)}" if table.unsure else ""
    chosen = "a guess" if table.guessed() else "by its heading"
    values = len(table.classes())
    why["index.columns.labels"] = f"{chosen}: {values} different values{others}"
    if table.patient and (split := _split(table)):
        columns["split"] = split
        why["index.columns.split"] = "says train, validate, test, one for each patient"
    if covariates := _covariates(table):
        columns["covariates"] = covariates
    if table.texts:
        text = next(iter(table.texts))
        columns["text"] = text if texts.is_named(text) else Question(text)
        why["index.columns.text"] = texts.why(table.texts)
    return index, why, questions


def _split(table: Described) -> str | None:
    """The column of a published division that holds, with patients enough in each part."""
    for heading in table.rows:
        words = table.rows[heading].str.lower()
        parts = words.map(SPLIT_WORDS)
        if parts.isna().any() or parts.nunique() < 3:
            continue
        people = parts.groupby(table.rows[table.patient])
        if people.nunique().max() == 1 and people.first().value_counts().min() >= MIN_PATIENTS:
            return str(heading)
    return None


def _covariates(table: Described) -> dict[str, str]:
    """Columns of age in years and sex, if their cells are that."""
    found = {}
    for heading in table.rows:
        cells = present(table.rows[heading].replace("", None)).dropna()
        if squeeze(heading) in ("sex", "gender") and cells.str.lower().isin(SEXES).mean() > 0.9:
            found["sex"] = heading
        numbers = cells.str.fullmatch(r"\d{1,3}(\.\d+)?")
        if squeeze(heading) in ("age", "ageyears", "patientage") and numbers.mean() > 0.9:
            if cells[numbers].astype(float).max() <= OLDEST:
                found["age"] = heading
    return dict(sorted(found.items()))


def _read(
    tree: Tree, files: list[str], pictures: bool, machine: Machine
) -> tuple[dict[str, Any], dict[str, str]]:
    """The group `read` by the headers of a sample."""
    sides, colours = [], 0
    modes: Counter[str] = Counter()
    if pictures:
        for file in spread(files):
            try:
                with Image.open(tree.root / file) as image:
                    sides.append(min(image.size))
                    modes[image.mode] += 1
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue  # the workflow sets it aside, and says why
        colours = sum(n for mode, n in modes.items() if mode in COLOURS)
    else:
        headers = read_headers(tree, files)
        sides = [min(int(h.Rows), int(h.Columns)) for h in headers if "Rows" in h]
        colours = sum(h.get("SamplesPerPixel") == 3 for h in headers)
        modes["grey"] = len(headers) - colours
    opened = sum(modes.values()) if pictures else len(sides)
    coloured = opened and colours == opened
    least = min(sides, default=LARGEST_SIZE)
    size = min(machine.image_size, 1 << max(3, least.bit_length() - 1))
    why = {"image_size": f"the shortest side in a sample of {opened} is {least}; {AS_MACHINE}"}
    if coloured:
        why["channels"] = f"all of {opened} files opened are in colour"
    elif colours:
        why["channels"] = (
            f"{opened - colours} of {opened} files opened are grey; colour files whose channels"
            " differ are set aside"
        )
    else:
        why["channels"] = f"none of {opened} files opened is in colour"
    return {"image_size": size, "channels": "rgb" if coloured else "grey"}, why
