"""Many files at once: threads, progress, what could not be had, and the receipts."""

from __future__ import annotations

import csv
import errno
import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.fetch.connection import FetchError, UnusableFile
from medsynth.fetch.downloads import Wanted
from medsynth.fetch.wording import REASONS
from medsynth.store.atomic import replacing
from medsynth.store.manifests import QUARANTINED, USED

log = logging.getLogger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT}
SAY_EVERY = 30.0  # seconds
# So many in a row without an answer are no longer the files' fault.
UNAVAILABLE_IN_A_ROW = 10
DTYPES = {
    "name": "str",
    "bytes": "Int64",
    "algorithm": "str",
    "checksum": "str",
    "status": "str",
    "reason": "str",
}

Row = dict[str, Any]
# Fetches one wanted thing and returns the files that it became, with where they lie.
One = Callable[[Wanted], list[tuple[Wanted, Path]]]


class _Batch:
    def __init__(self, wanted: Sequence[Wanted], one: One, folder: Path) -> None:
        self.rows: list[Row] = []
        self.error: BaseException | None = None
        self._total = len(wanted)
        self._waiting = iter(wanted)
        self._one = one
        self._folder = folder
        self._lock = threading.Lock()
        self._done = self._bytes = self._in_a_row = 0
        self._reported = self._began = time.monotonic()

    def _next(self) -> Wanted | None:
        with self._lock:
            return None if self.error else next(self._waiting, None)

    def work(self) -> None:
        """Fetch until nothing is left; the first fatal error ends all threads' work."""
        while item := self._next():
            try:
                self._finish([_row(file, path.stat().st_size) for file, path in self._one(item)])
            except UnusableFile as error:
                log.warning("%s: %s", item.name, error)
                self._finish([_row(item, None, error.reason)])
            except OSError as error:
                self._stop(_explained(error, self._folder))
            except BaseException as error:
                self._stop(error)

    def _stop(self, error: BaseException) -> None:
        with self._lock:
            self.error = self.error or error

    def _finish(self, rows: list[Row]) -> None:
        with self._lock:
            self.rows += rows
            self._done += 1
            self._bytes += sum(row["bytes"] or 0 for row in rows)
            away = any(row["reason"] == "unavailable" for row in rows)
            self._in_a_row = self._in_a_row + 1 if away else 0
            if self._in_a_row >= UNAVAILABLE_IN_A_ROW:
                self.error = self.error or FetchError(
                    f"the archive left {self._in_a_row} files in a row without an answer; look"
                    " whether it is in service, and call snakemake again: what is there stays"
                )
            now = time.monotonic()
            if now - self._reported >= SAY_EVERY or self._done == self._total:
                self._reported = now
                # Files that were there already count too, at the speed they are verified.
                speed = self._bytes / 2**20 / max(now - self._began, 1e-3)
                log.info(
                    "%d of %d, %.2f GiB, %.1f MiB/s",
                    *(self._done, self._total, self._bytes / 2**30, speed),
                )


def fetch_all(
    wanted: Sequence[Wanted],
    one: One,
    *,
    listing: Path,
    threads: int,
    max_quarantined: float,
) -> pd.DataFrame:
    """Fetch everything, several at once.

    Args:
        wanted: what the archive lists.
        one: fetches one of them; may raise UnusableFile.
        listing: TSV file to write for people: path, bytes, algorithm, checksum, status, reason.
        max_quarantined: largest share of `wanted` that may be unusable.

    Returns:
        The receipts, sorted by name: name (the first 12 hex digits of the sha256 of the path),
        bytes, algorithm, checksum, status (used or quarantined) and reason. No paths: they name
        patients, and the receipts stay when a patient's files go.

    Raises:
        FetchError: too many unusable, no room, or what `one` raised.
    """
    _check_room(wanted, listing.parent)
    batch = _Batch(wanted, one, listing.parent)
    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(batch.work) for _ in range(threads)]
        try:
            wait(workers)
        except BaseException as error:  # Ctrl-C: each thread only ends its file
            batch.error = error
            raise
    rows = sorted(batch.rows, key=lambda row: row["path"])
    if batch.error:
        raise batch.error
    _write_listing(rows, listing)
    _check_share(rows, len(wanted), max_quarantined, listing)
    frame = pd.DataFrame(rows).reindex(columns=[*DTYPES]).astype(DTYPES)
    return frame.sort_values("name", ignore_index=True)


def _row(file: Wanted, size: int | None, reason: str | None = None) -> Row:
    return {
        "path": file.path,
        "bytes": size,
        "algorithm": file.algorithm,
        "checksum": file.checksum,
        "status": QUARANTINED if reason else USED,
        "reason": reason,
        "name": file.name,
    }


def _explained(error: OSError, folder: Path) -> FetchError:
    """What to do about a disk; without the path, which may name a patient."""
    if error.errno in FULL:
        free = shutil.disk_usage(folder).free / 2**30
        message = f"the disk of {folder} is full ({free:.1f} GiB free); make room"
    else:
        kind = f"{type(error).__name__}: {error.strerror}"
        message = f"a file in {folder} cannot be read or written ({kind}); correct that"
    return FetchError(f"{message} and call snakemake again, it goes on from here")


def _check_room(wanted: Sequence[Wanted], folder: Path) -> None:
    missing = sum(w.size or 0 for w in wanted if not (folder / w.path).exists())
    parts = sum(p.stat().st_size for w in wanted if (p := folder / f"{w.path}.part").exists())
    free = shutil.disk_usage(folder).free
    if missing - parts > free:
        raise FetchError(
            f"{folder} has {free / 2**30:.1f} GiB free, and {(missing - parts) / 2**30:.1f} GiB are"
            " to come; make room, or narrow the selection"
        )


def _write_listing(rows: list[Row], listing: Path) -> None:
    columns = ["path", *[c for c in DTYPES if c != "name"]]
    with replacing(listing) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(
            file, columns, delimiter="\t", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)


def _check_share(rows: list[Row], wanted: int, limit: float, listing: Path) -> None:
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    bad = sum(reasons.values())
    if bad > limit * wanted:
        lines = "\n".join(f"  {n} {r}: {REASONS[r]}" for r, n in reasons.most_common())
        raise FetchError(
            f"{bad} of {wanted} cannot be had (allowed are {100 * limit:.3g}%):\n{lines}\n{listing}"
            " names them. Call snakemake again to try these alone, or raise max_quarantined."
        )
