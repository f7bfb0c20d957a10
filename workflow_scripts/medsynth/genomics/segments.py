"""Copy-number segments, and how much of the chromosome arms 1p and 19q is lost.

Formats: ``GDC_Aliquot  Chromosome  Start  End  Num_Probes  Segment_Mean`` (GDC, Affymetrix SNP 6.0;
older files name the first column ``Sample``), ``GDC_Aliquot  Chromosome  Start  End  Copy_Number
Major_Copy_Number  Minor_Copy_Number`` (GDC, ASCAT),
https://docs.gdc.cancer.gov/Data/Bioinformatics_Pipelines/CNV_Pipeline/, and
``ID  chrom  loc.start  loc.end  num.mark  seg.mean`` (cBioPortal, IGV). Means are log2(copies / 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from medsynth.genomics.barcodes import FIRST_NORMAL, parse_barcodes, parse_tumours
from medsynth.store.tables.header import TableError, header_of, squeeze
from medsynth.store.tables.tsv import read_columns

FORMS = [
    ["GDC_Aliquot", "Chromosome", "Start", "End", "Segment_Mean"],
    ["Sample", "Chromosome", "Start", "End", "Segment_Mean"],
    ["GDC_Aliquot", "Chromosome", "Start", "End", "Copy_Number"],
    ["Sample", "Chromosome", "Start", "End", "Copy_Number"],
    ["ID", "chrom", "loc.start", "loc.end", "seg.mean"],
]
DTYPES = {"sample": "str", "chrom": "str", "start": float, "end": float, "mean": float, "file": int}
COLUMNS = [*DTYPES][:5]
PROFILE = ["sample", "file"]  # one sample may be measured twice, in two files

# End of the p arm, from UCSC goldenPath/<build>/database/cytoBand.txt.gz: it ends between the two
# "acen" bands (hg38: 1p11.1 ends and 1q11 begins at 123,400,000, 19p11 and 19q11 at 26,200,000).
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
NO_VALUE = {"", "NA", "NaN", "nan", "."}
MOST_LOG_RATIO = 1.0  # median of a profile; copies of two have 2, log ratios nearly 0
FEWEST_COPIES = 0.25  # stands for none, whose logarithm has no value


def read_segments(
    path: str | Path, build: str, barcodes: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Segments of the tumour samples (TCGA sample types 01 to 09) in one file.

    Args:
        path: one of the :data:`FORMS`, plain or gzipped.
        build: "hg19" or "hg38"; positions beyond its chromosome ends are an error.
        barcodes: sample barcode by file name without .gz. Files of the GDC name their sample by a
            UUID; its sample sheet (:func:`medsynth.genomics.barcodes.read_sample_sheet`) knows it.

    Returns:
        segments: columns sample (barcode), chrom ("1" to "22", "X", "Y"), start, end (bases, half
            open), mean (log2); those without length or value are left out.
        unnamed: names of samples that are no barcodes, whose segments are left out.

    Raises:
        TableError: none of the forms, a damaged file, another build, values that are no log ratios,
            or no sample with a barcode.
    """
    path = Path(path)
    comments, header = header_of(path)
    known = {squeeze(name): name for name in reversed(header)}
    forms = ([squeeze(name) for name in form] for form in FORMS)
    columns = next(
        ([known[name] for name in form] for form in forms if known.keys() >= set(form)), FORMS[-1]
    )
    frame = read_columns(path, columns, dict.fromkeys(columns, pa.string()))
    frame.columns = COLUMNS
    for name, heading in zip(COLUMNS[2:], columns[2:], strict=True):
        # As numbers with a point, because R writes 100000 as 1e+05.
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        wrong = numbers.isna() & ~frame[name].fillna("").str.strip().isin(NO_VALUE)
        if wrong.any():
            raise TableError(
                f"{path}: {heading} is no number in line {comments + 2 + wrong.idxmax()}"
                f" ({wrong.sum()} such lines); correct these lines or leave them out"
            )
        frame[name] = numbers
    copies = squeeze(columns[-1]) == "copynumber"
    if copies:
        frame["mean"] = np.log2(frame["mean"].clip(lower=FEWEST_COPIES) / 2)
    elif len(frame) and frame["mean"].min() >= 0 and frame["mean"].median() >= MOST_LOG_RATIO:
        raise TableError(
            f"{path}: {columns[-1]} looks like copies, it should be log2(copies / 2); convert it,"
            " or call the column Copy_Number",
            "not_log_ratio",
        )
    frame["chrom"] = (
        frame["chrom"].str.replace("(?i)^chr", "", regex=True).replace({"23": "X", "24": "Y"})
    )
    frame["chrom"] = frame["chrom"].str.upper().astype("str")
    for chrom, length in LENGTHS[build].items():
        if (frame.loc[frame["chrom"] == chrom, "end"] > length).any():
            raise TableError(
                f"{path}: segments end beyond chromosome {chrom} of {build}; "
                "set genotypes.build to the build of these segments",
                "wrong_build",
            )
    if barcode := (barcodes or {}).get(path.name.removesuffix(".gz")):
        frame["sample"] = barcode
    parts = parse_barcodes(frame["sample"].fillna(""))
    named = parts["barcode"].notna()
    if len(frame) and not named.any():
        raise TableError(
            f"{path}: its samples are not TCGA barcodes; put the GDC's sample sheet of the "
            "same cart (gdc_sample_sheet*.tsv) into the folder given as genotypes.segments",
            "no_sample_barcode",
        )
    unnamed = sorted(frame.loc[~named, "sample"].fillna("").unique())
    frame["sample"] = parts["barcode"]
    measured = (frame["end"] > frame["start"]) & np.isfinite(frame["mean"])
    tumour = (parts["type"] < FIRST_NORMAL).fillna(False)
    return frame[measured & tumour].reset_index(drop=True), unnamed


def call_codeletion(
    segments: pd.DataFrame, build: str, loss_threshold: float, arm_fraction: float
) -> pd.DataFrame:
    """1p/19q of the cases with segments (columns of `segments`: see arm_losses).

    Codeleted are cases that lost at least `arm_fraction` of both arms. Of several tumour profiles
    of a case the first in the order of parse_tumours, then of the files, that measured both arms
    decides.

    Returns:
        Index case; codeletion (boolean, null where an arm was not measured), loss_1p, loss_19q,
        codeletion_sample, and codeletion_reason where codeletion is null.
    """
    arms = ["loss_1p", "loss_19q"]
    losses = arm_losses(segments, build, loss_threshold).reset_index()
    order = parse_tumours(losses["sample"]).reset_index(names="rank").set_index("barcode")
    losses = losses.join(order[["case", "rank"]], on="sample")
    losses["unmeasured"] = losses[arms].isna().any(axis=1)
    calls = losses.sort_values(["unmeasured", "rank", "file"]).drop_duplicates("case")
    calls = calls.rename(columns={"sample": "codeletion_sample"}).set_index("case").sort_index()
    both = (calls[arms] >= arm_fraction).all(axis=1).astype("boolean")
    calls["codeletion"] = both.mask(calls["unmeasured"])
    calls["codeletion_reason"] = np.where(
        calls["unmeasured"], "codeletion_not_measured", np.array(None)
    )
    return calls[["codeletion", *arms, "codeletion_sample", "codeletion_reason"]]


def arm_losses(segments: pd.DataFrame, build: str, loss_threshold: float) -> pd.DataFrame:
    """Share of 1p and of 19q that is lost, one row a profile (sample, file as index, sorted).

    A base is lost where the mean of the segments over it, less the profile's own level, is below
    the threshold. The level is the median over autosomal bases: a tumour with another ploidy
    shifts all of its means. Shares are of the measured bases.

    Args:
        segments: :data:`COLUMNS` and file (number or name of the file).
        build: "hg19" or "hg38".
        loss_threshold: log2 ratio to the profile's level.

    Returns:
        Columns loss_1p, loss_19q in [0, 1]; null where segments cover less than half of the arm,
        or no autosome beside 1 and 19 from which the level could be told.
    """
    pieces = disjoint(segments)
    pieces = pieces[pieces["chrom"].str.fullmatch(r"\d+")]
    keys = [pieces[column] for column in PROFILE]
    lengths = pieces["end"] - pieces["start"]
    by_mean = pieces.assign(length=lengths).sort_values([*PROFILE, "mean"])
    covered = by_mean.groupby(PROFILE)["length"].cumsum()
    half = by_mean.groupby(PROFILE)["length"].transform("sum") / 2
    level = by_mean[covered >= half].groupby(PROFILE)["mean"].first()
    others = ~pieces["chrom"].isin(CENTROMERES[build])
    level = level.where(others.groupby(keys).any())
    change = pieces["mean"] - level.reindex(pd.MultiIndex.from_arrays(keys)).to_numpy()
    arms = {
        "loss_1p": ("1", 0, CENTROMERES[build]["1"]),
        "loss_19q": ("19", CENTROMERES[build]["19"], LENGTHS[build]["19"]),
    }
    shares = pd.DataFrame(index=pd.MultiIndex.from_frame(segments[PROFILE].drop_duplicates()))
    shares = shares.sort_index()
    for name, (chrom, start, end) in arms.items():
        inside = pieces["end"].clip(upper=end) - pieces["start"].clip(lower=start)
        inside = inside.clip(lower=0).where((pieces["chrom"] == chrom) & change.notna(), 0)
        measured = inside.groupby(keys).sum()
        share = inside.where(change < loss_threshold, 0).groupby(keys).sum() / measured
        shares[name] = share.where(measured >= MIN_MEASURED * (end - start)).astype(float)
    return shares


def disjoint(segments: pd.DataFrame) -> pd.DataFrame:
    """The same segments without overlap: sorted by profile, chromosome and position.

    Repeated rows count once; a base under several segments gets the mean of them.
    """
    keys = [*PROFILE, "chrom"]
    rows = segments.drop_duplicates().sort_values([*keys, "start", "end"], ignore_index=True)
    # Everything before a segment of the same profile and chromosome ends at or before its start?
    reach = rows.groupby(keys)["end"].cummax().groupby([rows[key] for key in keys]).shift()
    overlap = (rows["start"] < reach).groupby([rows[key] for key in keys]).transform("any")
    cut = [
        _pieces(group).assign(**dict(zip(keys, names, strict=True)))
        for names, group in rows[overlap].groupby(keys)
    ]
    return pd.concat([rows[~overlap], *cut]).sort_values([*keys, "start"], ignore_index=True)


def _pieces(segments: pd.DataFrame) -> pd.DataFrame:
    """Segments of one chromosome, cut at every start and end."""
    start, end, mean = (segments[column].to_numpy() for column in COLUMNS[2:])
    edges = np.unique([start, end])
    covers = (start[:, None] <= edges[:-1]) & (end[:, None] >= edges[1:])
    count = covers.sum(axis=0)
    with np.errstate(invalid="ignore"):  # pieces that nothing covers are dropped
        means = mean @ covers / count
    pieces = pd.DataFrame({"start": edges[:-1], "end": edges[1:], "mean": means})
    return pieces[count > 0]
