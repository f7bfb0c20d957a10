"""Ids as people and programs write them: in any letter case, with any sign between their parts.

R writes points for the hyphens of TCGA-02-0001, file systems underscores, people blanks. Letters
beyond ASCII are written in each format's own way: in JSON as u00fc, in URLs as %C3%BC, in XML as
&#252;, in older tables in one byte, in NumPy's texts in four.
"""

from __future__ import annotations

import html.entities
import json
import mmap
import re
import string
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator

from medsynth.lineage.recording.identifiers import signs_vary

CHUNK = 1 << 22  # bytes folded at once
FOLD = bytes.maketrans(
    string.ascii_uppercase.encode() + b"._ ", string.ascii_lowercase.encode() + b"---"
)
DIGITS, HEX_DIGITS = frozenset(b"0123456789"), frozenset(b"0123456789abcdefABCDEF")
LETTERS = frozenset(string.ascii_letters.encode())
WIDEST = 4  # bytes a letter
PLAIN = re.compile(r"[A-Za-z0-9._-]+")


class Words:
    """Finds any of some ids in bytes, but not inside a longer number, digest or name.

    Args:
        words: ids; empty ones are passed over.
        but: longer ids of somebody else, as P1-2 is beside P1: what stands in one is not found.
        loose: find numbers beside the letters of a digest, too, as in `a10`, and names in longer
            ones: a proof may find too much, but not too little.
    """

    def __init__(
        self, words: Iterable[str], *, but: Iterable[str] = (), loose: bool = False
    ) -> None:
        self._folded: dict[bytes, frozenset[int]] = {}
        self._exact: dict[bytes, frozenset[int]] = {}
        for word in filter(None, words):
            beside = _beside(word, loose)
            if signs_vary(word):
                self._folded |= {form.translate(FOLD): beside for form in _forms(word)}
            else:
                self._exact[word.encode(errors="surrogateescape")] = beside
        self._but = Words(but) if (but := list(but)) else None
        # A word that a chunk cuts in two is whole in the next one, with a letter on either side.
        both = [*self._folded, *self._exact]
        both += [*self._but._folded, *self._but._exact] if self._but else []
        self._overlap = (max(map(len, both), default=0) + 1) * WIDEST

    def search(self, data: bytes | mmap.mmap) -> bool:
        """Whether one of the words stands in `data`, whatever the width of its letters."""
        if not self._folded and not self._exact:
            return False
        for start in range(0, len(data), CHUNK):
            begin, end = max(0, start - self._overlap), start + CHUNK + WIDEST
            part, cut = data[begin:end], (begin > 0, end < len(data))
            if self._stands_in(part, *cut):
                return True
            # UTF-16 and UTF-32 fill letters up with zeros.
            if b"\0" in part and self._stands_in(part.translate(None, b"\0"), *cut):
                return True
        return False

    def named(self, text: str) -> bool:
        """Whether one of the words stands in `text`."""
        return self.search(text.encode(errors="surrogateescape"))

    def _stands_in(self, data: bytes, begun: bool, goes_on: bool) -> bool:
        folded = data.translate(FOLD)
        others = list(self._but._places(data, folded, begun, goes_on)) if self._but else []
        return any(
            not any(first <= start and end <= last for first, last in others)
            for start, end in self._places(data, folded, begun, goes_on)
        )

    def _places(
        self, data: bytes, folded: bytes, begun: bool, goes_on: bool
    ) -> Iterator[tuple[int, int]]:
        """Where the words stand in `data`, before which, or after which, there may be more."""
        # Not as one regular expression, which is ten times slower, and each time for every word.
        for words, text in ((self._exact, data), (self._folded, folded)):
            for word, beside in words.items():
                at = text.find(word)
                while at >= 0:
                    end = at + len(word)
                    first = text[at - 1] in beside if at else begun
                    last = text[end] in beside if end < len(text) else goes_on
                    if not (first or last):
                        yield at, end
                    at = text.find(word, at + 1)


def _beside(word: str, loose: bool) -> frozenset[int]:
    """What may not stand beside a word."""
    if loose and word.isdecimal():
        return DIGITS
    # Smith is not in Smithson, but 10000032 is in p10000032.
    is_name = not any(map(str.isdecimal, word))
    return HEX_DIGITS | LETTERS if is_name and not loose else HEX_DIGITS


def _forms(word: str) -> Iterator[bytes]:
    """The bytes of a word whose letters are large, small or both, and composed or not."""
    for cased in {word, word.lower(), word.upper()}:
        for form in ("NFC", "NFD"):  # file systems write ä in one way or the other
            written = unicodedata.normalize(form, cased)
            yield written.encode(errors="surrogateescape")
            if not PLAIN.fullmatch(written):
                yield from _written(written)


def _written(word: str) -> Iterator[bytes]:
    """The bytes of a word as formats write what is not a plain letter."""
    for entity in ("&#{};", "&#x{:x};"):
        yield "".join(c if c.isascii() else entity.format(ord(c)) for c in word).encode()
    name = html.entities.codepoint2name
    yield "".join(f"&{name[ord(c)]};" if ord(c) in name else c for c in word).encode(
        errors="surrogateescape"
    )
    yield json.dumps(word)[1:-1].encode()
    safe = word.encode(errors="surrogateescape")
    yield urllib.parse.quote_from_bytes(safe, safe="").encode()
    yield urllib.parse.quote_plus(safe).encode()
    for coding in ("latin-1", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        # The wide ones of which zeros are no part; the others are found without their zeros.
        if coding == "latin-1" or not _fits_a_byte(word):
            yield from _encoded(word, coding)


def _fits_a_byte(word: str) -> bool:
    return all(ord(letter) < 256 for letter in word)


def _encoded(word: str, coding: str) -> Iterator[bytes]:
    try:
        yield word.encode(coding)
    except UnicodeEncodeError:  # no letter of this coding
        return
