"""Words of a profile that Snakemake evaluates, as partitions called like a function of Python's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError
from snakemake.resources import Resource

from medsynth.lineage.recording import invocation, slurm

WORDS = ["open", "max", "all", "any", "id", "input", "wildcards", "shutil", "lookup", "exists"]
WORDS += ["batch", "long", "long-gpu", "gpu_max", '"open"', "'max'", "2", "threads", ""]


def test_a_word_is_refused_where_snakemake_makes_something_of_it_that_is_no_value():
    """Partitions and accounts may be called so; Snakemake's own error does not say what to do."""
    for word in WORDS:
        resource = Resource.from_cli_expression("slurm_partition", word)
        given = {"wildcards": object(), "input": [], "attempt": 1, "threads": 1, "async_run": print}
        value = Resource.cli_evaluator("slurm_partition", word, **given)
        assert slurm.means_python(resource.raw) == (not isinstance(value, str | int)), word


def test_a_partition_that_is_a_function_of_pythons_is_told_with_its_remedy():
    sound = {"gpu": Resource("gpu", 1), "mem_mb": Resource("mem_mb", lambda wildcards: 1)}
    named = {"slurm_partition": Resource.from_cli_expression("slurm_partition", '"open"')}
    rule = SimpleNamespace(name="train_model", resources=sound | named)
    invocation.refuse_python([rule])
    rule.resources["slurm_account"] = Resource.from_cli_expression("slurm_account", "all")
    with pytest.raises(WorkflowError, match="slurm_account of rule train_model is all") as error:
        invocation.refuse_python([rule])
    assert """slurm_account: '"all"' in set-resources""" in str(error.value)
