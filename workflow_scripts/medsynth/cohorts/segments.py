"""Copy-number segments, and how much of the chromosome arms 1p and 19q is lost.

Formats: ``GDC_Aliquot  Chromosome  Start  End  Num_Probes  Segment_Mean`` (GDC, Affymetrix SNP 6.0,
https://docs.gdc.cancer.gov/Data/Bioinformatics_Pipelines/CNV_Pipeline/) and
``ID  chrom  loc.start  loc.end  num.mark  seg.mean`` (cBioPortal, IGV). Means are log2(copies / 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from medsynth.cohorts.maf import TableError, header_of, read_columns

GDC = ["GDC_Aliquot", "Chromosome", "Start", "End", "Segment_Mean"]
CBIOPORTAL = ["ID", "chrom", "loc.start", "loc.end", "seg.mean"]
COLUMNS = ["sample", "chrom", "start", "end", "mean"]
BARCODE = r"TCGA-\w{2}-\w{4}-\d{2}"

# End of the p arm and length in bases, from UCSC goldenPath/<build>/database/cytoBand.txt.gz: the
# p arm ends between the two "acen" bands.
CENTROMERES = {
    "hg19": {"1": 125_000_000, "19": 26_500_000},
    "hg38": {"1": 123_400_000, "19": 26_200_000},
}
# Chromosome 17 is longer in hg38, 1 and 19 are longer in hg19: together they tell the builds apart.
LENGTHS = {
    "hg19": {"1": 249_250_621, "17": 81_195_210, "19": 59_128_983},
    "hg38": {"1": 248_956_422, "17": 83_257_441, "19": 58_617_616},
}
MIN_MEASURED = 0.5  # share of an arm that segments must cover before anything is said about it


def read_segments(
    path: str | Path, build: str, barcodes: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Segments of the tumour samples (TCGA sample types 01 to 09) in one file.

    Args:
        path: GDC or cBioPortal form, plain or gzipped.
        build: "hg19" or "hg38"; positions beyond its chromosome ends are an error.
        barcodes: sample barcode by file name. Files of the GDC name their sample by a UUID; its
            sample sheet (:func:`read_sample_sheet`) knows the barcode.

    Returns:
        Columns sample (barcode), chrom ("1" to "22", "X", "Y"), start, end (bases), mean (log2).

    Raises:
        TableError: neither form, a damaged file, another build, or samples without a barcode.
    """
    path = Path(path)
    columns = GDC if "GDC_Aliquot" in header_of(path)[1] else CBIOPORTAL
    types = [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.float64()]
    frame = read_columns(path, columns, dict(zip(columns, types, strict=True)))
    frame.columns = COLUMNS
    frame["chrom"] = (
        frame["chrom"].str.removeprefix("chr").replace({"23": "X", "24": "Y"}).astype("str")
    )
    for chrom, length in LENGTHS[build].items():
        if (frame.loc[frame["chrom"] == chrom, "end"] > length).any():
            raise TableError(
                f"{path}: segments end beyond chromosome {chrom} of {build}; "
                "set genotypes.build to the build of these segments"
            )
    if barcodes and path.name in barcodes:
        frame["sample"] = barcodes[path.name]
    if not frame["sample"].str.match(BARCODE).all():
        raise TableError(
            f"{path}: its samples are not TCGA barcodes; put the GDC's sample sheet of the "
            "same cart (gdc_sample_sheet*.tsv) into the folder given as genotypes.segments"
        )
    kind = frame["sample"].str.slice(13, 15).astype(int)
    return frame[kind.between(1, 9)].reset_index(drop=True)


def read_sample_sheet(path: str | Path) -> dict[str, str]:
    """Sample barcode by file name, from the sample sheet of a GDC cart.

    Raises:
        TableError: see :func:`medsynth.cohorts.maf.read_columns`.
    """
    columns = ["File Name", "Sample ID"]
    sheet = read_columns(Path(path), columns, dict.fromkeys(columns, pa.string()))
    return dict(zip(sheet["File Name"], sheet["Sample ID"], strict=True))


def arm_losses(segments: pd.DataFrame, build: str, loss_threshold: float) -> pd.DataFrame:
    """Share of 1p and of 19q that is lost, one row a sample (index), columns loss_1p, loss_19q.

    A base is lost where its segment's mean, less the sample's own level, is below the threshold.
    The level is the median over autosomal bases: an aneuploid tumour shifts all of its means.
    Shares are of the measured bases; null where segments cover less than half of the arm.
    """
    length = segments["end"] - segments["start"]
    autosomal = segments.assign(length=length)[segments["chrom"].str.isdigit()]
    level = {name: _median(s["mean"], s["length"]) for name, s in autosomal.groupby("sample")}
    lost = segments["mean"] - segments["sample"].map(level) < loss_threshold
    ends = LENGTHS[build]
    arms = {
        "loss_1p": ("1", 0, CENTROMERES[build]["1"]),
        "loss_19q": ("19", CENTROMERES[build]["19"], ends["19"]),
    }
    shares = pd.DataFrame(index=pd.Index(sorted(segments["sample"].unique()), name="sample"))
    for name, (chrom, start, end) in arms.items():
        inside = segments["end"].clip(upper=end) - segments["start"].clip(lower=start)
        inside = inside.clip(lower=0).where(segments["chrom"] == chrom, 0)
        measured = inside.groupby(segments["sample"]).sum()
        share = inside.where(lost, 0).groupby(segments["sample"]).sum() / measured
        shares[name] = share.where(measured >= MIN_MEASURED * (end - start)).astype(float)
    return shares


def _median(values: pd.Series, weights: pd.Series) -> float:
    ordered = values.sort_values()
    covered = weights[ordered.index].cumsum()
    return float(ordered.iloc[covered.searchsorted(covered.iloc[-1] / 2)])
