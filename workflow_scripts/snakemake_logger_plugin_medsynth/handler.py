"""The door to Snakemake: takes its records, and never lets an error of ours reach it.

An exception in a logger plugin ends the thread that all records go through: everything later is
silent, a failed run too. So after an error of ours Snakemake's own lines take over, once for all.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from logging import ERROR, Handler, LogRecord
from types import TracebackType
from typing import TYPE_CHECKING, Any

from snakemake_interface_logger_plugins.base import LogHandlerBase

if TYPE_CHECKING:
    from snakemake_logger_plugin_medsynth.view import View

TICK_SECONDS = 1.0


class LogHandler(LogHandlerBase):
    """Snakemake's records as a user of medsynth wants to read them."""

    writes_to_stream, writes_to_file = True, False
    has_filter, has_formatter = True, True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self._plain: Handler | None = None
        self._view: View | None = None
        self._held: list[LogRecord] = []
        self._ended = threading.Event()
        common = self.common_settings
        self._mute = not common.dryrun and any(what.name == "ALL" for what in common.quiet or ())
        # Who asks for details wants Snakemake's.
        if not (common.verbose or common.debug_dag or common.printshellcmds):
            self._safely(self._open)

    def _snakemakes_own(self) -> Handler:
        """What Snakemake shows without a plugin."""
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        common = self.common_settings
        plain: Handler = ColorizingTextHandler(
            common.nocolor,
            sys.stdout if common.stdout else sys.stderr,
            DefaultFormatter(common.quiet, common.show_failed_logs),
        )
        plain.addFilter(
            DefaultFilter(
                common.quiet,
                common.debug_dag,
                common.verbose,
                common.dryrun,
                common.printshellcmds,
            )
        )
        return plain

    def _open(self) -> None:
        from snakemake_logger_plugin_medsynth.view import View  # rich; only where it is asked for

        self._view = View(self.common_settings)
        sys.excepthook = _without_interrupts(sys.excepthook)
        if not self.common_settings.dryrun:
            threading.Thread(target=self._tick, daemon=True).start()

    def emit(self, record: LogRecord) -> None:
        if self._mute:
            return
        if record.levelno >= ERROR:
            self._held.append(record)
        if view := self._view:
            self._safely(lambda: view.take(record), record)
        else:
            self._say_plainly(record)

    def _tick(self) -> None:
        """The live line moves on between Snakemake's messages, too."""
        while not self._ended.wait(TICK_SECONDS):
            with self.lock:  # type: ignore[union-attr]  # logging.Handler's
                if view := self._view:
                    self._safely(view.tick)

    def close(self) -> None:
        """The last that is said: Snakemake calls this after everything else."""
        if not self._ended.is_set():
            self._ended.set()
            with self.lock:  # type: ignore[union-attr]
                if view := self._view:
                    self._safely(view.close)
        super().close()

    def _safely(self, show: Callable[[], None], record: LogRecord | None = None) -> None:
        try:
            show()
        except BrokenPipeError:
            self._view = None  # nobody reads, as after `| head`
        except Exception as error:
            view, self._view = self._view, None
            reason = f"{type(error).__name__}: {error}"
            try:
                if view:
                    view.leave()
            except Exception as second:
                reason += f"; {type(second).__name__}: {second}"
            self._say_plainly(
                LogRecord(
                    __name__,
                    ERROR,
                    __file__,
                    0,
                    "medsynth's display of the workflow failed, which changes nothing of what it"
                    f" does; Snakemake's own messages follow ({reason})",
                    None,
                    None,
                )
            )
            missed = [r for r in self._held if r is not record]
            for late in [*missed, *([record] if record else [])]:
                self._say_plainly(late)

    def _say_plainly(self, record: LogRecord) -> None:
        if self._plain is None:
            self._plain = self._snakemakes_own()  # now, that the streams are the final ones
        try:
            self._plain.handle(record)
        except BrokenPipeError:
            pass  # nobody reads


def _without_interrupts(
    hook: Callable[[type[BaseException], BaseException, TracebackType | None], Any],
) -> Callable[[type[BaseException], BaseException, TracebackType | None], Any]:
    """`sys.excepthook`, but Ctrl-C before or after the jobs is no reason for a traceback."""

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("Stopped by you.", file=sys.stderr)
        else:
            hook(kind, error, traceback)

    return show
