"""Which images there are: the rows of the table, and the files below the cohort's folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medsynth.cohorts.files import hash_sources, set_aside
from medsynth.cohorts.images.copies import PLACES, set_copies_aside
from medsynth.cohorts.images.files import Files
from medsynth.cohorts.images.table import read_rows
from medsynth.cohorts.images.table_settings import ImagesIndex
from medsynth.store.digest_cache import DigestCache
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED, manifest, shard_of

SETTINGS = ImagesIndex


def index(
    root: Path, settings: ImagesIndex, cache: DigestCache | None = None, threads: int = 1
) -> pd.DataFrame:
    """One row for every row of the table, and for every image file that no row names.

    Args:
        root: folder of the files.
        settings: the table and its columns.
        cache: known digests of files.
        threads: files hashed at the same time.

    Returns:
        Index manifest with the extra columns of :func:`.table.read_rows`, and of every further
        file NAME (source_ROLE, mask) its NAME_sha256. item_id is the first file's path below root,
        with :SLICE and :FRAME where they are named, and :DOMAIN of images that are divided into
        two, see :func:`_in_domains`. Excluded: no_row, and those of read_rows.
        Quarantined: two_rows (another row says something else of the image, be that one used,
        excluded or quarantined, unless `keep` left it out), and those of
        :func:`.copies.set_copies_aside`, read_rows and hash_sources.

    Raises:
        CohortError: no files, or see read_rows and :meth:`.files.Files.find`.
    """
    return hashed(listed(root, settings), root, settings, cache, threads)


def hashed(
    frame: pd.DataFrame,
    root: Path,
    settings: ImagesIndex,
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Listed rows with the digests of their files, and what these tell."""
    columns = settings.columns
    named = [*columns.sources(), *(["mask"] if columns.masked else [])]
    # The images of one domain are the same files as those of the other, and no copies of these.
    parts = [frame]
    if columns.domains:
        parts = [part.copy() for _, part in frame.groupby("domain", dropna=False)]
    for part in parts:
        _hash(part, named, root, cache, threads)
        set_copies_aside(part, [f"{name}_sha256" for name in columns.sources()])
    frame = pd.concat(parts).sort_index()
    empty = [name for name in frame if frame[name].dtype == object]  # text, if there were any
    return manifest(frame.astype(dict.fromkeys(empty, "str")))


def listed(root: Path, settings: ImagesIndex, most: int | None = None) -> pd.DataFrame:
    """As :func:`index`, from the table and the files' names: none is opened, and none is hashed."""
    frame = read_rows(settings)
    files = Files(root, settings.pattern)
    columns = settings.columns
    named = columns.sources() | ({"mask": columns.mask} if columns.mask else {})
    for name, heading in named.items():
        frame[name] = files.find(frame[name], heading)
    if columns.mask_suffix:
        frame["mask"] = files.beside(frame["source"], columns.mask_suffix)
    lines = pd.Series(range(len(frame)), frame.index)
    frame["item_id"] = frame["source"].fillna("row " + lines.astype(str))
    for place in PLACES:
        if place in frame:
            frame["item_id"] += (":" + frame[place].astype("str")).fillna("")
    if not columns.patient:
        frame["patient"] = frame["source"]
    if not columns.group:
        frame["group"] = frame["patient"]
    frame = frame.drop_duplicates(ignore_index=True)
    kept = frame["reason"] != "not_kept"
    twice = frame["item_id"].where(kept).duplicated(keep=False) & kept
    set_aside(frame, twice, QUARANTINED, "two_rows")
    known = frame[[*named, *(["mask"] if columns.mask_suffix else [])]].stack().dropna()
    unnamed = pd.DataFrame({"source": files.without_row(known)})
    unnamed = unnamed.assign(item_id=unnamed["source"], status=EXCLUDED, reason="no_row")
    frame = pd.concat([frame, unnamed], ignore_index=True)
    frame["shard"] = [shard_of(item, settings.shards) for item in frame["item_id"].tolist()]
    if columns.domains:
        frame = _in_domains(frame, columns.channel_of())
    return manifest(frame.sort_values("item_id", ignore_index=True, kind="stable"))


def _in_domains(frame: pd.DataFrame, channel_of: dict[str, int]) -> pd.DataFrame:
    """Every row once for each domain, which is its label; `image` says which are of one image."""
    of_each = [
        frame.assign(
            image=frame["item_id"],
            item_id=frame["item_id"] + f":{name}",
            label=name,
            domain=number,
            channel=channel,
        )
        for number, (name, channel) in enumerate(channel_of.items())
    ]
    return pd.concat(of_each, ignore_index=True)


def _hash(
    frame: pd.DataFrame, names: list[str], root: Path, cache: DigestCache | None, threads: int
) -> None:
    """Fill NAME_sha256 of every file of the usable rows, in place."""
    for name in names:
        wanted = frame.loc[(frame["status"] == USED) & frame[name].notna(), name]
        # A volume is read once, however many slices of it are named.
        files = manifest([{"source": file, "status": USED} for file in wanted.unique()])
        hash_sources(files, root, cache, threads)
        found = files.set_index("source").reindex(wanted).set_axis(wanted.index)
        frame[f"{name}_sha256"] = found["source_sha256"].reindex(frame.index)
        if name == names[0]:
            frame["source_bytes"] = found["source_bytes"].reindex(frame.index)
        for reason, lost in found[found["status"] != USED].groupby("reason"):
            set_aside(frame, frame.index.isin(lost.index), QUARANTINED, reason)
