"""A project whose results lie elsewhere runs, moves with them, runs again: one whole record."""

from __future__ import annotations

import json

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from tests.unit.lineage_toy import HEAD, snakemake

RULES = """
RESULTS = config["results_dir"]
settings.results_dir = Path(RESULTS)
settings.model_dump = lambda mode: {"results_dir": RESULTS}

rule all:
    input: f"{RESULTS}/metrics.json"

rule read:
    input: "raw"
    output: f"{RESULTS}/a.txt"
    shell: "cat {input:q}/* > {output:q}"

rule evaluate:
    input: f"{RESULTS}/a.txt"
    output: f"{RESULTS}/metrics.json"
    shell: "echo '{{\\"fid\\": 1}}' > {output:q}"

lineage.install(workflow, settings)
"""


def test_a_moved_project_goes_on_with_the_whole_record_of_its_results(tmp_path, ask):
    project, results = tmp_path / "old/project", tmp_path / "old/disk/run 1?#50 %"
    (project / "raw").mkdir(parents=True)
    (project / "raw/x").write_text("raw")
    (project / "Snakefile").write_text(HEAD + RULES)
    done = snakemake(project, "--config", f"results_dir={results}")
    assert done.returncode == 0, done.stderr
    (tmp_path / "old").rename(tmp_path / "new")
    project, results = tmp_path / "new/project", tmp_path / "new/disk/run 1?#50 %"

    def at(*question):
        return ask(project, question[0], *question[1:], "--results", results)

    code, answer = at("verify", "--deep")
    assert (code, answer["artifacts"]) == (0, {"identical": 3})
    done = snakemake(project, "--forceall", "--config", f"results_dir={results}")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "old").exists()
    code, answer = at("trace", results / "metrics.json")
    files = {f["path"]: f["on_disk"] for j in answer["jobs"].values() for f in j["inputs"]}
    assert (code, files) == (0, {"results/a.txt": "same", "raw": None})
    assert at("verify", "--deep")[0] == 0

    ledger_path(results).unlink()
    code, answer = at("rebuild")
    assert (code, answer["items"]) == (0, {"invocation": 2, "job": 4})
    ledger = Ledger(ledger_path(results))
    rows = ledger.query("SELECT DISTINCT path FROM artifacts ORDER BY path")
    starts = ledger.query("SELECT record FROM events WHERE phase='start'")
    ledger.close()
    assert [row["path"] for row in rows] == ["raw", "results/a.txt", "results/metrics.json"]
    outputs = {o for row in starts for o in json.loads(row["record"]).get("outputs", [])}
    assert outputs == {"results/a.txt", "results/metrics.json"}
