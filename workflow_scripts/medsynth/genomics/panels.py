"""Whether sequencing covers the hotspots of IDH1 and IDH2."""

from __future__ import annotations

import re
from pathlib import Path

from medsynth.genomics.mutations.hotspots import GENES, HOTSPOTS, PLACES
from medsynth.store.tables.header import TableError, damaged

# The codons that WHO 2021 names for gliomas; R140 of IDH2 may be missing.
GLIOMA = [hotspot for hotspot in HOTSPOTS if hotspot.residue in (132, 172)]


def covers_idh(coverage: str | Path, build: str) -> bool | None:
    """Whether the sequencing saw IDH1 R132 and IDH2 R172, so that no mutation means wildtype.

    Args:
        coverage: "exome" (it did), "unknown", or the file of a targeted panel: a BED file, or the
            genes (symbols, Entrez or Ensembl numbers) as a list or as cBioPortal writes them
            (``gene_list:`` and tabs).
        build: "hg19" or "hg38", of a BED file.

    Returns:
        Null if unknown.

    Raises:
        TableError: the panel file cannot be read or names neither genes nor regions.
    """
    if coverage in ("exome", "unknown"):
        return True if coverage == "exome" else None
    path = Path(coverage)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, error) from None
    header = ("#", "track", "browser", "stable_id:", "description:")
    rows = [
        [cell.strip(' "') for cell in re.split("\t" if "\t" in line else r"[\s,;]+", line.strip())]
        for line in lines
        if line.strip() and not line.startswith(header)
    ]
    if not rows:
        raise TableError(f"{path}: no gene and no region; give a BED file or a list of genes")
    regions = [r for r in rows if len(r) > 2 and r[1].isdigit() and r[2].isdigit()]
    if not regions:
        words = {
            word for row in rows for cell in row for word in re.split(r"[\s,;]+", cell.upper())
        }
        return all(words.intersection(GENES[hotspot.gene]) for hotspot in GLIOMA)
    if len(regions) < len(rows):
        raise TableError(f"{path}: {len(rows) - len(regions)} lines are no region of a BED file")
    codons = [(PLACES[h.gene][0], h.first[build], h.first[build] + 2) for h in GLIOMA]
    # BED starts are 0-based, its ends are exclusive
    spans = [(r[0].lower().removeprefix("chr"), int(r[1]) + 1, int(r[2])) for r in regions]
    return all(
        any(name == chrom and start <= first and last <= end for name, start, end in spans)
        for chrom, first, last in codons
    )
