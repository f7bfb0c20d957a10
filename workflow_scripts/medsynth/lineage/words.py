"""Ids as people and programs write them: in any letter case, with any sign between their parts.

R writes points for the hyphens of TCGA-02-0001, file systems underscores, people blanks.
"""

from __future__ import annotations

import mmap
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator

CHUNK = 1 << 22  # bytes folded at once
FOLD = bytes.maketrans(
    string.ascii_uppercase.encode() + b"._ ", string.ascii_lowercase.encode() + b"---"
)
DIGITS, HEX_DIGITS = frozenset(b"0123456789"), frozenset(b"0123456789abcdefABCDEF")
# With fewer, and no letter, the signs tell numbers apart: patient 3-5 is not 3.5 years old.
FEWEST_DIGITS = 8


class Words:
    """Finds any of some ids in bytes, but not inside a longer number or digest.

    Args:
        words: ids; empty ones are passed over.
        loose: find numbers beside the letters of a digest, too, as in `a10`: a proof may find too
            much, but not too little.
    """

    def __init__(self, words: Iterable[str], *, loose: bool = False) -> None:
        self._folded: dict[bytes, frozenset[int]] = {}
        self._exact: dict[bytes, frozenset[int]] = {}
        for word in filter(None, words):
            beside = DIGITS if loose and word.isdecimal() else HEX_DIGITS
            if signs_vary(word):
                self._folded |= {form.translate(FOLD): beside for form in _forms(word)}
            else:
                self._exact[word.encode(errors="surrogateescape")] = beside
        # A word that a chunk cuts in two is whole in the next one, with a byte on either side.
        self._overlap = max(map(len, [*self._folded, *self._exact]), default=0) + 1

    def search(self, data: bytes | mmap.mmap) -> bool:
        """Whether one of the words stands in `data`."""
        for start in range(0, len(data), CHUNK):
            begin, end = max(0, start - self._overlap), start + CHUNK + 1
            part, cut = data[begin:end], (begin > 0, end < len(data))
            if _found(self._exact, part, *cut) or _found(self._folded, part.translate(FOLD), *cut):
                return True
        return False

    def named(self, text: str) -> bool:
        """Whether one of the words stands in `text`."""
        return self.search(text.encode(errors="surrogateescape"))


def signs_vary(word: str) -> bool:
    """Whether another sign between the parts of an id leaves it the same."""
    letters = re.search(r"[^\W\d_]", word)
    return bool(letters) or sum(map(str.isdecimal, word)) >= FEWEST_DIGITS


def _forms(word: str) -> Iterator[bytes]:
    """The bytes of a word whose letters are large, small or both, and composed or not."""
    for cased in {word, word.lower(), word.upper()}:
        for form in ("NFC", "NFD"):  # file systems write ä in one way or the other
            yield unicodedata.normalize(form, cased).encode(errors="surrogateescape")


def _found(words: dict[bytes, frozenset[int]], data: bytes, begun: bool, goes_on: bool) -> bool:
    """Whether a word stands in `data`, before which, or after which, there may be more bytes."""
    # Not as one regular expression, which is ten times slower, and each time for every word.
    for word, beside in words.items():
        at = data.find(word)
        while at >= 0:
            end = at + len(word)
            before = data[at - 1] in beside if at else begun
            after = data[end] in beside if end < len(data) else goes_on
            if not (before or after):
                return True
            at = data.find(word, at + 1)
    return False
