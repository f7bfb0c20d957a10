"""The benchmark harness: ``python -m tests.benchmarks [NAME ...]``, or ``make bench``.

Every module here named bench_*.py has ``rows()``, which yields rows of name, unit, ours, peer,
ratio (ours / peer) and goal. Ours and the peer (another tool, or the physical limit) are measured
in turn within one run, since machines drift; medians are kept. A row replaces the one of the same
name in results/benchmarks.json.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from pathlib import Path

from medsynth.store.atomic import write_json

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "results" / "benchmarks.json"


def machine() -> dict[str, str | int | None]:
    """What the figures were measured on; no host name."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def main(names: list[str]) -> None:
    known = json.loads(TARGET.read_text()) if TARGET.exists() else []
    table = {row["name"]: row for row in known}
    for file in sorted(HERE.glob("bench_*.py")):
        if names and file.stem.removeprefix("bench_") not in names:
            continue
        for row in importlib.import_module(f"tests.benchmarks.{file.stem}").rows():
            table[row["name"]] = row | {"machine": machine()}
            line = "{name:40} {ours:10.4g} {peer:10.4g} {unit:8} ratio {ratio:.3f}, goal {goal}"
            print(line.format(**row))
            write_json(list(table.values()), TARGET)


if __name__ == "__main__":
    main(sys.argv[1:])
