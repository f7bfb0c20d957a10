"""A small cohort of patients: images of two shades, a gene, an age, survival; some are missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from medsynth.cohorts.splits import split_patients
from medsynth.models.fusion.settings import FusionTraining
from medsynth.runtime.settings import Split
from medsynth.store.manifests import manifest
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table

QUICK = FusionTraining(
    steps=20, batch=12, lr=0.02, log_every=2, checkpoint_every=2, channels=4, features=4,
    images=3, drawn=1, validate_every=10,
)  # fmt: skip


def write_cohort(
    folder: Path, patients: int = 30, folds: int = 3, seed: int = 0
) -> SimpleNamespace:
    """Files of a rule's inputs; whoever is odd is of class b."""
    rng = np.random.default_rng(seed)
    of_b = np.arange(patients) % 2
    rows = []
    (folder / "shards").mkdir(parents=True)
    with ShardWriter(folder / "shards" / "0.h5", {"made_from": "x"}) as writer:
        for i in range(patients):
            for k in range(1 + i % 3):
                shade = 90 + 60 * of_b[i] + rng.normal(0, 40, (8, 8, 1))
                image = np.clip(shade, 0, 255).astype(np.uint8)
                item = {"item_id": f"p{i:02d}:{k}", "patient": f"p{i:02d}", "status": "used"}
                item |= {"label": "ab"[of_b[i]], "shard": 0, "source_sha256": f"{i}-{k}"}
                rows.append(
                    item | {"row": writer.append(image, item["item_id"]), "group": item["patient"]}
                )
    frame = manifest(rows)
    splits = split_patients(frame, Split(folds=folds), seed=1).set_index("patient")
    frame["split"] = frame["patient"].map(splits["split"])
    frame["fold"] = frame["patient"].map(splits["fold"]).astype("Int64")
    gene = np.where(rng.random(patients) < 0.25, 1 - of_b, of_b).astype(float)
    months = rng.exponential(np.exp(1 - of_b)) + 0.1
    described = pd.DataFrame(
        {
            "patient": [f"p{i:02d}" for i in range(patients)],
            "clinical:age": 50 + 8 * of_b + rng.normal(0, 10, patients),
            "genes:TP53_mut": gene,
            "genes:CIC_mut": np.ones(patients),
            "months": months,
            "event": pd.array(rng.random(patients) < 0.7, dtype="boolean"),
            "survival_reason": pd.Series([None] * patients, dtype="str"),
        }
    )
    described.loc[3, ["genes:TP53_mut", "genes:CIC_mut"]] = np.nan  # genes were not read
    described.loc[4, "clinical:age"] = np.nan
    write_table(frame, folder / "manifest.parquet")
    write_table(described, folder / "patients.parquet")
    return SimpleNamespace(
        manifest=str(folder / "manifest.parquet"),
        patients=str(folder / "patients.parquet"),
        shards=[str(folder / "shards" / "0.h5")],
        weights=str(folder / "model.safetensors"),
        card=str(folder / "model.json"),
        table=str(folder / "predictions.parquet"),
        people=str(folder / "people.parquet"),
    )
