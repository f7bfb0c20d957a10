"""The command line: what people call.

A command is a module here, or in `lineage/` if it asks the ledger, and its name in a list of
:mod:`.main`. It has

- `HELP`, one line, and `EXAMPLE`, a command line;
- `answer(...) -> dict`, fit for JSON. Its parameters are those of the command line, annotated for
  typer. One called `results` is the results folder; with the default None it is the folder only
  if --results was given.
- `show(answer) -> Iterator[str | Table]`: lines and tables for people;
- `wrong(answer) -> bool`: the exit status is 1.

Help imports them all: what takes more than milliseconds (numpy, pandas, pydantic, torch) is
imported in `answer`.
"""
