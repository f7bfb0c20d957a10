"""The snakemake call that makes again what a withdrawal took."""

from __future__ import annotations

import math
import re
import shlex

from medsynth.lineage.ledger.flow import Artifact
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording.places import ANCHOR

# Options of the last run that say what to run on and where, with one value and with several.
ONE_VALUE = {"-s", "--snakefile", "-d", "--directory", "--profile", "--workflow-profile"}
ONE_VALUE |= {"-c", "--cores", "-j", "--jobs", "-e", "--executor"}
VALUES = {"--configfile", "--configfiles", "-C", "--config", "--resources"}


def redo_command(first: list[Artifact], ledger: Ledger) -> str:
    ran = ledger.last_invocation()
    kept: list[str] = []
    more = 0.0
    for word in ran["arguments"] if ran else []:
        option, _, value = word.partition("=")
        if option.startswith("-"):
            attached = option[2:] if option[:2] in ONE_VALUE else ""  # -j4
            wanted = option in ONE_VALUE | VALUES or bool(attached)
            value = value or attached
            more = 0 if value or not wanted else 1 if option in ONE_VALUE else math.inf
        else:
            wanted = more > 0
            more -= 1
        kept += [word] if wanted else []
    # As the rules' outputs are.
    spelled = ran["config"].get("results_dir", ANCHOR) if ran else ANCHOR
    targets = sorted(re.sub(f"^{ANCHOR}(?=/)", lambda _: spelled, path) for _, path in first)
    return shlex.join(["snakemake", *kept, *(["--forcerun", *targets] if targets else [])])
