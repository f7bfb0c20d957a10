"""The `medsynth` command: a first configuration, images of trained models, and the lineage of a
results folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from medsynth.store.checkout import follow_checkout
from medsynth.store.errors import MedsynthError

# The order in which --help lists them; each is a module of this folder.
LINEAGE = ("status", "trace", "verify", "impact", "diff", "rerun", "export", "rebuild")
COMMANDS = ("init", "sample", *LINEAGE)
OK, WRONG, UNKNOWN = 0, 1, 2
SHOWN = 80  # characters of a path in a message
EXIT_STATUS = """
exit status: 0 all is well; 1 something is wrong (each question says what); 2 the question cannot
be answered: an unknown artifact, a missing ledger, a workflow at work on what is to be erased, a
mistake on the command line
"""


def _parser(commands: dict[str, ModuleType]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    common.add_argument("--json", action="store_true", help="one JSON document for programs")
    shape = argparse.RawDescriptionHelpFormatter
    examples = "\n".join(["examples:", *(f"  {q.EXAMPLE}" for q in commands.values())])
    parser = argparse.ArgumentParser(
        prog="medsynth",
        description=__doc__,
        epilog=examples + "\n" + EXIT_STATUS,
        formatter_class=shape,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, command in commands.items():
        sub = verbs.add_parser(
            name,
            help=command.HELP,
            description=command.__doc__,
            parents=[common],
            epilog=f"example:\n  {command.EXAMPLE}\n{EXIT_STATUS}",
            formatter_class=shape,
        )
        command.add_arguments(sub)
    return parser


def main(arguments: list[str] | None = None) -> int:
    if arguments is None:
        follow_checkout("medsynth.commands.main")
        arguments = sys.argv[1:]
    # Only the command that is called, because some import what takes seconds.
    asked = [name for name in COMMANDS if name in arguments[:1]] or COMMANDS
    commands = {name: import_module(f"medsynth.commands.{name}") for name in asked}
    options = _parser(commands).parse_args(arguments)
    command = commands[options.verb]
    try:
        answer = command.answer(options.results, options)
    except MedsynthError as error:
        print(f"medsynth: {error}", file=sys.stderr)
        return UNKNOWN
    except OSError as error:  # of the paths that it was given: too long, not writable, not there
        name = str(error.filename or "")[:SHOWN]
        print(f"medsynth: {name}: {error.strerror or error}", file=sys.stderr)
        return UNKNOWN
    try:
        print(json.dumps(answer, indent=2) if options.json else command.show(answer), flush=True)
    except BrokenPipeError:  # as `| head` does; or Python would complain when it ends, too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return WRONG if command.wrong(answer) else OK


if __name__ == "__main__":
    sys.exit(main())
