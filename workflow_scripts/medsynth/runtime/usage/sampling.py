"""Sampling CPU, memory and GPUs beside a job's work: some dozens of points, however long it takes.

The job says them with what else it reports of itself; the lineage records them, and MLflow shows
them as the system metrics of its run. Nothing here touches what the job computes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from medsynth.runtime.run_info import SECONDS, report
from medsynth.runtime.usage.gpus import gpu_usage

log = logging.getLogger(__name__)

INTERVAL = 2.0  # seconds, at first
# Then every second one goes, and the interval doubles. A withdrawal would take a longer row of
# numbers for pixels, which no search proves free of a patient.
MOST_POINTS = 60


class Usage:
    """What was measured so far.

    Names are MLflow's, of the whole machine, and, beginning with ``process_``, of the job's process
    with all that it started; 100 % is one core of those.

    Args:
        gpus: called for each sample.
    """

    def __init__(self, gpus: Callable[[], dict[str, float]]) -> None:
        self._gpus, self._job = gpus, psutil.Process()
        self._begun = time.monotonic()
        self._last = self._begun, self._seconds_of_cpu()
        self.samples: list[dict[str, float]] = []
        self.interval = INTERVAL
        psutil.cpu_percent()  # since the last call, of which this is the first

    def _sum(self, what: Callable[[psutil.Process], float]) -> float:
        """Over the job's process and all that it started."""
        processes = [self._job, *self._job.children(recursive=True)]
        return sum((_of(process, what) for process in processes), 0.0)

    def _seconds_of_cpu(self) -> float:
        return self._sum(lambda process: sum(process.cpu_times()[:2]))

    def sample(self) -> None:
        now, cpu, memory = time.monotonic(), self._seconds_of_cpu(), psutil.virtual_memory()
        then, before = self._last
        held = self._sum(lambda process: process.memory_info().rss)
        # A process that has ended takes its time with it.
        busy = max(cpu - before, 0) / max(now - then, 0.01)
        found = {
            SECONDS: now - self._begun,
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "process_cpu_utilization_percentage": 100 * busy,
            "process_memory_usage_megabytes": held / 1e6,
        }
        self._last = now, cpu
        self.samples.append({name: round(v, 1) for name, v in (found | self._gpus()).items()})
        if len(self.samples) >= MOST_POINTS:
            self.samples = self.samples[1::2]
            self.interval *= 2

    def columns(self) -> dict[str, list[float]]:
        """The samples by name, of what all of them have; `SECONDS` since the start is the axis."""
        names = [n for n in (self.samples or [{}])[0] if all(n in s for s in self.samples)]
        return {name: [sample[name] for sample in self.samples] for name in names}


def _of(process: psutil.Process, what: Callable[[psutil.Process], float]) -> float:
    try:
        return what(process)
    except psutil.NoSuchProcess:  # it has just ended
        return 0.0


@contextmanager
def measured(device: object) -> Iterator[None]:
    """Report what the machine does while the block runs, its end included.

    Args:
        device: on which the job computes.
    """
    usage, over = Usage(gpu_usage if str(device).startswith("cuda") else dict), threading.Event()

    def watch() -> None:
        try:
            while not over.wait(usage.interval):
                usage.sample()
            usage.sample()
        except (psutil.Error, OSError) as error:  # a machine that hides it; the job goes on
            log.warning("the machine's load cannot be measured: %s", type(error).__name__)

    thread = threading.Thread(target=watch, name="usage", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        report({"usage": usage.columns()})
