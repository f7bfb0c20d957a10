"""Histology slides under their GDC file names.

Barcodes: https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.cohorts.files import hash_sources, matching_files, quarantine_repeats
from medsynth.cohorts.labels import check_names, read_labels, row_of
from medsynth.cohorts.slides.settings import SlideIndex, SlideTable
from medsynth.genomics.barcodes import FIRST_NORMAL, parse_barcodes
from medsynth.store.digest_cache import DigestCache
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED, manifest, shard_of
from medsynth.store.tables.absence import present

SETTINGS = SlideIndex
SUFFIXES = {".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".vms", ".bif", ".svslide"}
SUFFIXES |= {".png", ".jpg", ".jpeg"}


def index(
    root: Path, settings: SlideIndex, cache: DigestCache | None = None, threads: int = 1
) -> pd.DataFrame:
    """One row for every slide file below `root` that the pattern matches; other files are passed.

    Returns:
        Index manifest. item_id is the file name without its last suffix, patient the case
        (TCGA-XX-XXXX), group the slide barcode; label from the table, or null for genotypes
        (joined later). Excluded: no_label, not_kept, not_tumour (sample type 10 and above,
        genotypes only). Quarantined: no_barcode, duplicate, unreadable.

    Raises:
        CohortError: the label table is missing, lacks columns or contradicts itself.
    """
    return hashed(listed(root, settings), root, settings, cache, threads)


def hashed(
    frame: pd.DataFrame,
    root: Path,
    settings: SlideIndex,
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Listed rows with the digests of their files, and what these tell."""
    hash_sources(frame, root, cache, threads)
    return manifest(frame)


def listed(root: Path, settings: SlideIndex, most: int | None = None) -> pd.DataFrame:
    """As :func:`index`, by the slides' names: none is opened, and none is hashed."""
    label = settings.label if isinstance(settings.label, SlideTable) else None
    table = read_labels(label) if label else None
    rows = []
    files = [f for f in matching_files(root, settings.pattern) if f.suffix.lower() in SUFFIXES]
    if table is not None:
        check_names(files, root, table)
        table["label"] = present(table["label"])
        by_barcode = _labels_by_barcode(table)
    names = parse_barcodes(file.stem for file in files).to_dict("records")
    for file, name in zip(files, names, strict=True):
        row: dict[str, Any] = {
            "item_id": file.stem,
            "source": file.relative_to(root).as_posix(),
            "status": USED,
        }
        row["shard"] = shard_of(file.stem, settings.shards)
        if pd.notna(name["case"]):
            row |= {"patient": name["case"], "group": name["barcode"]}
            if table is not None:
                found = row_of(table, file, root)
                row["label"] = by_barcode.get(name["barcode"]) if found is None else found["label"]
                if pd.isna(row["label"]):
                    row |= {"status": EXCLUDED, "reason": "no_label"}
                elif label and label.keep and row["label"] not in label.keep:
                    row |= {"status": EXCLUDED, "reason": "not_kept"}
            elif name["type"] >= FIRST_NORMAL:
                row |= {"status": EXCLUDED, "reason": "not_tumour"}
        else:
            row |= {"status": QUARANTINED, "reason": "no_barcode"}
        rows.append(row)
    frame = manifest(rows)
    quarantine_repeats(frame)
    return manifest(frame)


def _labels_by_barcode(table: pd.DataFrame) -> dict[str, str]:
    """Labels of the keys that are barcodes and no more, but for the file's suffix, by the GDC's
    own way of writing them."""
    suffix = "|".join(map(re.escape, sorted(SUFFIXES)))
    keys = table.index.str.upper().str.replace(rf"(?i)(?:{suffix})$", "", regex=True)
    keys = keys.str.replace(r"[._]", "-", regex=True)
    barcodes = parse_barcodes(keys)["barcode"]
    whole = (barcodes == keys).to_numpy() & ~barcodes.duplicated(keep=False).to_numpy()
    return dict(zip(barcodes[whole], table["label"][whole], strict=True))
