"""What lies below a folder, and whether it was touched.

Standard library only: the lineage capture imports this in every job.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path


def stat_key(found: os.stat_result) -> list[int]:
    """What cannot all stay the same when a file is changed, replaced or renamed over."""
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def state_of(path: str | Path, without: Collection[str] = ()) -> str | None:
    """What tells, without reading, that a file or a folder has not been touched; None: not there.

    It changes with names, sizes, times and inodes, so that bytes that were put back count, too.

    Args:
        without: absolute paths of files and folders below `path` that may change.
    """
    if not os.path.exists(path):
        return None
    below = sorted(files_below(path, without)) if os.path.isdir(path) else [""]
    lines = []
    for name in below:
        try:
            lines.append(f"{name}, {stat_key(os.stat(f'{path}/{name}' if name else path))}")
        except OSError as error:  # it has just gone
            lines.append(f"{name}, {error.errno}")
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()


def files_below(folder: str | Path, without: Collection[str] = ()) -> Iterator[str]:
    """Paths of the content relative to `folder`, also behind links, unless these lead in a circle.

    Args:
        without: absolute paths that are left out, with all below them.
    """
    # Strings, no Path objects: a cohort has 377,110 files in 300,000 folders.
    top = os.path.abspath(folder)
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (os.path.realpath(top),))]
    while waiting:
        below, around = waiting.pop()
        with suppress(PermissionError), os.scandir(os.path.join(top, below)) as entries:
            for entry in entries:
                if without and os.path.join(top, below, entry.name) in without:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{below}{entry.name}/", around))
                elif entry.is_symlink() and entry.is_dir():
                    real = os.path.realpath(entry.path)
                    inside = (*around, os.path.realpath(os.path.dirname(entry.path)))
                    if not any(f"{place}/".startswith(f"{real}/") for place in inside):
                        waiting.append((f"{below}{entry.name}/", (*inside, real)))
                elif entry.name != ".snakemake_timestamp" and entry.is_file():
                    yield f"{below}{entry.name}"
