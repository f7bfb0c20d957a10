"""`medsynth status` says whether the last invocation went well, and names what did not."""

from __future__ import annotations

import pytest
from lineage_toy import HEAD, snakemake

from medsynth.commands.lineage import status

RULES = """
rule all:
    input: "results/a.txt", "results/b.txt"

rule make:
    output: "results/{name}.txt"
    retries: 1
    shell: "test -e fine_{wildcards.name} && touch {output} || (touch fine_{config[heals]}; exit 1)"

rule without_input:
    input: "nowhere.txt"
    output: "results/never.out"
    shell: "touch {output}"

lineage.install(workflow, settings)
"""


def asked(folder):
    answer = status.answer(folder / "results")
    return status.wrong(answer), [(f["job"], f["status"]) for f in answer["failed"]], answer


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("status")
    (folder / "Snakefile").write_text(HEAD + RULES)
    return folder


def test_it_names_the_job_that_failed_and_a_retry_that_went_well_is_no_failure(toy):
    (toy / "fine_b").touch()
    assert snakemake(toy, "--config", "heals=nobody").returncode != 0
    wrong, failed, answer = asked(toy)
    assert wrong and failed == [("make name=a", "FAILED")]
    assert "FAILED in the last run: make name=a" in "\n".join(status.show(answer))
    # The first attempt fails, and the second goes well.
    assert snakemake(toy, "--config", "heals=a").returncode == 0
    wrong, failed, answer = asked(toy)
    assert not wrong and failed == [] and answer["jobs"]["FAILED"] == 3
    # Nothing was to do; a run that came to no job is told by its error.
    assert snakemake(toy, "--config", "heals=a").returncode == 0
    assert not asked(toy)[0]
    assert snakemake(toy, "results/never.out", "--config", "heals=a").returncode != 0
    wrong, failed, answer = asked(toy)
    assert wrong and failed == []
    said = "FAILED: the last run, but none of its jobs (MissingInputException)"
    assert said in "\n".join(status.show(answer))
    # A dry run changes nothing of that.
    assert snakemake(toy, "-n", "--config", "heals=a").returncode == 0 and asked(toy)[0]
