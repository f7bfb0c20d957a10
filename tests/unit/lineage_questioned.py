"""A small workflow that really ran twice, to be asked; and copies of it, to be tampered with."""

from __future__ import annotations

from pathlib import Path

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger

PATIENTS = ["10000032", "10000764", "10000980"]
RULES = """
import sys

MAKE = f"{sys.executable} {workflow.basedir}/make.py {{rule}} {{output[0]}} {{input}}"
EPOCHS = int(config.get("epochs", 1))
settings.model_dump = lambda mode: {"epochs": EPOCHS}

rule all:
    input: "results/metrics.json", "results/lucky.txt"

rule index:
    input: "raw"
    output: table="results/manifest.parquet"
    log: "results/logs/index.log"
    shell: "echo logged > {log}; " + MAKE

rule train:
    input: table="results/manifest.parquet"
    output: weights="results/models/{name}/model.safetensors"
    params: cfg={"epochs": EPOCHS}, code="c0de"
    shell: MAKE + " {params.cfg[epochs]}"

rule sample:
    input: weights="results/models/a/model.safetensors"
    output: grid="results/samples.png"
    params: cfg={"seed": 5}
    shell: MAKE

rule evaluate:
    input: grid="results/samples.png", table="results/manifest.parquet"
    output: metrics="results/metrics.json"
    shell: MAKE

rule lucky:
    output: "results/lucky.txt"
    shell: "date +%N > {output}"

lineage.install(workflow, settings)
"""
MAKE = """
import hashlib, json, sys
from pathlib import Path

rule, output, *rest = sys.argv[1:]
digest = lambda data: hashlib.sha256(data).hexdigest()
if rule == "index":
    import pandas as pd
    files = sorted(Path(rest[0]).iterdir())
    rows = [
        {"item_id": f.stem, "patient": f.stem, "source_sha256": digest(f.read_bytes())}
        for f in files
    ]
    pd.DataFrame(rows).to_parquet(output)
elif rule == "train":
    Path(output).write_text(digest(Path(rest[0]).read_bytes()) + rest[1])
elif rule == "sample":
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    text = PngInfo()
    text.add_text("model_sha256", digest(Path(rest[0]).read_bytes()))
    text.add_text("seed", "5")
    Image.new("L", (4, 4)).save(output, pnginfo=text)
else:
    value = int(digest(Path(rest[0]).read_bytes())[:6], 16)
    Path(output).write_text(json.dumps({"metrics": {"fid": {"value": value}}}))
"""


def versions(folder: Path, path: str) -> list[dict]:
    ledger = Ledger(ledger_path(folder / "results"))
    sql = "SELECT * FROM artifacts WHERE role='outputs' AND path=? ORDER BY seq"
    rows = ledger.query(sql, path)
    ledger.close()
    return rows


def rules(answer: dict) -> list[str]:
    return sorted(job["rule"] for job in answer["jobs"].values())
