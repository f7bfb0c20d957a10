"""Withdrawal and the gate before evaluation at the size of MIMIC-CXR, against their limits.

The ledger has 100,000 jobs: 1,000 studies on 100 cohorts of 1,000,000 items each. The patient is in
one cohort, as good as in all the others: their people manifest is one file under 99 names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from medsynth.cohorts.overlap import training_overlap, training_patients
from medsynth.commands.lineage import impact
from medsynth.lineage.ledger import people
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool

ITEMS, PATIENTS, MANIFESTS, JOBS, ROUNDS = 1_000_000, 65_379, 100, 100_000, 3


def _digest(*keys: object) -> str:
    return hashlib.sha256("/".join(map(str, keys)).encode()).hexdigest()


def _items() -> pd.DataFrame:
    patients = np.random.default_rng(0).integers(PATIENTS, size=ITEMS)
    return pd.DataFrame(
        {
            "patient": np.char.add("1", np.char.zfill(patients.astype(str), 7)),
            "source_sha256": [_digest("item", i) for i in range(ITEMS)],
            "split": np.where(patients % 5 == 0, "test", "train"),
        }
    )


def _file(path: str) -> spool.Record:
    return {"name": "table", "path": path, "sha256": _digest(path), "bytes": 1}


def _write_ledger(results: Path) -> None:
    """Every study: an index, a manifest, a training, samples; then evaluations of them."""
    spool.lineage_dir(results).mkdir(parents=True)
    ledger = Ledger(ledger_path(results))
    flow = {"kind": "invocation", "phase": "start", "id": "flow", "time": 0.0, "arguments": []}
    flow |= {"workdir": str(results.parent), "results": str(results), "config": {}}
    with ledger.transaction():
        ledger.append(flow)
        for number in range(JOBS):
            study, step = divmod(number, 100)
            made = f"results/{study}/{step}"
            made += ".json"
            # The first step of ten studies makes the same table.
            made = made if step else f"results/cohorts/{study % MANIFESTS}.parquet"
            read = [] if not step else [_file(f"results/{study}/{step - 1}.json")]
            read = [_file(f"results/cohorts/{study % MANIFESTS}.parquet")] if step == 1 else read
            job = {"kind": "job", "id": _digest("job", number), "invocation": "flow"}
            start = {"phase": "start", "rule": "step", "time": number, "inputs": read}
            end = {"phase": "end", "status": "COMPLETE", "time": number, "outputs": [_file(made)]}
            ledger.append(job | start)
            ledger.append(job | end)
    ledger.close()


def _write_people(results: Path, items: pd.DataFrame, patient: str) -> None:
    folder, secret = people.people_dir(results), people.local_secret(results)
    paths = [
        folder / f"{_digest(f'results/cohorts/{i}.parquet')}.parquet" for i in range(MANIFESTS)
    ]
    people.write_people(items, secret, paths[0])
    people.write_people(items[items["patient"] != patient], secret, paths[1])
    for path in paths[2:]:
        os.link(paths[1], path)


def _seconds(call) -> float:
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return median(spent)


def _row(name: str, seconds: float, limit: float) -> dict:
    row = {"name": name, "unit": "s", "ours": seconds, "peer": limit, "ratio": seconds / limit}
    return row | {"goal": f"< 1 (limit {limit:g} s)"}


def rows():
    items = _items()
    patient = items["patient"].iloc[0]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        _write_ledger(results)
        _write_people(results, items, patient)
        key = people.patient_key(people.local_secret(results), patient)
        found = people.holders(results, key)
        assert len(found) == 1
        yield _row(
            "one patient in 100 people manifests of 1e6 items",
            _seconds(lambda: people.holders(results, key)),
            2,
        )
        yield _row(
            "impact, 1e5 jobs and 100 manifests of 1e6 items",
            _seconds(lambda: impact.answer(results, patient)),
            2,
        )
    trained = training_patients(items[items["split"] == "train"], "model")
    real = items[items["split"] == "test"]
    yield _row(
        "overlap gate, 1e6 items", _seconds(lambda: training_overlap(real, trained, "model")), 5
    )
