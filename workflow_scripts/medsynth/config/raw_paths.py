"""Where raw data lies: paths that must exist, apart from what the workflow writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from medsynth.config.mistakes import Mistake
from medsynth.config.valid_parts import ValidParts
from medsynth.fetch.settings import fills, listing_of
from medsynth.store.errors import refusal
from medsynth.store.tables.spelling import did_you_mean

DEMO = "demo"  # below the results
DATASETS = ("mimic-cxr", "tcga-slides", "tcga-genomics", "tcga-ct", "tcga-ct-truth")
MOST_NAMES = 1000  # of a folder, among which a misspelt one is sought
UNSET = re.compile(r"\$\{?([A-Za-z_]\w*)")


def inside(path: Path, folder: Path) -> Path | None:
    """`path` relative to `folder`, if it lies there as it is written or by links."""
    for spelled in (os.path.abspath, os.path.realpath):
        if Path(spelled(path)).is_relative_to(spelled(folder)):
            return Path(spelled(path)).relative_to(spelled(folder))
    return None


def demo_dataset(results_dir: Path, path: Path) -> str | None:
    """The data set of the demo in which a raw path lies."""
    below = inside(path, results_dir / DEMO)
    return below.parts[0] if below and below.parts else None


def path_mistakes(config: ValidParts) -> Iterator[Mistake]:
    """Every raw path that is missing, or lies where the workflow writes."""
    yield from _of_fetch(config)
    named = {name: cohort.raw_paths() for name, cohort in config.cohorts.items()}
    named |= {name: {"root": [root]} for name, root in config.roots.items()}
    for name, keys in named.items():
        for key, paths in keys.items():
            place = f"cohorts.{name}.{key}"
            for path in paths if config.is_valid(place.split()[0]) else ():
                try:
                    fault = _fault(path, key, config)
                except OSError as error:
                    fault = refusal(error)
                if fault:
                    yield Mistake(place, fault)


def raw_paths(config: Any) -> list[Path]:
    """Every raw path that the configuration names, published tables and downloads among them.

    What lies below one of them, it does not name.

    Args:
        config: the checked configuration.
    """
    paths = [config.results_dir / DEMO / name for name in DATASETS]
    for cohort in config.cohorts.values():
        paths += [path for found in cohort.raw_paths().values() for path in found]
        paths += cohort.optional_paths()
    for name, download in config.fetch.items():
        manifest = getattr(download, "manifest", None)
        paths += [download.destination, download.destination / listing_of(name)]
        paths += [manifest] if manifest else []
    return paths


def unset_variable(path: Path) -> str | None:
    """What to do about a variable of a path that is not set."""
    unset = [name for name in UNSET.findall(str(path)) if name not in os.environ]
    if not unset:
        return None
    return (
        f"{path}: the environment variable {unset[0]} is not set; set it before the call, as in"
        f" export {unset[0]}=/path/to/the/data, or write the path itself"
    )


def _fault(path: Path, key: str, config: ValidParts) -> str | None:
    if fault := _misplaced(path, key, config):
        return fault
    made = config.demo and demo_dataset(config.results_dir, path)
    if key == "root" and path.exists() and not path.is_dir():
        return f"{path} is a file; name the folder of the files"
    if made or any(fills(download, path) for download in config.fetch.values()) or path.exists():
        return None
    if hint := _of_demo_elsewhere(path, config):
        return f"{path} does not exist; {hint}"
    return unset_variable(path) or f"{path} does not exist; {_nearest(path)}"


def _nearest(path: Path) -> str:
    """What to do about a missing path: where it ends, and what is called nearly so there."""
    there = next((p for p in path.absolute().parents if p.is_dir()), Path("/"))
    lost = path.absolute().relative_to(there).parts[0]
    try:
        names = [entry.name for entry in islice(os.scandir(there), MOST_NAMES)]
    except PermissionError:
        names = []
    # A name with other numbers may be a patient's.
    alike = [name for name in names if re.findall(r"\d+", name) == re.findall(r"\d+", lost)]
    near = did_you_mean(lost, alike)
    return f"{there} has no {lost}: {near or 'correct the path or mount the data'}"


def _misplaced(path: Path, key: str, config: ValidParts) -> str | None:
    results = config.results_dir
    below = inside(path, results / DEMO)
    if below is None:
        if hint := _of_demo_elsewhere(path, config):
            return f"{path} lies in results_dir; {hint}" if inside(path, results) else None
        if inside(results, path) is not None:
            return f"{path} holds results_dir, into which the workflow writes; keep them apart"
        if inside(path, results) is not None:
            return f"{path} lies in results_dir, into which the workflow writes; keep it outside"
        return None
    if not config.demo:
        return None  # made earlier
    of_demo = f"the demo makes {', '.join(str(results / DEMO / name) for name in DATASETS)}"
    if not below.parts or below.parts[0] not in DATASETS:
        return f"{path} is no data set; {of_demo}"
    if key == "root" and len(below.parts) > 1:
        return f"{path} is inside of a data set; give {results / DEMO / below.parts[0]} itself"
    return None


def _of_demo_elsewhere(path: Path, config: ValidParts) -> str | None:
    """What to write instead of a path of the demo that is not below these results."""
    for dataset in DATASETS:
        head, named, tail = path.as_posix().partition(f"{DEMO}/{dataset}")
        if named and (not tail or tail[0] == "/"):
            made = config.results_dir / DEMO / (dataset + tail)
            without = "" if config.demo else ", if there is a group demo:"
            return f"the demo makes {made}{without}"
    return None


def _of_fetch(config: ValidParts) -> Iterator[Mistake]:
    for name, download in config.fetch.items():
        place = f"fetch.{name}.destination"
        if fault := _misplaced(download.destination, "destination", config):
            yield Mistake(place, fault)
        elif not download.destination.is_dir():
            # Made here, it could be a mistyped path or a disk that is not mounted.
            yield Mistake(place, f"{download.destination}: make this folder")
        manifest = getattr(download, "manifest", None)
        if manifest and not manifest.is_file():
            yield Mistake(f"fetch.{name}.manifest", f"{manifest} does not exist")
        for cohort, settings in config.cohorts.items():
            root = settings.root.absolute()
            if fills(download, root) and root != download.destination.absolute():
                text = f"{root} is inside of fetch.{name}.destination; give the destination itself"
                yield Mistake(f"cohorts.{cohort}.root", text)
