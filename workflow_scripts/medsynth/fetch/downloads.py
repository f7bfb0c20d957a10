"""One file: fetched so that a kill costs seconds, and verified before it has its name.

Bytes grow in ``<name>.part`` beside the file. The next call goes on at its end (HTTP Range, RFC
9110 14), and the file is renamed only when size and checksum are those that the archive lists.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath

import requests

from medsynth.fetch.connection import (
    Connection,
    FetchError,
    Interrupted,
    UnusableFile,
    interruptions,
    patiently,
)
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_bytes

CHUNK = 1 << 20


@dataclass(frozen=True)
class Wanted:
    """A file that the archive lists.

    Attributes:
        path: where it goes, below the destination, with slashes.
        url: where it comes from.
        algorithm, checksum: e.g. "md5" and lower-case hex digits; null where none is listed.
        size: bytes; null where it is not listed.
    """

    path: str
    url: str
    algorithm: str | None = None
    checksum: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """What logs and receipts call it, because paths name patients."""
        return digest_bytes(self.path.encode())[:12]


def inside(destination: Path, path: str) -> Path:
    """`path` below the destination.

    Raises:
        FetchError: it would lie outside, or cannot be a path.
    """
    parts = PurePosixPath(path).parts
    plain = path.isprintable() and "\\" not in path and not path.startswith("/")
    steps = list(accumulate(parts, os.path.join, initial=str(destination)))
    if (
        not (parts and plain)
        or ".." in parts
        # The slow question only where a link lies on the way.
        or any(map(os.path.islink, steps[1:]))
        and not Path(steps[-1]).resolve().is_relative_to(destination.resolve())
    ):
        raise FetchError(
            f"the archive's list has a path that leads out of {destination}; get the list again"
            " from the archive itself, and remove links from the folder"
        )
    return Path(steps[-1])


def is_complete(path: Path, wanted: Wanted, cache: DigestCache) -> bool:
    """Whether the file is there with the listed size and checksum; known ones are not read."""
    if not path.is_file():
        return False
    stat = path.stat()
    if known := cache.get(_key(path, wanted), stat):
        return known == wanted.checksum and wanted.size in (None, stat.st_size)
    if not is_right(path, wanted):
        return False
    remember(path, wanted, cache)
    return True


def is_right(path: Path, wanted: Wanted) -> bool:
    """Whether the bytes on the disk have the listed size and checksum."""
    if wanted.size not in (None, path.stat().st_size):
        return False
    assert wanted.algorithm  # what has none, a ZIP of the TCIA, is not kept
    with open(path, "rb") as file:
        return hashlib.file_digest(file, wanted.algorithm).hexdigest() == wanted.checksum


def remember(path: Path, wanted: Wanted, cache: DigestCache) -> None:
    """Note that the file, as it is now, has the listed checksum."""
    assert wanted.checksum  # it was compared
    cache.put(_key(path, wanted), path.stat(), wanted.checksum)


def _key(path: Path, wanted: Wanted) -> str:
    # The workflow's cache is of sha256: what is verified here, the index need not read again.
    absolute = os.path.abspath(path)
    return absolute if wanted.algorithm == "sha256" else f"{wanted.algorithm}:{absolute}"


def fetch_file(wanted: Wanted, path: Path, connection: Connection, cache: DigestCache) -> None:
    """Have the file at `path`, verified; nothing is asked of the archive if it is there.

    Raises:
        UnusableFile: not_found, refused, unavailable, or wrong_checksum even from the start.
        FetchError: access denied.
        OSError: the disk is full, or the destination cannot be written.
    """
    if is_complete(path, wanted, cache):
        return
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        # A half that another program left goes on, too; a wrong one must not keep the name.
        path.replace(part)
    for _ in range(2):
        save(wanted, part, connection)
        if is_right(part, wanted):
            part.replace(path)
            remember(path, wanted, cache)
            return
        part.unlink()
    raise UnusableFile("wrong_checksum")


def save(wanted: Wanted, part: Path, connection: Connection) -> None:
    """Fetch what `part` still lacks, and sync it.

    Raises:
        UnusableFile: not_found, refused, unavailable.
        FetchError: access denied.
        OSError: the disk is full, or the destination cannot be written.
    """

    def size() -> int:
        return part.stat().st_size if part.exists() else 0

    def attempt() -> None:
        offset = size()
        if wanted.size is not None and offset > wanted.size:
            part.unlink()
            offset = 0
        if offset == wanted.size:
            return
        with connection.request(wanted.url, offset=offset) as response:
            _append(response, part, offset)
        if wanted.size is not None and size() < wanted.size:
            raise Interrupted("too few bytes")

    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    patiently(attempt, size)
    with open(part, "rb") as file:
        os.fsync(file.fileno())


def _append(response: requests.Response, part: Path, offset: int) -> None:
    """Write the body at the end of `part`, or at its beginning if it is the whole file."""
    if response.status_code == 416:
        # There is nothing at or beyond the offset: it was all there, or was never right.
        if response.headers.get("Content-Range", "").removeprefix("bytes */") != str(offset):
            os.truncate(part, 0)
            raise Interrupted("status 416")
        return
    starts = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if response.status_code == 206 and (starts is None or int(starts[1]) != offset):
        os.truncate(part, 0)
        raise Interrupted("another range than asked for")
    with open(part, "ab" if response.status_code == 206 else "wb") as file:
        while True:
            with interruptions():
                # As it was sent: what a server calls Content-Encoding may be the file's own gzip.
                data = response.raw.read(CHUNK, decode_content=False)
            if not data:
                return
            file.write(data)
