"""Wall time of the last demo by stage, as share of the ten minutes it may take."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

LIMIT_S = 600
BENCHMARKS = Path("results/benchmarks")


def rows():
    files = sorted(BENCHMARKS.glob("**/*.tsv"))
    if not files:
        raise SystemExit("no demo has run here: call `make demo` first")
    seconds: dict[str, float] = {}
    for file in files:
        stage = file.relative_to(BENCHMARKS).with_suffix("").parts[0]
        seconds[stage] = seconds.get(stage, 0) + pd.read_csv(file, sep="\t")["s"].sum()
    for stage, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        yield {
            "name": f"demo, stage {stage}",
            "unit": "s",
            "ours": spent,
            "peer": LIMIT_S,
            "ratio": spent / LIMIT_S,
            "goal": "all stages together <= 1 per core",
        }
