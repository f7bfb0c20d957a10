"""Why an item is not used: errors that become quarantined rows, and how they are told."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from medsynth.store.errors import MedsynthError
from medsynth.store.wording import EXCLUDED, QUARANTINED, REASONS, USED

if TYPE_CHECKING:  # what reads only the header of a table need not wait for it
    import pandas as pd

log = logging.getLogger(__name__)


def reason_lines(reasons: pd.Series) -> list[str]:
    """Each reason with its count and what it means, the most frequent first."""
    return reason_counts(reasons.value_counts().to_dict())


def reason_counts(counts: Mapping[str, int]) -> list[str]:
    """As :func:`reason_lines`, of reasons that are counted already."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [f"{n} {reason}: {REASONS.get(reason, 'see the tables')}" for reason, n in ordered]


def log_unused(table: pd.DataFrame) -> None:
    """Tell how many items of a manifest are not used and why, without naming one."""
    for status, rows in table[table["status"] != USED].groupby("status"):
        for line in reason_lines(rows["reason"]):
            log.warning("%s: %s", status, line)


class CohortError(MedsynthError):
    """The cohort as a whole cannot be built; the message says what to correct."""


class UnusableImage(MedsynthError):
    """One item cannot be used.

    Attributes:
        status: what the item becomes, quarantined.
        reason: a key of :data:`medsynth.store.wording.REASONS`, stored in the manifest.
        detail: what exactly happened, stored beside it and shown nowhere else.
    """

    status: ClassVar[str] = QUARANTINED

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason])  # the detail may quote a name or a cell: not for logs
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[UnusableImage], tuple[str, str]]:
        return type(self), (self.reason, self.detail)  # it comes out of other processes


class ExcludedImage(UnusableImage):
    """One item is not wanted, though nothing is wrong with it; it counts as excluded."""

    status = EXCLUDED


@contextmanager
def unusable_as(reason: str) -> Iterator[None]:
    """Turn whatever malformed bytes provoke in a library into :class:`UnusableImage`."""
    try:
        yield
    except (UnusableImage, MemoryError):  # a busy machine says nothing about the file
        raise
    except Exception as error:
        raise UnusableImage(reason, f"{type(error).__name__}: {error}") from error
