"""Raw files: found, hashed, and read only as they were hashed."""

from __future__ import annotations

import fnmatch
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_bytes, digest_files
from medsynth.store.manifests import QUARANTINED, USED
from medsynth.store.quarantine import CohortError, UnusableImage

log = logging.getLogger(__name__)

Decoded = TypeVar("Decoded")
Item = TypeVar("Item")

PROGRESS_S = 30  # seconds between two lines in the log


def matching_files(root: Path, pattern: str) -> list[Path]:
    """The files below `root` that the pattern matches, sorted.

    Raises:
        CohortError: there is none.
    """
    return [root / path for path in matching_paths(root, pattern)]


def matching_paths(root: Path, pattern: str) -> list[str]:
    """As :func:`matching_files`, their paths below `root` with / between the parts."""
    name = pattern.removeprefix("**/")
    if name and name != pattern and "/" not in name and name != "**":
        fits = re.compile(fnmatch.translate(name)).fullmatch
        found = (path for path in _files_below(root) if fits(path.rpartition("/")[2]))
    else:
        files = (file for file in root.glob(pattern) if file.is_file())
        found = (file.relative_to(root).as_posix() for file in files)
    if not (paths := sorted(found, key=lambda path: path.split("/"))):
        raise CohortError(f"{root}: no file matches {pattern!r}; correct root or index.pattern")
    return paths


def _files_below(root: Path) -> Iterator[str]:
    """What root.glob("**/*") finds, ten times as fast, which asks each file what it is."""
    top, folders = os.path.join(root, ""), [os.fspath(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as listed:
                entries = list(listed)
        except (PermissionError, FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False) or Path(entry.path).is_file():
                yield entry.path.removeprefix(top)


def evenly(items: Sequence[Item], most: int | None) -> list[Item]:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if most is None or len(items) <= most:
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in dict.fromkeys(places)]


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
    found, reported = [], time.monotonic()
    for digest in digest_files((root / source for source in sources), cache, threads):
        found.append(digest)
        if time.monotonic() - reported > PROGRESS_S:
            reported = time.monotonic()
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


def decode_unchanged(decode: Callable[[bytes], Decoded], path: Path, sha256: str) -> Decoded:
    """What `decode` makes of a file that :func:`read_unchanged` reads.

    As one function, so that the file's bytes need not be sent to the process that decodes them.
    """
    return decode(read_unchanged(path, sha256))


def read_unchanged(path: Path, sha256: str) -> bytes:
    """The bytes of a file, if they are still those the index hashed.

    Raises:
        UnusableImage: changed_since_index, and those of :func:`read_raw`.
    """
    data = read_raw(path)
    if digest_bytes(data) != sha256:
        raise UnusableImage("changed_since_index")
    return data


def read_raw(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        UnusableImage: missing_file, unreadable.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
