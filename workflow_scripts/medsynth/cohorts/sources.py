"""What every cohort does with its raw files: hash them, look labels up, fill a shard."""

from __future__ import annotations

import difflib
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.runtime.settings import TableLabel
from medsynth.store.digests import DigestCache, digest_bytes, digest_files
from medsynth.store.manifests import QUARANTINED, USED, manifest
from medsynth.store.quarantine import CohortError, UnusableImage
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.delimited import read_table

log = logging.getLogger(__name__)

NEAR = 0.85  # of a misspelt heading; `image_7.png` and `image` have less in common
PROGRESS_S = 30  # seconds between two lines in the log


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV or TSV as text, as it is written but for the space around it.

    Only empty cells are null: ``NA``, ``None`` and ``null`` are words like others.

    Raises:
        CohortError: see :func:`.delimited.read_table`, or some of `columns` are
            not there.
    """
    table = read_table(path)
    if missing := [c for c in columns if c not in table.columns]:
        raise CohortError(f"{path}: {missing_columns(missing, list(table.columns))}")
    return table.replace({"": None})


def missing_columns(missing: list[str], header: list[str]) -> str:
    """What is wrong with a table's first line, of which nothing is quoted that may be a row.

    Words are named that are nearly those expected, and have no number besides.
    """

    def plain(word: str) -> str:
        return re.sub(r"[^\w]|_", "", word.lower())

    near = []
    for expected in missing:
        numbers = set(re.findall(r"\d+", expected))
        words = {plain(n): n for n in header if not set(re.findall(r"\d+", n)) - numbers}
        close = difflib.get_close_matches(plain(expected), words, n=1, cutoff=NEAR)
        near += [words[word] for word in close]
    said = f"no column {', '.join(missing)} among the {len(header)} of its first line"
    hint = f"did you mean {', '.join(near)}?" if near else "add the header if it lacks"
    return f"{said}, which should be its header; {hint}"


def read_labels(settings: TableLabel, *others: str) -> pd.DataFrame:
    """The label table, indexed by its key column, with a column "label"; empty cells are null.

    Args:
        settings: the table and its columns.
        others: columns that are used, too, if the table has them.

    Raises:
        CohortError: file or columns missing, or one key with two labels, or two values of another
            column that is used.
    """
    table = read_csv(settings.path, [settings.key, settings.value])
    table = table.assign(label=table[settings.value]).dropna(subset=[settings.key])
    others = tuple(column for column in others if column in table)
    table = table.drop_duplicates([settings.key, "label", *others]).set_index(settings.key)
    if twice := table.index.duplicated().sum():
        columns = " or ".join(map(repr, (settings.value, *others)))
        raise CohortError(
            f"{settings.path}: {twice} keys in {settings.key!r} have two different values in"
            f" {columns}; leave one row for each image"
        )
    return table


def matching_files(root: Path, pattern: str) -> list[Path]:
    """The files below `root` that the pattern matches, sorted.

    Raises:
        CohortError: there is none.
    """
    files = sorted(file for file in root.glob(pattern) if file.is_file())
    if not files:
        raise CohortError(f"{root}: no file matches {pattern!r}; correct root or index.pattern")
    return files


def check_names(files: list[Path], root: Path, table: pd.DataFrame) -> None:
    """Refuse a table that labels several files by one key.

    Archives number the slices of every series alike; a bare name would label all of them.

    Raises:
        CohortError: it does.
    """
    keys = Counter(_key_of(table, file, root) for file in files)
    if twice := sum(n > 1 for key, n in keys.items() if key is not None):
        raise CohortError(
            f"{twice} keys of the label table belong to several files each; give paths relative to"
            " root"
        )


def row_of(table: pd.DataFrame, file: Path, root: Path) -> pd.Series | None:
    """The label row whose key is the file's path below `root` or its name, with or without suffix.

    The path goes before the name.
    """
    key = _key_of(table, file, root)
    return None if key is None else table.loc[key]


def _key_of(table: pd.DataFrame, file: Path, root: Path) -> str | None:
    path = file.relative_to(root)
    for whole in (path, Path(path.name)):
        unpacked = whole.with_name(whole.name.removesuffix(".gz"))  # also of .nii.gz the suffix
        for key in (whole, whole.with_suffix(""), unpacked.with_suffix("")):
            if key.as_posix() in table.index:
                return key.as_posix()
    return None


def set_aside(frame: pd.DataFrame, where: pd.Series | np.ndarray, status: str, reason: str) -> None:
    """Give the still usable rows in `where` a status and reason, in place: the first one stays."""
    frame.loc[where & (frame["status"] == USED), ["status", "reason"]] = [status, reason]


def quarantine_repeats(frame: pd.DataFrame) -> None:
    """Keep the first of the usable rows with the same item_id, in place."""
    usable = frame["status"] == USED
    repeated = usable & frame["item_id"].where(usable).duplicated()
    set_aside(frame, repeated, QUARANTINED, "duplicate")


def hash_sources(
    frame: pd.DataFrame, root: Path, cache: DigestCache | None, threads: int = 1
) -> None:
    """Fill source_sha256 and source_bytes of the usable rows, in place.

    A file that is not there, that cannot be read, or that is not below `root` (a link, or a table's
    path with "..") is quarantined: missing_file, unreadable, outside_root. Links within `root` are
    followed.
    """
    inside = _inside(root)
    sources = frame.loc[frame["status"] == USED, "source"]
    outside = sources.index[[not inside(source) for source in sources]]
    set_aside(frame, frame.index.isin(outside), QUARANTINED, "outside_root")
    sources = frame.loc[frame["status"] == USED, "source"]
    found, told = [], time.monotonic()
    for digest in digest_files((root / source for source in sources), cache, threads):
        found.append(digest)
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            log.info("hashed %d of %d files", len(found), len(sources))
    known = {k: d for k, d in zip(sources.index, found, strict=True) if isinstance(d, tuple)}
    columns = ["source_sha256", "source_bytes"]
    frame[columns] = pd.DataFrame.from_dict(known, orient="index", columns=columns).reindex(
        frame.index
    )
    lost = sources.index[[isinstance(digest, FileNotFoundError) for digest in found]]
    set_aside(frame, frame.index.isin(lost), QUARANTINED, "missing_file")
    unread = sources.index[[isinstance(digest, OSError) for digest in found]]
    set_aside(frame, frame.index.isin(unread), QUARANTINED, "unreadable")


def _inside(root: Path) -> Callable[[str], bool]:
    """Whether a path, with its links followed, lies below `root`."""
    top = os.path.join(os.path.realpath(root), "")
    # Asked once a folder: a cohort has a file or more in each.
    folder_of = lru_cache(maxsize=None)(os.path.realpath)

    def inside(source: str) -> bool:
        path = os.path.join(root, source)
        if os.path.islink(path):
            return os.path.realpath(path).startswith(top)
        return os.path.join(folder_of(os.path.dirname(path)), "").startswith(top)

    return inside


def fill_shard(
    index: pd.DataFrame,
    root: Path,
    path: Path,
    attrs: dict[str, str],
    decode: Callable[[bytes], np.ndarray],
) -> pd.DataFrame:
    """Decode the usable rows of one shard into an HDF5 file.

    Each file is read once: the bytes that are decoded are the bytes that are hashed.

    Args:
        index: the index rows of this shard.
        root: folder `source` is relative to.
        path: HDF5 file to write.
        attrs: attributes of the file.
        decode: bytes to an image (H, W); may raise UnusableImage.

    Returns:
        The manifest of the usable rows: used with their `row` in the shard, or quarantined or
        excluded with `reason` and `detail`.
    """
    rows = []
    with ShardWriter(path, attrs) as writer:
        for item in index[index["status"] == USED].to_dict("records"):
            try:
                data = read_unchanged(root / item["source"], item["source_sha256"])
                item["row"] = writer.append(decode(data)[..., None], item["item_id"])
            except UnusableImage as error:
                item |= {"status": error.status, "reason": error.reason, "detail": error.detail}
            rows.append(item)
    log.info("%d of %d images", sum(row["status"] == USED for row in rows), len(rows))
    return manifest(rows)


def read_unchanged(path: Path, sha256: str) -> bytes:
    """The bytes of a file, if they are still those the index hashed.

    Raises:
        UnusableImage: missing_file, unreadable, changed_since_index.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
    if digest_bytes(data) != sha256:
        raise UnusableImage("changed_since_index")
    return data
