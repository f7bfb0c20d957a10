"""`medsynth init`: a first configuration for folders of downloads, with the reasons in it.

It looks at names, at the tables, and at the headers of a sample of the files; nothing else is
opened, and nothing is changed. It shows no patient's name or id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from medsynth.store.errors import MedsynthError

HELP = "recognise downloads in folders, and write a commented configuration for them"
EXAMPLE = "medsynth init /data/mimic-cxr /data/mimic-cxr-jpg --out my.yaml"


class ExistingError(MedsynthError):
    """The file is there already, and may hold somebody's work."""


def answer(
    folders: Annotated[
        list[Path],
        Argument(
            metavar="DIR",
            help="folder of images or tables, also a single table; all of them are one study",
        ),
    ],
    out: Annotated[Path, Option(metavar="FILE", help="the configuration, a new .yaml")],
    results: Annotated[
        Path | None, Option(metavar="DIR", help="of the study; else results/ and the file's name")
    ] = None,
) -> dict[str, Any]:
    # These take a second, and --help must not wait for them.
    from medsynth.survey.configuration import as_yaml, check, settings_of
    from medsynth.survey.machine import this_machine
    from medsynth.survey.recognise import recognise
    from medsynth.survey.tree import SurveyError, walk

    if out.exists():
        raise ExistingError(f"{out} is there already and stays as it is; give --out a new name")
    if not out.absolute().parent.is_dir():
        raise ExistingError(f"{out.parent} is no folder; make it, or give --out another place")
    machine = this_machine()
    found = recognise([walk(folder) for folder in folders], machine)
    told = [vars(one) | {"root": str(one.root), "cohort": one.name} for one in found]
    usable = [one for one in found if one.name]
    if not usable:
        instead = [line for one in told for line in _tell(one)]
        raise SurveyError("\n".join(["nothing can be configured yet.", *instead]))
    study = re.sub(r"[^a-z0-9]+", "_", out.stem.lower()).strip("_") or "study"
    settings = settings_of(usable, machine, str(results or Path("results", study)), study)
    check(settings)
    with out.open("x", encoding="utf-8") as file:
        file.write(as_yaml(settings, usable, machine, str(out)))
    questions = [question for one in usable for question in one.questions]
    return {"found": told, "file": str(out), "questions": questions}


def _tell(one: dict[str, Any]) -> Iterator[str]:
    named = f", cohort {one['cohort']}" if one["cohort"] else ""
    yield f"{one['what']}{named}:"
    yield from (f"  {line}" for line in one["seen"])
    yield from (f"  ! {line}" for line in one["missing"])


def wrong(answer: dict[str, Any]) -> bool:
    """Whether something is left that only the user knows."""
    return bool(answer["questions"])


def show(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["found"]:
        yield from _tell(one)
    yield from (f"? {question}" for question in answer["questions"])
    file = answer["file"]
    then = "answer what it asks, then" if answer["questions"] else "look at its comments, then"
    yield f"written: {file}; {then}: medsynth check {file}"
