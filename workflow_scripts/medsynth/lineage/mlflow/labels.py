"""How runs and studies are named, tagged and described in MLflow."""

from __future__ import annotations

import json
import shlex
from typing import Any

from medsynth.lineage.mlflow.measurements import text_of
from medsynth.lineage.recording.records import InvocationItem, InvocationStart, Item, JobStart
from medsynth.lineage.wording import SHORT

# A limit of mlflow 3 (mlflow/utils/validation.py).
TAG_LENGTH = 8000
# What MLflow's pages show as the description of a run, an experiment or a model.
NOTE = "mlflow.note.content"
# Rules that are not called for what a reader looks for; others go by their own names.
SUBJECTS = {
    "make_demo_data": "raw",
    "fetch_archive": "download",
    "index_cohort": "index",
    "shard_cohort": "shard",
    "assemble_cohort": "manifest",
    "check_cohort": "fitness",
    "split_patients": "splits",
    "check_leakage": "leakage",
    "call_genotypes": "calls",
    "join_genotypes": "labels",
    "read_reports": "reports",
    "prepare_texts": "texts",
    "pair_images": "pairs",
    "normalise_stain": "normalised",
    "train_model": "train",
    "sample_model": "samples",
    "translate_images": "translations",
    "write_reports": "reports",
    "predict_patients": "predictions",
    "write_singles": "singles",
    "check_evaluation": "overlap",
    "evaluate_model": "metrics",
    "build_report": "report",
}
STUDY = """\
An experiment's row has its figures, samples and model card; a call's row has its jobs below it.

Experiments alone: `tags.medsynth.current = "true"`, and Columns for figures to sort by.
"""
# MLflow then shows the pages of model training instead of asking.
STUDY_TAGS = {NOTE: STUDY, "mlflow.experimentKind": "custom_model_development"}


def run_name(item: Item) -> str:
    """Of a job as in `cxr/manifest`, `cxr/shard/3`, `cxr_ddpm/train`; of an invocation its call."""
    if item["kind"] == "invocation":
        return _command(item["start"])[:250]
    wildcards, rule = [*item["start"]["wildcards"].values()], item["start"]["rule"]
    return "/".join([*wildcards[:1], SUBJECTS.get(rule, rule), *wildcards[1:]])[:250]


def start_tags(item: Item, parent: InvocationItem | None) -> dict[str, str]:
    """What is known when a run is made."""
    tags: dict[str, Any] = {"medsynth.id": item["id"], "medsynth.kind": item["kind"]}
    origin = parent["start"] if parent else None
    if item["kind"] == "job":
        start = item["start"]
        tags |= {"medsynth.rule": start["rule"], "medsynth.attempt": start["attempt"]}
        tags |= {f"medsynth.wildcard.{k}": v for k, v in start["wildcards"].items()}
        tags |= {"medsynth.code": start["code"]}
    else:
        origin = item["start"]
        tags[NOTE] = _call(origin)
    if parent:
        tags["mlflow.parentRunId"] = parent["run_id"]
    if origin:
        tags |= {
            "mlflow.source.git.commit": origin["git"]["head"],
            "mlflow.source.name": origin["snakefile"],
            "medsynth.git.dirty": origin["git"]["dirty"],
            "medsynth.config_sha256": origin["config_sha256"],
            "medsynth.packages_sha256": origin["environment"]["packages_sha256"],
            "medsynth.lock_sha256": origin["environment"]["lock_sha256"],
        }
    return {k: text_of(v, TAG_LENGTH) for k, v in tags.items() if v is not None}


def end_tags(item: Item) -> dict[str, str]:
    """What the run is told when its job has ended, and where in the ledger its events stand."""
    tags: dict[str, Any] = {"status": item["status"], "events": json.dumps(item["events"])}
    if item["end"]:
        tags["error"] = item["end"]["error"]
    if item["kind"] == "job":
        end = item["end"]
        tags |= {"seed": item["start"]["seed"], "device": end["device"] if end else None}
        tags["reused"] = end.get("reused") if end else None
        made = [file["sha256"] for file in (end["outputs"] if end else []) if file["sha256"]]
        tags["outputs"] = " ".join(made[: TAG_LENGTH // 65]) or None  # to be searched for
    elif item["end"]:
        tags["jobs"] = item["end"]["jobs"]
    named = {f"medsynth.{k}": str(v)[:TAG_LENGTH] for k, v in tags.items() if v is not None}
    if item["kind"] == "job" and (note := _weights(item["start"], item["end"])):
        named[NOTE] = note
    return named


def _command(start: InvocationStart) -> str:
    return shlex.join(["snakemake", *start["arguments"]])


def _call(start: InvocationStart) -> str:
    """The call, and which code and configuration it ran."""
    head, dirty = start["git"]["head"], start["git"]["dirty"]
    code = f"commit {head[:SHORT]}" if head else "code without a commit"
    code += f" with changes {dirty[:SHORT]}" if dirty else ""
    config = f"configuration {start['config_sha256'][:SHORT]}"
    return f"    {_command(start)}\n\n{code}, {config}. Its jobs are the runs below it."


def _weights(start: JobStart, end: Any) -> str | None:
    """Where the weights lie that a job made; MLflow has them only if they are published."""
    made = [f for f in (end["outputs"] if end else []) if f["path"].endswith(".safetensors")]
    lines = [
        f"Weights: `{file['path']}` where the workflow ran, sha256 `{file['sha256']}`, which"
        f' `medsynth.load("{file["path"].rpartition("/")[0]}")` opens.'
        for file in made
    ]
    return "\n\n".join(lines) or None
