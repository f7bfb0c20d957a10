"""The `medsynth` command: a first configuration and what is wrong with it, images of trained
models, and the lineage of a results folder."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from medsynth.commands.output import looked_at, write
from medsynth.commands.version import version
from medsynth.config.chosen import VARIABLE, results_folder
from medsynth.store.errors import MedsynthError, refusal
from medsynth.store.source.checkout import follow_checkout

# The order in which --help lists them; each is a module of this folder, or of lineage/.
WORK = ("init", "check", "doctor", "quarantine", "sample")
LINEAGE = ("status", "trace", "verify", "impact", "diff", "rerun", "export", "rebuild")
COMMANDS = (*WORK, *LINEAGE)
OK, WRONG, UNKNOWN = 0, 1, 2
EXIT_STATUS = """
exit status: 0 all is well; 1 something is wrong (each command says what); 2 it cannot be done or
answered: an unknown artifact, a missing ledger, a workflow at work on what is to be erased, a
mistake on the command line
"""
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="DIR",
        help="results folder of the study, here or before the command; else results_dir of the"
        f" configuration in ${VARIABLE}, else results",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document for programs")]


class Commands(TyperGroup):
    """All commands, each imported only when it is called or listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(_command(cmd_name))
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.epilog = _epilog("examples:", *(_module(name).EXAMPLE for name in COMMANDS))
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS:  # typer looks for the nearest among those that are there
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _app(**settings: Any) -> typer.Typer:
    # Of frames with patients' data no more is shown than Python does.
    return typer.Typer(
        rich_markup_mode="rich" if looked_at() else None,
        pretty_exceptions_enable=False,
        **settings,
    )


def _module(name: str) -> ModuleType:
    if name in LINEAGE:
        return import_module(f"medsynth.commands.lineage.{name}")
    return import_module(f"medsynth.commands.{name}")


def _command(name: str) -> Any:
    module = _module(name)
    app = _app(add_completion=False)
    app.command(
        name,
        help=_paragraphs(module.__doc__),
        short_help=module.HELP,
        epilog=_epilog("example:", module.EXAMPLE),
        rich_help_panel="Lineage" if name in LINEAGE else "Commands",
    )(_called(module))
    return get_command(app)


def _called(module: ModuleType) -> Callable[..., None]:
    """What typer calls: it shows the module's answer. --results and --json are added."""

    def call(context: typer.Context, as_json: bool, **given: Any) -> None:
        above = context.parent.params["results"] if context.parent else None
        if "results" in own:
            folder = given["results"] or above
            wanted = own["results"].default is not None
            given["results"] = results_folder() if wanted and not folder else folder
        elif above:
            said = f"leave it out; {context.info_name} looks at no results folder"
            raise typer.BadParameter(said, param_hint="--results")
        answer = module.answer(**given)
        write([json.dumps(answer, indent=2)] if as_json else module.show(answer), sys.stdout)
        raise typer.Exit(WRONG if module.wrong(answer) else OK)

    own = dict(inspect.signature(module.answer, eval_str=True).parameters)
    shown = dict(own)
    if "results" in own and own["results"].annotation is Path:
        shown["results"] = _keyword("results", Results, None)
    shown["context"] = _keyword("context", typer.Context)
    shown["as_json"] = _keyword("as_json", AsJson, False)
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in shown.values()]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _keyword(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=kind)


def _paragraphs(text: str | None) -> str:
    """A text without line breaks in its paragraphs: terminals are narrower than sources."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def _epilog(*lines: str) -> str:
    first, *others = lines
    kept = "" if looked_at() else "\b\n"  # without rich, lines stay lines after this
    listed = "\n".join([f"{kept}{first}", *(f"  {line}" for line in others)])
    return f"{listed}\n\n{_paragraphs(EXIT_STATUS)}"


def _show_version(asked: bool) -> None:
    if asked:
        write([version()], sys.stdout)
        raise typer.Exit


def _common(
    results: Results = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="version and git commit"
        ),
    ] = False,
) -> None:
    """What may stand before a command."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command line without its first word; that of the process by default.

    Returns:
        int: the exit status.
    """
    if arguments is None:
        follow_checkout("medsynth.commands.main")
        arguments = sys.argv[1:]
    app = _app(cls=Commands, no_args_is_help=True)
    app.callback(help=_paragraphs(__doc__))(_common)
    try:
        get_command(app).main(arguments, prog_name="medsynth")
    except SystemExit as ended:
        return int(ended.code or OK)
    except MedsynthError as error:
        write([f"medsynth: {error}"], sys.stderr)
    except OSError as error:  # of the paths that it was given
        write([f"medsynth: {refusal(error)}"], sys.stderr)
    return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
