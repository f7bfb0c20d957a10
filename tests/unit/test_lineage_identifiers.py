"""A known patient's id in what names a job stops the job before it is recorded."""

from __future__ import annotations

import pytest
from lineage_toy import HEAD, jobs, snakemake

from medsynth.lineage.erasure.search import remains
from medsynth.lineage.ledger import people
from medsynth.lineage.recording import identifiers, spool
from medsynth.lineage.recording.identifiers import STARRED, KnownPatients, candidates

IDS = ["TCGA-02-0001", "10000032", "A002304", "DOE^JANE", "1.3.6.1.4.1.14519.5.2.1", "2", "5", "12"]


@pytest.mark.parametrize(
    ("text", "patient"),
    [
        ("TCGA-02-0001", "TCGA-02-0001"),
        ("slides/TCGA-02-0001_he.png", "TCGA-02-0001"),
        ("tcga-02-0001", "TCGA-02-0001"),  # as barcodes are written, too
        ("of_tcga_02.0001.svs", "TCGA-02-0001"),
        ("p10/p10000032/s1", "10000032"),
        ("fold of 10000032", "10000032"),
        ("A002304.npz", "A002304"),
        ("by DOE^JANE, 7", "DOE^JANE"),
        ("x_1.3.6.1.4.1.14519.5.2.1", "1.3.6.1.4.1.14519.5.2.1"),
        ("for_P7", "P7"),
        ("of jürgen ä.npy", "Jürgen Ä"),
        ("SUB-01_T1w", "sub-01"),
        ("sub_01", "sub-01"),
        ("12/34", "12/34"),
    ],
)
def test_an_id_is_found_as_a_whole_token(text, patient):
    assert patient in set(candidates(text))


@pytest.mark.parametrize(
    ("text", "patient"),
    [
        ("TCGA-02-00012", "TCGA-02-0001"),
        ("110000032", "10000032"),
        ("e10000032ab", "10000032"),  # in a digest
        ("shard 12 of 5", "12"),
        ("2", "2"),
        ("map", "ma"),
        ("lr 3.5", "3-5"),
        ("fold/12345/of/67", "12345/of"),
    ],
)
def test_a_part_of_a_token_and_a_small_number_are_no_id(text, patient):
    assert patient not in set(candidates(text))


@pytest.fixture
def known(tmp_path):
    people.people_dir(tmp_path).mkdir(parents=True)
    secret = people.local_secret(tmp_path)
    identifiers.remember(tmp_path, [people.patient_key(secret, name) for name in IDS])
    return KnownPatients(
        tmp_path, {"root": "data/p10000032", "cohorts": {"a002304": {"views": ["AP"]}}, "seed": 5}
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("TCGA-02-0001", True),
        (["x", {"case": "10000032"}], True),
        ({"10000032": 1}, True),
        (10000032, False),  # a number
        ("12", False),
        ([2, "5", {"shard": "12"}], False),
        ("data/p10000032", False),  # as configured
        ("data/p10000032/a.dcm", False),
        ("data/p10000032/TCGA-02-0001.svs", True),
        ("results/cohorts/a002304/5.h5", False),  # the name of a cohort
        ("TCGA-02-0002", False),
        ("0" * 32 + "10000032", False),  # a digest
        ("0.10000032", False),
        ("1e10000032", False),
        ("lr=0.5/10000032", True),
    ],
)
def test_numbers_and_what_is_configured_are_exempt(known, value, found):
    assert known.named_in({"what": value, "other": "x"}) == ({"what"} if found else set())


def test_who_was_erased_is_known_no_more(known, tmp_path):
    people.forget(tmp_path, people.patient_key(people.local_secret(tmp_path), "10000032"))
    assert known.named_in({"what": "10000032"}) == set()
    assert known.named_in({"what": "TCGA-02-0001"}) == {"what"}


RULES = """
import pandas as pd

CASES = ["TCGA-02-0001", "TCGA-02-0002"] if Path("results/manifest.parquet").exists() else []

rule all:
    input: "results/manifest.parquet", expand("results/{case}.txt", case=CASES),
        "results/shards/12.txt", "results/param.txt", "results/name.txt"

rule index:
    output: "results/manifest.parquet"
    run:
        pd.DataFrame({"patient": ["TCGA-02-0001", "P7", "12"]}).to_parquet(output[0])

rule of_a_case:
    input: "results/manifest.parquet"
    output: "results/{case,TCGA.*}.txt"
    shell: "touch {output}"

rule of_a_shard:
    output: "results/shards/{shard}.txt"
    params: shard=12, steps="12"
    shell: "touch {output}"

rule with_parameter:
    output: "results/param.txt"
    params: CASES[:1]
    shell: "touch {output}"

rule for_P7:
    output: "results/name.txt"
    shell: "if [ -e results/manifest.parquet ]; then touch {output}; else exit 1; fi"

lineage.install(workflow, settings)
"""


def test_a_users_rule_is_refused_by_name_before_its_job_and_nothing_of_it_recorded(tmp_path):
    (tmp_path / "Snakefile").write_text(HEAD + RULES)
    assert snakemake(tmp_path, "results/manifest.parquet").returncode == 0
    done = snakemake(tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "number patients instead" in said
    assert "rule of_a_case: output, wildcard case: the id of a patient" in said
    assert "rule with_parameter: parameter 0: the id of a patient" in said
    made = {path.name for path in (tmp_path / "results").rglob("*.txt")}
    assert made == {"TCGA-02-0002.txt", "12.txt"}
    refused = [job for job in jobs(tmp_path) if job["status"] == "FAILED"]
    assert {job["end"]["error"] for job in refused} == {"PatientId"}
    assert {job["rule"] for job in refused} == {"of_a_case", "with_parameter", STARRED}
    lineage = spool.lineage_dir(tmp_path / "results")
    assert remains(lineage, ["TCGA-02-0001"], set()) == []
