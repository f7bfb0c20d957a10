"""`medsynth init`: a first configuration for folders of downloads, with the reasons in it.

It looks at names, at the tables, and at the headers of a sample of the files; nothing else is
opened, and nothing is changed. It shows no patient's name or id.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from medsynth.store.errors import MedsynthError

HELP = "recognise downloads in folders, and write a commented configuration for them"
EXAMPLE = "medsynth init /data/mimic-cxr /data/mimic-cxr-jpg --out my.yaml"


class ExistingError(MedsynthError):
    """The file is there already, and may hold somebody's work."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folder of images or tables, also a single table; all of them are one study",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the configuration, a new .yaml"
    )


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    # These take a second, and --help must not wait for them.
    from medsynth.survey.configuration import as_yaml, check, settings_of
    from medsynth.survey.machine import this_machine
    from medsynth.survey.recognise import recognise
    from medsynth.survey.tree import SurveyError, walk

    out = arguments.out
    if out.exists():
        raise ExistingError(f"{out} is there already and stays as it is; give --out a new name")
    if not out.absolute().parent.is_dir():
        raise ExistingError(f"{out.parent} is no folder; make it, or give --out another place")
    machine = this_machine()
    found = recognise([walk(folder) for folder in arguments.folders], machine)
    told = [vars(one) | {"root": str(one.root), "cohort": one.name} for one in found]
    usable = [one for one in found if one.name]
    if not usable:
        raise SurveyError("\n".join(["nothing can be configured yet.", *map(_tell, told)]))
    study = re.sub(r"[^a-z0-9]+", "_", out.stem.lower()).strip("_") or "study"
    place = results if results != Path("results") else results / study
    settings = settings_of(usable, machine, str(place), study)
    check(settings)
    with out.open("x", encoding="utf-8") as file:
        file.write(as_yaml(settings, usable, machine, str(out)))
    questions = [question for one in usable for question in one.questions]
    return {"found": told, "file": str(out), "questions": questions}


def _tell(one: dict[str, Any]) -> str:
    named = f", cohort {one['cohort']}" if one["cohort"] else ""
    lines = [f"{one['what']}{named}:", *(f"  {line}" for line in one["seen"])]
    return "\n".join([*lines, *(f"  ! {line}" for line in one["missing"])])


def wrong(answer: dict[str, Any]) -> bool:
    """Whether something is left that only the user knows."""
    return bool(answer["questions"])


def show(answer: dict[str, Any]) -> str:
    lines = [_tell(one) for one in answer["found"]]
    lines += [f"? {question}" for question in answer["questions"]]
    file = answer["file"]
    then = "answer what it asks, then" if answer["questions"] else "look at its comments, then"
    return "\n".join([*lines, f"written: {file}; {then}: snakemake -n --configfile {file}"])
