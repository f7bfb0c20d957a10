"""Cohorts of full size: all tables, and empty files in place of the images.

MIMIC-CXR has 377,110 images of 227,835 studies and 65,379 patients; TCGA about 3,700 glioma and
other diagnostic slides of one study. The peers are the limits to be held on two idle cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing
from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import SlideIndex
from medsynth.cohorts.splits import split_patients
from medsynth.runtime.settings import Split
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path
from medsynth.store.manifests import used
from medsynth.store.tables.parquet import write_table

ROOT = Path(__file__).parents[2]
IMAGES, STUDIES, PATIENTS, SLIDES = 377_110, 227_835, 65_379, 3_700
SHARDS = 512
PLAN_S, PLAN_MB, TABLES_S = 60, 2000, 120
FINDINGS = ["No Finding", "Cardiomegaly", "Pleural Effusion", "Pneumonia"]


def _spread(things: int, owners: int, rng: np.random.Generator) -> np.ndarray:
    """An owner for every thing; each owner has one at least."""
    return np.sort(np.concatenate([np.arange(owners), rng.integers(owners, size=things - owners)]))


def write_mimic_cxr(root: Path) -> None:
    """The three tables of MIMIC-CXR-JPG, and an empty file for every image."""
    rng = np.random.default_rng(0)
    patient_of_study = _spread(STUDIES, PATIENTS, rng)
    study = _spread(IMAGES, STUDIES, rng)
    patient = patient_of_study[study]
    frame = pd.DataFrame(
        {
            "dicom_id": [f"{i:08x}-" + "-".join(["0a1b2c3d"] * 4) for i in range(IMAGES)],
            "subject_id": patient + 10_000_000,
            "study_id": study + 50_000_000,
            "ViewPosition": rng.choice(["AP", "PA", "LATERAL"], IMAGES, p=[0.4, 0.3, 0.3]),
            "split": np.where(patient % 50 == 0, "test", "train"),
        }
    )
    findings = np.where(rng.random((STUDIES, len(FINDINGS))) < 0.3, 1.0, np.nan)
    labels = pd.DataFrame(findings, columns=FINDINGS)
    labels.insert(0, "subject_id", patient_of_study + 10_000_000)
    labels.insert(1, "study_id", np.arange(STUDIES) + 50_000_000)
    tables = {"metadata": frame.drop(columns="split"), "split": frame.drop(columns="ViewPosition")}
    for name, table in (tables | {"chexpert": labels}).items():
        table.to_csv(root / f"mimic-cxr-2.0.0-{name}.csv", index=False)
    for (subject, number), ids in frame.groupby(["subject_id", "study_id"])["dicom_id"]:
        folder = root / "files" / f"p{subject // 1_000_000}" / f"p{subject}" / f"s{number}"
        folder.mkdir(parents=True)
        for name in ids:
            (folder / f"{name}.dcm").touch()


def write_slides(root: Path) -> None:
    """Empty slides in folders of their own, as the GDC's client leaves them."""
    for i in range(SLIDES):
        folder = root / f"{i:08x}-0000-0000-0000-000000000000"
        folder.mkdir(parents=True)
        (folder / f"TCGA-{i % 90 + 10}-{i:04d}-01Z-00-DX1.{folder.name.upper()}.svs").touch()


def _timed(name: str, spent: list[float], call, *arguments):
    start = time.perf_counter()
    result = call(*arguments)
    seconds = time.perf_counter() - start
    spent.append(seconds)
    row = {"name": name, "unit": "s", "ours": seconds, "peer": TABLES_S}
    return result, row | {"ratio": seconds / TABLES_S, "goal": f"together < 1 ({TABLES_S} s)"}


def _tables(folder: Path, mimic: Path, slides: Path):
    spent: list[float] = []
    cache = DigestCache(folder / "digests.db")
    _, row = _timed("full size: identity of the raw folder", spent, digest_path, mimic, cache, 4)
    yield row
    label = {"kind": "finding", "findings": FINDINGS}
    settings = CxrIndexing(label=label, views=["AP", "PA"], shards=SHARDS)
    arguments = mimic, settings, cache, 4
    index, row = _timed("full size: index_mimic_cxr", spent, index_mimic_cxr, *arguments)
    yield row
    assert len(index) == IMAGES and index["source_sha256"].nunique() == 1
    _, row = _timed("full size: write the index", spent, write_table, index, folder / "index")
    yield row
    splits, row = _timed("full size: split_patients", spent, split_patients, index, Split(), 1)
    yield row
    shards = [s.assign(row=range(len(s))) for _, s in used(index).groupby("shard")]
    arguments = index, shards, splits, None, 0.01
    (whole, _, _), row = _timed("full size: assemble", spent, assemble, *arguments)
    yield row
    gate, row = _timed("full size: leakage gate", spent, leakage, whole)
    yield row
    assert gate["patients_in_two_splits"] == 0
    settings = SlideIndex(label={"kind": "genotype"}, shards=SHARDS)
    index, row = _timed("full size: index_slides", spent, index_slides, slides, settings, cache, 4)
    yield row
    assert len(index) == SLIDES
    total = sum(spent)
    row = {"name": "full size: all of these", "unit": "s", "ours": total, "peer": TABLES_S}
    yield row | {"ratio": total / TABLES_S, "goal": f"< 1 ({TABLES_S} s)"}


def _plan(folder: Path, mimic: Path, slides: Path):
    """``snakemake -n`` of config/full.yaml with 512 shards for every cohort."""
    config = yaml.safe_load((ROOT / "config" / "full.yaml").read_text())
    config |= {"results_dir": str(folder / "results"), "device": "cpu"}
    for name, root in {"mimic_cxr": mimic, "glioma": slides, "abdomen_ct": slides}.items():
        config["cohorts"][name] |= {"root": str(root)}
        config["cohorts"][name].pop("tables", None)
        config["cohorts"][name].pop("reports", None)
        config["cohorts"][name]["index"]["shards"] = SHARDS
    tables = dict.fromkeys(("maf", "segments"), [str(slides)])
    config["cohorts"]["glioma"]["genotypes"] |= tables
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "--cores", "2"]
    command += ["--configfile", str(folder / "config.yaml")]
    start = time.perf_counter()
    with open(folder / "plan.log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit((folder / "plan.log").read_text())
    name = f"snakemake -n, {3 * SHARDS} shards"
    for unit, ours, peer in (("s", seconds, PLAN_S), ("MB", usage.ru_maxrss / 1024, PLAN_MB)):
        row = {"name": f"{name}, {unit}", "unit": unit, "ours": ours, "peer": peer}
        yield row | {"ratio": ours / peer, "goal": f"< 1 ({peer} {unit})"}


def rows():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mimic, slides = folder / "mimic", folder / "slides"
        mimic.mkdir()
        write_mimic_cxr(mimic)
        write_slides(slides)
        yield from _plan(folder, mimic, slides)
        yield from _tables(folder, mimic, slides)
