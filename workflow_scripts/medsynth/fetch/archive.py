"""What the frame of a download needs to know of an archive, and the frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from medsynth.fetch.batch import fetch_all
from medsynth.fetch.connection import Connection
from medsynth.fetch.downloads import Wanted, fetch_file, inside
from medsynth.store.digest_cache import DigestCache

log = logging.getLogger(__name__)


class Archive:
    """An archive; its module names the class ARCHIVE, and that of its settings SETTINGS.

    Args:
        destination: folder of the files.
        connection: to the archive.
    """

    def __init__(self, destination: Path, connection: Connection):
        self.destination, self.connection = destination, connection

    def wanted(self) -> list[Wanted]:
        """What the settings ask for and the archive has.

        Raises:
            FetchError: a list cannot be read or names nothing.
        """
        raise NotImplementedError

    def fetch(self, item: Wanted, cache: DigestCache) -> list[tuple[Wanted, Path]]:
        """Have one of them, verified; the files that it became, with where they lie.

        Raises:
            UnusableFile: it cannot be had.
            FetchError: access denied.
        """
        path = inside(self.destination, item.path)
        fetch_file(item, path, self.connection, cache)
        return [(item, path)]

    def finish(self, wanted: Sequence[Wanted]) -> None:
        """Write what the archive tells of the files beside them."""


def fetch(
    archive: Archive, cache: DigestCache, *, listing: str, threads: int, max_quarantined: float
) -> pd.DataFrame:
    """Fetch all that is wanted of an archive.

    Args:
        listing: name of the list for people, in the destination.

    Returns:
        The receipts (:func:`medsynth.fetch.batch.fetch_all`).

    Raises:
        FetchError: nothing is wanted, a path leads out of the destination, credentials are missing
            or refused, or too much cannot be had.
    """
    wanted = archive.wanted()
    log.info("%d wanted", len(wanted))
    for item in wanted:
        inside(archive.destination, item.path)  # before anything is written
    receipts = fetch_all(
        wanted,
        lambda item: archive.fetch(item, cache),
        listing=archive.destination / listing,
        threads=threads,
        max_quarantined=max_quarantined,
    )
    archive.finish(wanted)
    return receipts
