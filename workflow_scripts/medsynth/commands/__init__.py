"""The command line: what people call.

A command is a module here and its name in :data:`.main.COMMANDS`. It has `HELP` (one line),
`EXAMPLE` (a command line), `add_arguments(parser)`, `answer(results, arguments) -> dict` (fit for
JSON), `show(answer) -> str` (for people) and `wrong(answer) -> bool` (the exit status is 1).
"""
