"""What recording costs a job: the same toy workflow with and without the capture, in turn."""

from __future__ import annotations

JOBS, ROUNDS = 40, 3
TOY = """
rule all:
    input: expand("results/{{i}}.txt", i=range({jobs}))
rule work:
    output: "results/{{i}}.txt"
    shell: "sleep 0.2; echo {{wildcards.i}} > {{output}}"
"""
CAPTURE = """
from medsynth.lineage import capture
from medsynth.runtime.config import Lineage
capture.install(workflow, {settings})
"""
