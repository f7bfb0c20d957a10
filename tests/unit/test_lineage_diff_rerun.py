"""`medsynth diff` and `medsynth rerun`: what differs, and does it come out again?"""

from __future__ import annotations

import json
import subprocess

from lineage_questioned import MAKE, PATIENTS, RULES, versions
from lineage_toy import HEAD, snakemake

from medsynth.commands.lineage import rerun
from medsynth.commands.main import OK, UNKNOWN, WRONG


def test_diff_counts_data_and_names_settings_and_metrics(original, ask, show):
    path = "results/models/a/model.safetensors"
    first, second = (row["sha256"] for row in versions(original, path))
    code, answer = ask(original, "diff", first, path)
    assert code == OK and answer["b"]["sha256"] == second
    expected = {
        "known": True,
        "files": {"added": 1, "removed": 0, "kept": 2},
        "patients": {"added": 1, "removed": 0, "kept": 2},
    }
    assert answer["data"] == {"all": expected, "results/manifest.parquet": expected}
    assert answer["params"] == {"train: cfg.epochs": [1, 2]}
    assert list(answer["raw"]) == ["raw"]
    assert answer["config"] == {"epochs": [1, 2]}
    assert answer["code"] == answer["environment"] == {}
    assert answer["packages"] == {"added": [], "removed": []}
    said = show(original, "diff", first, path)
    assert "files +1 -0 =2" in said and "cfg.epochs: 1 -> 2" in said
    assert not any(patient in said + json.dumps(answer) for patient in PATIENTS)


def test_diff_takes_jobs_and_compares_metrics(original, ask):
    jobs = [row["job"] for row in versions(original, "results/metrics.json")]
    _, answer = ask(original, "diff", *jobs)
    values = [int(row["sha256"][:6], 16) for row in versions(original, "results/samples.png")]
    assert answer["metrics"] == {"fid": values}
    code, answer = ask(original, "diff", jobs[0], jobs[0])
    empty = ("data", "raw", "config", "params", "code", "environment", "metrics")
    assert answer["same_bytes"] and not any(answer[name] for name in empty)
    assert ask(original, "diff", jobs[0], "f" * 64)[0] == UNKNOWN


def test_rerun_makes_the_same_bytes_and_leaves_the_results_alone(original, ask, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in (original / "results").glob("*.*")}
    code, answer = ask(original, "rerun", "results/samples.png", "--keep", tmp_path / "again")
    assert (code, answer["status"], answer["identical"]) == (OK, "COMPLETE", True)
    assert [o["path"] for o in answer["outputs"]] == ["results/samples.png"]
    assert list((tmp_path / "again").rglob("samples.png"))
    assert {p: p.stat().st_mtime_ns for p in (original / "results").glob("*.*")} == before


def test_rerun_says_that_a_rule_is_not_deterministic(original, ask):
    code, answer = ask(original, "rerun", "results/lucky.txt")
    assert (code, answer["identical"]) == (WRONG, False)
    (reason,) = answer["reasons"]
    assert "not deterministic" in reason


def test_a_repeated_job_that_fails_is_not_identical(toy, ask):
    make = toy / "make.py"
    make.write_text(make.read_text() + "sys.exit(1)\n")
    code, answer = ask(toy, "rerun", "results/samples.png")
    assert (code, answer["status"], answer["identical"]) == (WRONG, "FAILED", False)


def test_rerun_names_an_altered_or_missing_input(toy, ask):
    model = toy / "results/models/a/model.safetensors"
    (toy / "results/manifest.parquet").write_bytes(b"other")
    code, answer = ask(toy, "rerun", model)
    assert code == WRONG
    assert "input results/manifest.parquet is altered" in answer["reasons"]
    (toy / "results/manifest.parquet").unlink()
    code, answer = ask(toy, "rerun", model)
    assert (code, answer["status"]) == (WRONG, "NOT RUN")
    assert answer["reasons"] == ["input results/manifest.parquet is missing"]


def test_rerun_says_that_code_changed(toy, ask):
    snakefile = toy / "Snakefile"
    text = snakefile.read_text()
    snakefile.write_text(text.replace("c0de", "beef").replace("cfg[epochs]}", "cfg[epochs]}1"))
    code, answer = ask(toy, "rerun", "results/models/a/model.safetensors")
    assert code == WRONG
    assert [r.split(";")[0] for r in answer["reasons"]] == ["code changed: c0de then, beef now"]


def test_rerun_uses_the_sources_that_the_job_ran_with(tmp_path, ask):
    folder = tmp_path / "project"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "1.txt").write_text("image")

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    for name, text in {"Snakefile": HEAD + RULES, "make.py": MAKE}.items():
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text("results/\nraw/\n.snakemake/\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    # Neither the change nor the new file is committed when the job runs.
    (folder / "make.py").write_text(
        MAKE.replace("digest(Path(rest[0])", "more.word + digest(Path(rest[0])").replace(
            "import hashlib", "import hashlib, more"
        )
    )
    (folder / "more.py").write_text('word = "then"\n')
    model = "results/models/a/model.safetensors"
    done = snakemake(folder, model)
    assert done.returncode == 0, done.stderr
    assert (folder / model).read_text().startswith("then")

    (folder / "more.py").write_text('word = "now"\n')
    git("add", ".")
    git("commit", "-m", "second")
    code, answer = ask(folder, "rerun", model)
    assert (code, answer["identical"], answer["sources"]) == (OK, True, None)
    # The difference is lost: today's sources make other bytes.
    for blob in (folder / "results/lineage/code").iterdir():
        blob.unlink()
    code, answer = ask(folder, "rerun", model)
    assert (code, answer["identical"]) == (WRONG, False)
    assert "is lost" in answer["sources"]
    assert "sources of today" in "\n".join(rerun.show(answer))


def test_rerun_of_raw_data_is_refused(original, ask):
    code, said = ask(original, "rerun", "raw")
    assert code == UNKNOWN and "no job made it" in said
