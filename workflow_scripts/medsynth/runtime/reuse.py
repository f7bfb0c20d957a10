"""Jobs that take long are done once: asked for the same again, they copy what they made before.

Going back to settings that were trained before, or passing a gate again, then costs a copy.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from medsynth.runtime.run_info import report
from medsynth.store.atomic import remove_folder, replacing, write_json
from medsynth.store.digests import digest_file, digest_json

log = logging.getLogger(__name__)

INDEX = "outputs.json"
FICLONE = 0x40049409  # of ioctl(2): the copy shares its blocks, where the file system can
FORCED = "MEDSYNTH_FORCED"  # environment variable: JSON list of rules and outputs to run anyway
EVERYTHING = "*"


def make_once(snakemake: Any, identity: Iterable[Any], make: Callable[[], None]) -> None:
    """Make the job's outputs, or copy them back from where they were kept.

    A job that the user forces is always run.

    Args:
        snakemake: of the script; its params hold kept: {"folder": …, "gib": …}.
        identity: what the outputs depend on, see :class:`Kept`.
        make: writes all outputs.
    """
    outputs, place = dict(snakemake.output.items()), snakemake.params.kept
    named = (place["folder"], snakemake.wildcards.experiment)
    kept = Kept(*named, (snakemake.rule, *identity), int(place["gib"] * 2**30))
    if not is_forced(snakemake.rule, outputs.values()) and kept.restore(outputs):
        report({"reused": True})
        return
    make()
    kept.keep(outputs)


def is_forced(rule: str, outputs: Iterable[str]) -> bool:
    """Whether the user told Snakemake to run this job whatever is there."""
    forced = set(json.loads(os.environ.get(FORCED, "[]")))
    return not forced.isdisjoint({EVERYTHING, rule, *outputs})


def hand_over_forced(settings: Any) -> None:
    """Tell the jobs, which inherit the environment, what the user forces.

    Args:
        settings: of Snakemake's main process: forceall, forcetargets, targets, forcerun.
    """
    forced = [*map(str, settings.forcerun)]
    forced += [EVERYTHING] if settings.forceall else []
    # Without a target the first rule is forced, which makes nothing.
    forced += map(str, settings.targets) if settings.forcetargets else []
    os.environ[FORCED] = json.dumps(sorted(forced))


class Kept:
    """The kept outputs of one job.

    Args:
        root: folder of all kept outputs.
        name: of the job, for people.
        identity: settings, seed, digests of inputs and code; anything JSON can hold. Gates and
            paths are no part of it.
        limit: bytes that all kept outputs together may take; 0 keeps none.
    """

    def __init__(self, root: Path | str, name: str, identity: Iterable[Any], limit: int) -> None:
        self._root, self._limit = Path(root), limit
        self._folder = self._root / f"{name}-{digest_json(*identity)[:16]}"

    def restore(self, outputs: Mapping[str, str]) -> bool:
        """Copy what is kept to where the outputs belong; False where nothing whole is kept.

        Args:
            outputs: paths by name.
        """
        index = self._folder / INDEX
        if not index.exists():
            return False
        digests = json.loads(index.read_text())
        if set(digests) != set(outputs):
            return False
        if not all(self._is_whole(path, digests[name]) for name, path in outputs.items()):
            log.warning("%s is damaged; its outputs are made again", self._folder)
            remove_folder(self._folder)
            return False
        for path in outputs.values():
            with replacing(path) as temporary:
                _copy(self._copy_of(path), temporary)
        os.utime(self._folder)
        log.info("the same was made before: copied back from %s", self._folder)
        return True

    def _copy_of(self, output: str) -> Path:
        return self._folder / Path(output).name

    def _is_whole(self, output: str, digest: str) -> bool:
        copy = self._copy_of(output)
        return copy.exists() and digest_file(copy) == digest

    def keep(self, outputs: Mapping[str, str]) -> None:
        """Keep a copy of the outputs, and remove the oldest of all that exceed the limit."""
        size = sum(Path(path).stat().st_size for path in outputs.values())
        if size > self._limit or self._folder.exists():
            return
        self._root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self._root, prefix=".new-"))
        for path in outputs.values():
            _copy(Path(path), temporary / Path(path).name)
        write_json({name: digest_file(path) for name, path in outputs.items()}, temporary / INDEX)
        try:
            temporary.rename(self._folder)
        except OSError:  # another process was faster
            shutil.rmtree(temporary)
        _make_room(self._root, self._limit)


def _copy(source: Path, target: Path) -> None:
    with open(source, "rb") as there, open(target, "wb") as here:
        try:
            fcntl.ioctl(here, FICLONE, there.fileno())
        except OSError:
            shutil.copyfileobj(there, here, 2**20)


def _make_room(root: Path, limit: int) -> None:
    """Remove the oldest; another job that ends just now may do so, too."""
    found = []
    for index in root.glob(f"[!.]*/{INDEX}"):
        with suppress(FileNotFoundError):
            folder = index.parent
            size = sum(file.stat().st_size for file in folder.iterdir())
            found.append((folder.stat().st_mtime, size, folder))
    total = 0
    for _, size, folder in sorted(found, reverse=True):
        total += size
        if total > limit:
            with suppress(FileNotFoundError):
                remove_folder(folder)
