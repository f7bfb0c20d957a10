"""Where an identifier, or a file with certain bytes, is left behind, whatever holds it.

Every file is searched as it lies on the disk and, where its form hides text, decoded as well
(:mod:`.decoding`). Searched are also names of files and folders, what links point to and extended
attributes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from medsynth.lineage.erasure.decoding import texts
from medsynth.lineage.erasure.searchable import is_prose
from medsynth.lineage.erasure.withdrawal import Remains
from medsynth.lineage.erasure.words import Words
from medsynth.store.digests import digest_bytes, digest_file


def remains(
    folder: Path,
    words: Iterable[str],
    digests: set[str],
    known: Callable[[Path], bool] | None = None,
    but: Iterable[str] = (),
    passed_over: Collection[Path] = (),
) -> list[Remains]:
    """Everything below `folder` that holds one of `words` or is, byte for byte, one of `digests`.

    Linked folders are searched, too, each once.

    Args:
        known: whether it is decided elsewhere whose a file is. Others whose content is no text
            may hold a person's pixels, which no search finds. Without it none is asked about.
        but: longer ids of other people, see :class:`Words`.
        passed_over: files that are not searched.

    Returns:
        Sorted by path; of what is unreadable nothing is proven, and nobody recorded what is
        unsearchable.
    """
    ids = Words(words, but=but, loose=True)
    found: list[Remains] = []
    for path in sorted(set(_below(folder)).difference(passed_over)):
        name = path.relative_to(folder.parent).as_posix()
        what = _found(path, name, ids, digests)
        if not what and known and path.is_file() and not known(path) and not is_prose(path):
            what = "unsearchable"
        if what:
            found.append({"path": name, "found": what})
    return found


def _below(folder: Path) -> Iterator[Path]:
    """All that lies below a folder, folders without a file and what cannot be opened included."""
    seen: set[tuple[int, int]] = set()
    closed: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        inode = os.stat(place)
        if (inode.st_dev, inode.st_ino) in seen:
            folders.clear()  # a link back
            continue
        seen.add((inode.st_dev, inode.st_ino))
        yield from (Path(place, name) for name in names)
        # A folder's name stands in the paths of what lies in it.
        yield from (p for name in folders if _tells_itself(p := Path(place, name)))
        if not folders and not names and Path(place) != folder:
            yield Path(place)
    yield from (Path(error.filename) for error in closed)


def _tells_itself(folder: Path) -> bool:
    return folder.is_symlink() or bool(os.listxattr(folder))


def _found(path: Path, name: str, ids: Words, digests: set[str]) -> str | None:
    if ids.search(os.fsencode(name)):
        return "id"
    try:
        if any(map(ids.search, _beside(path))):
            return "id"
        if path.is_dir():
            os.listdir(path)  # or it is not readable
        if not path.is_file():
            return None
        packed = set()
        for text in texts(path):
            if ids.search(text):
                return "id"
            packed.add(digest_bytes(text) if isinstance(text, bytes) else digest_file(path))
        return "bytes" if packed & digests else None
    except Exception:  # each form has errors of its own for what is damaged
        return "unreadable"


def _beside(path: Path) -> Iterator[bytes]:
    """What a file system keeps of a file besides its name and content."""
    if path.is_symlink():
        yield os.readlink(os.fsencode(path))
    if path.exists():
        for name in os.listxattr(path):
            yield os.fsencode(name) + b" " + os.getxattr(path, name)
