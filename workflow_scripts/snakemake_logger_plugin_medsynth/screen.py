"""The terminal: lines that stay, and one at the bottom that is rewritten."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from io import TextIOWrapper

from rich.console import Console
from rich.live import Live
from rich.text import Text

NARROWEST, UNBOUNDED = 40, 100_000


class Screen:
    """Where the workflow is shown.

    Attributes:
        live: whether a line can be rewritten: on a terminal, but not in a file or a CI's log.
    """

    def __init__(self, nocolor: bool, stdout: bool) -> None:
        stream = sys.stdout if stdout else sys.stderr
        if isinstance(stream, TextIOWrapper):  # an old terminal may not know an arrow
            stream.reconfigure(errors="replace")
        self._console = Console(
            stderr=not stdout, no_color=nocolor or None, highlight=False, markup=False
        )
        terminal = self._console.is_terminal and not self._console.is_dumb_terminal
        self.live = terminal and not os.environ.get("CI")
        self._line: Live | None = None

    @property
    def width(self) -> int:
        """Columns for text that is wrapped; what goes into a file or a pipe is not."""
        return max(self._console.width, NARROWEST) if self.live else UNBOUNDED

    def say(self, text: str, *, style: str = "", dim: str = "") -> None:
        """A line that stays."""
        whole = Text(text, style=style)
        whole.append(dim, style="dim")
        self._console.print(whole, soft_wrap=True)

    def block(self, lines: Sequence[str]) -> None:
        """A title and what stands below it."""
        self.say(lines[0], style="bold red")
        for line in lines[1:]:
            self.say(line)

    def table(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Rows below a heading, of which the last is the sum; the last column is wrapped."""
        first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
        indent = " " * (first + second + 4)
        for position, (name, count, text) in enumerate(rows):
            bold = "bold" if position in (0, len(rows) - 1) else ""
            start = f"{name.ljust(first)}  {count.rjust(second)}  "
            wrapped = textwrap.wrap(start + text, self.width, subsequent_indent=indent)
            for line in wrapped:
                self.say(line, style=bold)

    def update(self, line: str | None) -> None:
        """Rewrite the line at the bottom; None removes it."""
        if not self.live:
            return
        if line is None:
            self.end()
            return
        if self._line is None:
            # Not its own thread: nobody would hear of an error there.
            self._line = Live(console=self._console, auto_refresh=False, transient=True)
            self._line.start()
        self._line.update(Text(line, style="cyan", no_wrap=True, overflow="ellipsis"), refresh=True)

    def end(self) -> None:
        """Remove the line at the bottom."""
        if self._line is not None:
            line, self._line = self._line, None
            line.stop()
