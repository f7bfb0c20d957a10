"""Publishing files whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# mkstemp makes private files; published ones follow the user's own mask. It can only be read by
# setting it, which threads must not do: once, at import.
_MASK = os.umask(0)
os.umask(_MASK)
PUBLIC_MODE = 0o666 & ~_MASK
# How `replacing` calls its files.
TEMPORARY = re.compile(
    r"\.[^/]+-[a-z0-9_]+"
    r"\.(h5|pt|npy|parquet|json|csv|tsv|png|html|safetensors|gz|nii|db|diff|svg|md|bib)"
)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and takes its place.

    A reader sees the old file or the new one, never a half; after an error nothing is left.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(PUBLIC_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: str | Path, skipped: Collection[str] = ()) -> int:
    """Remove what killed writers left below `folder`; call it while nobody writes there.

    Args:
        skipped: names of folders in `folder` that are left as they are.

    Returns:
        How many files were removed.
    """
    swept = 0
    for place, folders, names in os.walk(folder):
        if Path(place) == Path(folder):
            folders[:] = [name for name in folders if name not in skipped]
        for name in filter(TEMPORARY.fullmatch, names):
            Path(place, name).unlink(missing_ok=True)
            swept += 1
    return swept


def remove_folder(folder: Path) -> None:
    """Remove a folder, which after a kill is there whole or not at all.

    What is left of it then has a dot before its name, see :func:`sweep_folders`.
    """
    gone = folder.with_name(f".{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)


def sweep_folders(folder: str | Path) -> None:
    """Remove what killed writers and removers left directly in `folder`, while nobody is there."""
    for left in Path(folder).glob(".*"):
        shutil.rmtree(left)


def write_text(text: str, path: str | Path) -> None:
    """Write UTF-8 whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON whole or not at all, indented for people, refusing NaN."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def publish(source: str | Path, path: str | Path) -> None:
    """Copy a finished file to where the workflow expects it."""
    with replacing(path) as temporary:
        shutil.copyfile(source, temporary)
