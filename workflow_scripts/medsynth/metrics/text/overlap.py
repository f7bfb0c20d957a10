"""How much of the words of a reference text a text has: ROUGE-L and BLEU, both in [0, 1].

Words are runs of letters and digits in lower case; BLEU takes its own (sacrebleu's 13a).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU

_WORD = re.compile(r"\w+")
_BLEU = BLEU(lowercase=True)
ORDERS = 4  # n-grams of one to four words


def words(text: str) -> list[str]:
    """The words of a text, in their order."""
    return _WORD.findall(text.lower())


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Its length, bit-parallel (Hyyrö 2004, "Bit-parallel LCS-length computation revisited")."""
    places: dict[str, int] = {}
    for i, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << i
    whole = (1 << len(a)) - 1
    free = whole
    for word in b:
        matched = free & places.get(word, 0)
        free = ((free + matched) | (free - matched)) & whole
    return len(a) - free.bit_count()


def rouge_l(text: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words (Lin 2004, eq. 2 to 4, with beta 1).

    0 where they share none, as where one of them is empty.
    """
    return 2 * longest_common_subsequence(text, reference) / max(1, len(text) + len(reference))


def bleu_counts(texts: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """What BLEU is made of, (n, 10) int64: lengths of text and reference, and n-grams of each
    order, those matched and all. Sums of rows are the counts of a corpus."""
    rows = []
    for text, reference in zip(texts, references, strict=True):
        found = _BLEU.corpus_score([text], [[reference]])
        rows.append([found.sys_len, found.ref_len, *found.counts, *found.totals])
    return np.array(rows, np.int64).reshape(-1, 2 + 2 * ORDERS)


def bleu(counts: np.ndarray) -> float:
    """BLEU-4 of a corpus (Papineni et al. 2002), as sacrebleu computes it, over 100.

    Orders without a match are smoothed as in NIST's mteval (Chen and Cherry 2014, method 3).

    Args:
        counts: of its texts, see :func:`bleu_counts`.
    """
    sys_len, ref_len, *grams = (int(n) for n in counts.sum(0))
    matched, totals = grams[:ORDERS], grams[ORDERS:]
    found = BLEU.compute_bleu(matched, totals, sys_len, ref_len, smooth_method="exp")
    return min(float(found.score) / 100, 1.0)  # rounding may add a hair
