"""A small study of two cohorts, of which a patient is withdrawn. Not a test file."""

from __future__ import annotations

import itertools
import uuid

import pandas as pd
from lineage_records import whole

from medsynth.commands.lineage import impact
from medsynth.lineage.collector import drain
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.store.digests import digest_path
from medsynth.store.tables.parquet import write_table

PATIENT, OTHER = "TCGA-ZZ-A001", "TCGA-ZZ-B001"


class Study:
    """A results folder in which jobs were played: two cohorts, one model each, one report."""

    def __init__(self, folder):
        self.folder, self.results = folder, folder / "results"
        self.clock = itertools.count(1.0)
        flow = {"kind": "invocation", "id": "flow", "phase": "start", "time": 0.0}
        flow |= {"workdir": str(folder), "results": str(self.results), "config": {}}
        flow |= {
            "arguments": ["--cores", "2", "x", "-n", "--configfile", "my study.yaml", "-j4", "all"]
        }
        spool.write(self.results, whole(flow))
        for cohort, patient in (("a", PATIENT), ("b", OTHER)):
            self.run_cohort(cohort, [patient, f"TCGA-ZZ-{cohort}2"])
        shards = ["results/cohorts/a/0.h5", "results/cohorts/b/0.h5"]
        self.job("report", [*shards, "results/a/metrics.json"], {"results/index.html": b"page"})
        self.ledger = Ledger(ledger_path(self.results))
        drain(self.results, self.ledger)

    def run_cohort(self, name, patients):
        raw = self.folder / "raw" / name
        rows = []
        for number, patient in enumerate(patients):
            path = raw / patient / "1.dcm"
            path.parent.mkdir(parents=True)
            path.write_bytes(f"{name} {number} pixels".encode())
            sha256 = digest_path(path)[0]
            rows.append({"item_id": f"1.2.{name}.{number}", "group": f"9.{name}.{number}"})
            rows[-1] |= {"source": f"{patient}/1.dcm", "patient": patient, "source_sha256": sha256}
        (raw / "labels.csv").write_text("patient,label\n" + "".join(f"{p},1\n" for p in patients))
        index = pd.DataFrame(rows)
        cohort = f"results/cohorts/{name}"
        self.job("index", [f"raw/{name}"], {f"{cohort}/index.parquet": index}, names=["root"])
        shard = {f"{cohort}/0.h5": f"shard {name}".encode(), f"{cohort}/0.parquet": index[:1]}
        self.job("shard", [f"{cohort}/index.parquet"], shard)
        # Equal bytes in both cohorts: not a way from one to the other.
        self.job("check", [f"{cohort}/0.parquet"], {f"{cohort}/gate.json": b"{}"})
        read = [f"{cohort}/0.h5", f"{cohort}/gate.json"]
        self.job("train", read, {f"results/{name}/model.safetensors": f"weights {name}".encode()})
        made = {f"results/{name}/metrics.json": f"[{name!r}]".encode()}
        self.job("evaluate", [*read, f"results/{name}/model.safetensors"], made)

    def job(self, rule, inputs, outputs, names=(), folder=None):
        for path, content in outputs.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                write_table(content, target)

        def files(paths):
            named = [*names, *[None] * len(paths)]
            digests = [digest_path(self.folder / path) for path in paths]
            return [
                {"name": n, "path": p, "sha256": d[0], "bytes": d[1]}
                for n, p, d in zip(named[: len(paths)], paths, digests, strict=True)
            ]

        same = {"kind": "job", "id": uuid.uuid4().hex, "invocation": "flow", "rule": rule}
        start = {"phase": "start", "time": next(self.clock), "wildcards": {"e": "a"}}
        start |= {"inputs": files(inputs)}
        spool.write(self.results, whole(same | start))
        declared = [folder] if folder else list(outputs)
        end = {"phase": "end", "status": "COMPLETE", "time": next(self.clock)}
        end |= {"outputs": files(declared)}
        spool.write(self.results, whole(same | end))

    def ask(self, patient, erase=False, yes=False, raw=False):
        return impact.answer(self.results, patient, erase=erase, yes=yes, raw=raw)


def paths(entries):
    return [entry["path"] for entry in entries]
