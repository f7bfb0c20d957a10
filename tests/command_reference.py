"""The reference of the commands, of the command line: ``python -m tests.command_reference``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from medsynth.commands.main import COMMANDS, EXIT_STATUS, LINEAGE, Commands
from tests.checkout import ROOT

HEAD = """# Commands

Generated from the modules in `workflow_scripts/medsynth/commands/`; edit them and call
`python -m tests.command_reference`. `medsynth COMMAND --help` says the same. `--results` may also
stand before the command, and `medsynth --version` tells version and git commit.
"""


def reference() -> str:
    """docs/reference/commands.md: every command with its arguments and an example."""
    group = Commands(name="medsynth")
    status = " ".join(EXIT_STATUS.split()).replace("exit status", "Exit status", 1)
    sections = [_section(group.get_command(None, name)) for name in COMMANDS]
    return "\n\n".join([f"{HEAD}\n{status}.", *sections]) + "\n"


def _section(command: Any) -> str:
    folder = "medsynth.commands.lineage" if command.name in LINEAGE else "medsynth.commands"
    example = f"```bash\n{import_module(f'{folder}.{command.name}').EXAMPLE}\n```"
    rows = [f"| {_name(p)} | {_cell(p.help)} | {_given(p)} |" for p in command.params]
    table = "\n".join(["| argument | meaning | default |", "|---|---|---|", *rows])
    return "\n\n".join([f"## {command.name}", command.help, example, table])


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    return f"`{' '.join(filter(None, [parameter.opts[0], parameter.metavar]))}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _given(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False) else f"`{parameter.default}`"


if __name__ == "__main__":
    (ROOT / "docs" / "reference" / "commands.md").write_text(reference())
