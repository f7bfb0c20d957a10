"""`medsynth sample`: images of a trained model as single files that say what they are.

The model must be of the results folder, in whose ledger the job is recorded: `medsynth trace` finds
model and data behind every file, and behind a copy of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from medsynth.commands.known import folder_of
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout

HELP = "single images of a trained model, with their provenance inside, recorded as a job"
EXAMPLE = "medsynth sample cxr_ddpm --label Cardiomegaly --n 4 --seed 7 --out images"


class OutputError(MedsynthError):
    """The images cannot be written there, or not in this form."""


def answer(
    results: Path,
    model: Annotated[
        str,
        Argument(
            metavar="MODEL", help="name of an experiment in the results folder, or its folder"
        ),
    ],
    out: Annotated[Path, Option(metavar="DIR", help="folder for the images, new or empty")],
    label: Annotated[
        list[str] | None,
        Option(
            metavar="L",
            help="a class that the model knows, or several as in 'Edema + Cardiomegaly'; may be"
            " repeated; all if not given",
        ),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        Option(
            metavar="TEXT",
            help="of a model that is conditioned on a text: what the images show; may be repeated."
            " Words that it does not know are told, and read as ___",
        ),
    ] = None,
    n: Annotated[int, Option(metavar="N", help="images of each label or prompt")] = 1,
    seed: Annotated[int, Option(metavar="S", help="of all randomness")] = 0,
    form: Annotated[Literal["png", "dicom"], Option(help="of the files")] = "png",
    guidance: Annotated[
        float | None, Option(metavar="W", help="strength of the label, of models that have it")
    ] = None,
    covariate: Annotated[
        list[str] | None,
        Option(
            metavar="NAME=VALUE",
            help="of a model that is conditioned on some: each of them, or unknown, as sex=female",
        ),
    ] = None,
    batch: Annotated[int | None, Option(metavar="B", help="images generated at once")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Option(help="auto: a GPU if there is one")
    ] = "auto",
) -> dict[str, Any]:
    folder = _model_folder(results, model)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not an empty folder; give --out a new one")
    chosen = {"guidance": guidance, "batch": batch}
    settings: dict[str, Any] = {name: v for name, v in chosen.items() if v is not None}
    if covariate:
        settings["covariates"] = _covariates(covariate)
    from medsynth.runtime.lease import choose_device  # before torch is imported

    with choose_device(device, gpus=0 if device == "cpu" else 1) as leased:
        return _sample(results, folder, leased, out, label, prompt, n, seed, form, settings)


def _sample(
    results: Path,
    folder: Path,
    device: str,
    out: Path,
    labels: list[str] | None,
    prompts: list[str] | None,
    n: int,
    seed: int,
    form: Literal["png", "dicom"],
    settings: dict[str, Any],
) -> dict[str, Any]:
    # These take seconds, and --help must not wait for them.
    from medsynth.api.models import load
    from medsynth.lineage.ledger.embedded import REQUEST, SAMPLED_SINGLY
    from medsynth.lineage.ledger.locating import current_places
    from medsynth.lineage.opening import open_ledger
    from medsynth.lineage.recording.command import recorded_command
    from medsynth.lineage.recording.spool import lineage_dir
    from medsynth.report.singles import write_singles
    from medsynth.store.digests import digest_json

    model = load(folder, device)
    if form == "dicom" and model.card["image_channels"] != 1:
        raise OutputError(f"{folder}: its images are in colour; --form png writes them")
    rows = model.request(labels, n, settings, prompts).rows  # an error here is no job
    asked: dict[str, Any] = {"labels": labels, "n": n, "form": form, **settings}
    if prompts:  # as the model reads them: a name in one is not recorded
        asked["prompts"] = rows["prompt"].unique().tolist()
    request = {REQUEST: digest_json(asked, seed)}
    rows = rows.assign(row=range(len(rows)), seed=seed, model_sha256=model.sha256)
    out.parent.mkdir(parents=True, exist_ok=True)
    lineage_dir(results).mkdir(parents=True, exist_ok=True)
    with closing(open_ledger(results, new=True)) as ledger:
        places = current_places(results, ledger)
    job = recorded_command(
        results,
        SAMPLED_SINGLY,
        model.files,
        {"images": out},
        asked | request,
        seed=seed,
        device=device,
        places=places,
    )
    with job, tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside:
        images, conditions = model.sample(labels, n, prompts=prompts, seed=seed, **settings)
        whole = Path(beside, "images")
        covariates = list(model.card.get("covariates", {}))
        write_singles(images, rows, form, whole, covariates, **request)
        whole.rename(out)
    _collect(results)
    files = sorted(str(path) for path in out.iterdir())
    said = {"model": str(folder), "model_sha256": model.sha256, "seed": seed, "files": files}
    if not prompts:
        return said
    unknown = {word: None for prompt in prompts for word in model.unknown_words(prompt)}
    return said | {"prompts": conditions, "unknown_words": list(unknown)}  # one a file


def _covariates(given: list[str]) -> dict[str, str]:
    if wrong := [one for one in given if "=" not in one]:
        raise OutputError(f"--covariate {wrong[0]}: write NAME=VALUE, as sex=female")
    return dict(one.split("=", 1) for one in given)


def _collect(results: Path) -> None:
    """Bring the record into the ledger, and into MLflow, if it is here or the environment names it.

    A server that only the configuration names gets it with the next run of the workflow.
    """
    from medsynth.lineage.collector import collect, drain, sole_writer
    from medsynth.lineage.recording.invocation import TRACKING_URI

    if os.environ.get(TRACKING_URI) or os.path.exists(Layout(results).mlflow):
        collect(results)
    else:
        with sole_writer(results) as ledger:
            drain(results, ledger)


def _model_folder(results: Path, model: str) -> Path:
    """The folder that is meant, which must be of these results: their ledger knows the model."""
    folder, pattern = Path(model), Layout(results).experiment
    if Path(pattern.format(experiment=model)).is_dir() or not folder.is_dir():
        return folder_of(pattern, "experiment", model)
    if not folder.resolve().is_relative_to(results.resolve()):
        raise OutputError(
            f"{folder} is not in {results}, whose ledger would not know the model; name its results"
            " folder with --results"
        )
    return folder


def wrong(answer: dict[str, Any]) -> bool:
    return False


def show(answer: dict[str, Any]) -> Iterator[str]:
    if unknown := answer.get("unknown_words"):
        yield f"The model does not know, and read as ___: {', '.join(unknown)}"
    files = answer["files"]
    prompts = answer.get("prompts", [""] * len(files))
    for file, prompt in zip(files, prompts, strict=True):
        yield f"{file}: {prompt}" if prompt else file
