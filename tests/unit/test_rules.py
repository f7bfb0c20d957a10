"""The rules as Snakemake reads them: each has its script, a log and a benchmark, and its code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# In a process of its own, because reading the Snakefile changes paths and environment. A digest
# says which script it is of.
READ = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings
from medsynth.store.source import digest

NEEDS = ["mem_mb", "runtime"]

def asked(need):
    # In the first attempt and in the second.
    found = [need.evaluate(wildcards, attempt=attempt) for attempt in (1, 2)]
    return [one.value for one in found]

digest.code_digest = lambda script, *modules, **how: Path(script).name
wildcards = SimpleNamespace(cohort="cxr", experiment="cxr_ddpm", download="more")
with SnakemakeApi(OutputSettings()) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path(sys.argv[1])]),
        snakefile=Path("Snakefile"),
    )._workflow
    found = {}
    for rule in workflow.rules:
        code = dict(rule.params.items()).get("code")
        found[rule.name] = {
            "script": rule.script and Path(rule.script).name,
            "code": code(wildcards) if callable(code) else code,
            "log": list(map(str, rule.log)),
            "benchmark": rule.benchmark and str(rule.benchmark),
            "needs": {n: asked(rule.resources[n]) for n in NEEDS if n in rule.resources},
        }
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory) -> dict[str, dict]:
    """{rule that runs a script: its directives}, with a download beside the demo."""
    folder = tmp_path_factory.mktemp("rules")
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["fetch"] = {
        "more": {"kind": "tcia", "destination": str(folder), "collection": "TCGA-LGG"}
    }
    (folder / "config.json").write_text(json.dumps(config))
    read = subprocess.run(
        [sys.executable, "-c", READ, folder / "config.json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    assert read.returncode == 0, read.stderr[-3000:]
    found = json.loads(read.stdout.splitlines()[-1])
    del found["all"]
    return found


def test_every_rule_has_the_script_of_its_name_and_no_script_is_left_over(rules):
    scripts = {file.name for file in (ROOT / "workflow_scripts").glob("*.py")}
    assert {rule["script"] for rule in rules.values()} == scripts
    # A rule of another form of product has the script of the one that it is made of.
    assert scripts <= {f"{name}.py" for name in rules}


def test_every_rule_tracks_the_code_of_its_script(rules):
    assert {n: r["code"] for n, r in rules.items()} == {n: r["script"] for n, r in rules.items()}


def test_every_rule_writes_a_log_and_a_benchmark_of_its_own(rules):
    logs = [log for rule in rules.values() for log in rule["log"]]
    benchmarks = [rule["benchmark"] for rule in rules.values() if rule["benchmark"]]
    assert len(set(logs)) == len(set(benchmarks)) == len(rules)


HEAVY = ["index_cohort", "shard_cohort", "shard_cohort_to_nifti", "call_genotypes", "train_model"]
HEAVY += ["sample_model", "translate_images", "write_reports", "predict_patients"]
HEAVY += ["evaluate_model", "train_on_synthetic", "build_report", "prepare_texts"]


def test_heavy_rules_ask_for_memory_and_time(rules):
    asked = {name: rule["needs"] for name, rule in rules.items() if "mem_mb" in rule["needs"]}
    assert sorted(asked) == sorted(HEAVY)
    for need in asked.values():
        first, second = need["mem_mb"]
        assert 1000 < first < 2**15
        assert second == 2 * first, "it may have been killed for its memory"
        assert need["runtime"][0] >= 60
    # Steps of cxr_ddpm, a second each.
    assert asked["train_model"]["runtime"][0] == 60 + 500 // 60


def test_the_profile_of_slurm_has_all_of_the_default_one_which_it_replaces():
    own, default = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
        for name in ("slurm", "default")
    )
    others = {"default-resources", "resources"}
    assert {k: own.get(k) for k in default.keys() - others} == {
        k: v for k, v in default.items() if k not in others
    }
    assert own["executor"] == "slurm" and own["retries"] > 0
    asked = dict(resource.split("=") for resource in own["default-resources"])
    assert asked.keys() >= {"gpu", "mem_mb", "runtime"}, "light rules ask for nothing themselves"
