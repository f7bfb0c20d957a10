"""Withdrawal where the runs are on an MLflow server: its copies go, and it is searched, too."""

from __future__ import annotations

import json

import pytest
from lineage_toy import HEAD, client, free_port, mlflow_server, runs, snakemake

from medsynth.commands.lineage import impact
from medsynth.lineage.recording.invocation import TRACKING_URI
from medsynth.store.errors import MedsynthError

PATIENTS = ["10000032", "10000764"]
RULES = """
rule shard:
    input: root="raw"
    output: table="results/0.parquet", images="results/0.h5"
    run:
        import pandas as pd
        from medsynth.store.digests import digest_file
        files = sorted(Path("raw").iterdir())
        rows = [dict(item_id=f"i{f.stem}", group=f"g{f.stem}", source=f.name, patient=f.stem,
                     source_sha256=digest_file(f)) for f in files]
        pd.DataFrame(rows).to_parquet(output.table)
        Path(output.images).write_bytes(b"".join(f.read_bytes() for f in files))

rule picture:
    input: "results/0.h5"
    output: "results/real.png"
    shell: "cp {input} {output}"

lineage.install(workflow, settings)
"""


def erase(results, patient):
    return impact.answer(results, patient, erase=True, yes=True, raw=True)


def test_copies_on_a_server_are_removed_and_what_is_left_there_is_found(tmp_path, monkeypatch):
    (tmp_path / "Snakefile").write_text(HEAD + RULES)
    (tmp_path / "raw").mkdir()
    for patient in PATIENTS:
        (tmp_path / "raw" / f"{patient}.txt").write_text(f"image of {patient}")
    server, port = tmp_path / "server", free_port()
    server.mkdir()
    uri = f"http://127.0.0.1:{port}"
    # As the whole configuration has it: how erase knows that there is a server.
    (tmp_path / "Snakefile").write_text(
        (HEAD + RULES).replace('{"seed": 3}', '{"lineage": {"tracking_uri": config["uri"]}}')
    )
    with mlflow_server(server, port):
        done = snakemake(tmp_path, "--config", f"uri={uri}", "--", "results/real.png")
        assert done.returncode == 0, done.stderr
        (copy,) = (server / "files").rglob("real.png")
        with pytest.raises(MedsynthError, match="name it in the environment"):
            erase(tmp_path / "results", PATIENTS[0])
        assert copy.exists() and (tmp_path / "results/0.h5").exists()

        monkeypatch.setenv(TRACKING_URI, uri)
        found = erase(tmp_path / "results", PATIENTS[0])
        assert found["left"] == [] and not impact.wrong(found)
        assert not copy.exists() and not (tmp_path / "results/real.png").exists()
        by_rule = {r.data.tags.get("medsynth.rule"): r.info.run_id for r in runs(tmp_path, uri)}
        assert "erase_patient" in by_rule

        # What somebody wrote there by hand, erase cannot know of; its proof finds it.
        mlflow = client(tmp_path, uri)
        mlflow.set_tag(by_rule["picture"], "note", f"see {PATIENTS[1]}")
        seen = json.dumps({"seen": f"g{PATIENTS[1]}"})
        mlflow.log_text(by_rule["erase_patient"], seen, "note.json")
        found = erase(tmp_path / "results", PATIENTS[1])
        assert impact.wrong(found)
        assert sorted(trace["path"] for trace in found["left"]) == sorted(
            [
                f"MLflow run {by_rule['picture']}/shown.json",
                f"MLflow run {by_rule['erase_patient']}/note.json",
            ]
        )
