"""What the page was built from, by content: where each file lies and its digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file


def artifact_rows(
    files: Iterable[Any], shown: Callable[[Path], str], cache: DigestCache | None
) -> list[dict[str, str]]:
    """Path and digest of every file that a field of the dataclasses `files` name.

    Args:
        shown: how a path is written.
        cache: digests already known, so that large files need not be read again.
    """
    return [
        {"path": shown(path), "sha256": digest_file(path, cache)}
        for group in files
        for field in fields(group)
        for path in _paths(getattr(group, field.name))
    ]


def _paths(value: Any) -> Iterator[Path]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Path):
            yield each
