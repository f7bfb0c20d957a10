"""Columns that are the target under another name, which a prediction from them would show off with.

A mutation of IDH1 is the IDH status; a date of death is the survival. Names tell some of them
(:mod:`.names`), the patients others: a column that orders them almost as the target does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from medsynth.metrics.findings import auroc

ALMOST = 0.98  # area under the ROC curve, or rank correlation, of a column of many values
ALMOST_FLAG = 0.95  # of one of few: with ten patients of a class, half of one may be wrong
FEW_VALUES = 3
MOST_CODES = 10  # of a column whose numbers may be codes, in whose order nothing lies
FEWEST = 5  # patients on a side: with fewer a column separates them by chance


class Judged(NamedTuple):
    """What the values of columns tell.

    Attributes:
        found: why a column is the target, by column.
        too_few: columns with several values that fewer than FEWEST patients on a side have.
        not_compared: classes that have so few patients, or that so few others lack.
    """

    found: dict[str, str]
    too_few: list[str]
    not_compared: list[str]


def tell_classes(table: pd.DataFrame, labels: np.ndarray, classes: Sequence[str]) -> Judged:
    """Columns that tell a class from all others almost without error, or by being empty.

    Also those of a few codes or words that do so together: 2 between 1 and 3 is in no order with
    them, and a class may be several words of a column, none of which is all of it.

    Args:
        table: numbers (n, p) of patients, null where unknown.
        labels: class index (n,).
        classes: names.
    """
    found, too_few = {}, []
    for column in table:
        cells = table[column].to_numpy(dtype=float)
        known = ~np.isnan(cells)
        sides = [_side(labels[known], k) for k in range(len(classes))]
        if len(np.unique(cells[known])) > 1 and max(sides) < FEWEST:
            too_few.append(str(column))
        parts = {"": (cells[known], labels[known]), "being empty or not ": (known * 1.0, labels)}
        for how, (values, of) in parts.items():
            for k, name in enumerate(classes):
                if _side(of, k) < FEWEST or len(np.unique(values)) < 2:
                    continue
                area = auroc(values[of == k], values[of != k])
                if max(area, 1 - area) >= _almost(values):
                    found[str(column)] = (
                        f"{how}it tells {name} from the rest of {len(of)} patients (area"
                        f" under the ROC curve {max(area, 1 - area):.3f})"
                    )
    for columns, codes in _coded(table):
        known = ~np.isnan(codes)
        of = labels[known]
        for k, name in enumerate(classes):
            if _side(of, k) < FEWEST:
                continue
            share = _share_of_others(codes[known], of == k)
            if (area := auroc(share[of == k], share[of != k])) >= ALMOST_FLAG:
                why = (
                    f"its values, as codes, tell {name} from the rest of {len(of)} patients (area"
                    f" under the ROC curve {area:.3f})"
                )
                found = dict.fromkeys(columns, why) | found
    few = [name for k, name in enumerate(classes) if _side(labels, k) < FEWEST]
    return Judged(found, too_few, few)


def _side(labels: np.ndarray, k: int) -> int:
    """Patients of a class, or all others if these are fewer."""
    return int(min((labels == k).sum(), (labels != k).sum()))


def _coded(table: pd.DataFrame) -> Iterator[tuple[list[str], np.ndarray]]:
    """Columns of few values, and those of all words of one: their names, and a number a value."""
    of_words = defaultdict(list)
    for column in map(str, table):
        cells = table[column].to_numpy(dtype=float)
        if FEW_VALUES <= len(np.unique(cells[~np.isnan(cells)])) <= MOST_CODES:
            yield [column], cells
        if "=" in column:
            of_words[column.partition("=")[0]].append(column)
    for columns in of_words.values():
        cells = table[columns].to_numpy(dtype=float)
        known = ~np.isnan(cells).any(1)
        if (cells[known].sum(1) == 1).all() and np.isin(cells[known], (0, 1)).all():
            yield columns, np.where(known, cells.argmax(1), np.nan)


def _share_of_others(codes: np.ndarray, member: np.ndarray) -> np.ndarray:
    """How many of the others with the patient's code are members, (n,); without any, of all others.

    He himself is not counted: rare codes would tell everybody.
    """
    _, of = np.unique(codes, return_inverse=True)
    others = np.bincount(of)[of] - 1
    members = np.bincount(of, member)[of] - member
    overall = (member.sum() - member) / (len(member) - 1)
    return np.where(others > 0, members / np.maximum(others, 1), overall)


def tell_survival(table: pd.DataFrame, months: np.ndarray, event: np.ndarray) -> Judged:
    """Columns that are the months or the event; see :func:`tell_classes`."""
    by_event = tell_classes(table, event.astype(int), ["censored", "the event"])
    found, ranked = by_event.found, set()
    for column in table:
        cells = table[column].to_numpy(dtype=float)
        known = ~np.isnan(cells)
        if known.sum() < 2 * FEWEST or len(np.unique(cells[known])) <= FEW_VALUES:
            continue
        ranked.add(str(column))
        if len(np.unique(months[known])) < 2:
            continue
        rank = abs(spearmanr(cells[known], months[known]).statistic)
        if rank >= ALMOST:
            found[str(column)] = (
                f"it orders {known.sum()} patients as the months do (rank correlation {rank:.3f})"
            )
    return Judged(found, [c for c in by_event.too_few if c not in ranked], [])


def _almost(values: np.ndarray) -> float:
    return ALMOST_FLAG if len(np.unique(values)) <= FEW_VALUES else ALMOST
