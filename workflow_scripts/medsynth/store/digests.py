"""sha256 identities of files and folders.

Standard library only: the lineage capture imports this in every job.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsynth.store.folders import files_below, stat_key

if TYPE_CHECKING:  # what hashes without a cache does not rest on it
    from medsynth.store.digest_cache import DigestCache

# One question and one transaction to the cache for so many files: 377,110 single ones cost a
# minute. A killed job loses no more than these.
_AT_ONCE = 64


def digest_bytes(data: bytes) -> str:
    """The sha256 of `data`, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_json(*values: Any) -> str:
    """The sha256 of JSON values, independent of the order of keys."""
    return digest_bytes(json.dumps(values, sort_keys=True).encode())


def digest_file(path: str | Path, cache: DigestCache | None = None) -> str:
    """The sha256 of a file's bytes, as 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    return _read(path, cache)[0]


def _read(path: str | Path, cache: DigestCache | None) -> tuple[str, int]:
    (found,) = digest_files([path], cache)
    if isinstance(found, OSError):
        raise found
    return found


def digest_files(
    paths: Iterable[str | Path], cache: DigestCache | None = None, threads: int = 1
) -> Iterator[tuple[str, int] | OSError]:
    """The sha256 and size in bytes of many files, in their order, whatever the threads.

    Args:
        paths: files; one that cannot be read gives its error instead of a digest.
        cache: known digests; those of files that held still while they were read are added.
        threads: files hashed at the same time; hashlib computes outside of the interpreter's lock.
    """
    absolute = map(os.path.abspath, paths)
    with ThreadPoolExecutor(threads) as pool:
        while some := list(islice(absolute, _AT_ONCE)):
            stats = dict(zip(some, pool.map(_or_error(_stat), some), strict=True))
            there = {p: s for p, s in stats.items() if not isinstance(s, OSError)}
            known: dict[str, Any] = cache.get_many(there) if cache else {}
            todo = [path for path in there if path not in known]
            settled = cache.settled({path: there[path] for path in todo}) if cache and todo else ()
            made = dict(zip(todo, pool.map(_or_error(_sha256), todo), strict=True))
            still = [path for path in settled if _is_still(path, there[path])]
            if cache and still:
                cache.put_many((p, there[p], made[p]) for p in still if isinstance(made[p], str))
            known |= made
            for path in some:
                found = known.get(path, stats[path])
                yield (found, there[path].st_size) if isinstance(found, str) else found


def _stat(path: str) -> os.stat_result:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
        raise OSError(f"{path} is not a regular file")
    return found


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_still(path: str, before: os.stat_result) -> bool:
    """Whether what was read is one state of the file, and that of `before`."""
    try:
        return stat_key(os.stat(path)) == stat_key(before)
    except OSError:
        return False


def _or_error(call: Callable[[str], Any]) -> Callable[[str], Any]:
    """`call`, giving an OSError back instead of raising it."""

    def guarded(path: str) -> Any:
        try:
            return call(path)
        except OSError as error:
            return error

    return guarded


def digest_path(
    path: str | Path, cache: DigestCache | None = None, threads: int = 1
) -> tuple[str, int]:
    """The identity and the size in bytes of a file or a folder.

    A folder's identity is the sha256 of its sorted ``path, size, sha256`` lines, so it depends on
    names and contents and on nothing else. Snakemake's own timestamp marker is not content. Raw
    folders may hold files that nobody can read: in their lines stands "unreadable".

    Raises:
        OSError: `path` is a file that cannot be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        return _read(path, cache)
    names = list(files_below(folder))
    lines, total = [], 0
    found = digest_files((os.path.join(folder, name) for name in names), cache, threads)
    for name, digest in zip(names, found, strict=True):
        sha256, size = ("unreadable", 0) if isinstance(digest, OSError) else digest
        total += size
        lines.append(f"{name}, {size}, {sha256}")
    return digest_bytes("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")), total
