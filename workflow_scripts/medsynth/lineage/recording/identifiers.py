"""Known patients' ids, so that no wildcard, parameter, path or rule name carries one away.

What names a job goes into the ledger, into MLflow and into file names. The collector keeps the
keys of all patients whose data an artifact holds in ``lineage/patients.db``; a text is taken
apart into all that may be an id in it, and each is looked up by its key, so that no list of ids
lies anywhere. Standard library only, because jobs wait for this.
"""

from __future__ import annotations

import hmac
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from medsynth.lineage.recording.spool import lineage_dir

STARRED = "(the id of a patient)"
# Pieces of which ids are made; TCGA-02-0001 has three, a DICOM UID up to a dozen.
PIECE = re.compile(r"[0-9]+|[^\W\d_]+")
MOST_PIECES = 12
SIGNS = re.compile(r"[._ ]")  # for hyphens
# Shorter numbers are counts, indices and steps; ids may be 2, 5 and 12.
FEWEST_DIGITS = 5
# With fewer, and no letter, the signs tell numbers apart: patient 3-5 is not 3.5 years old.
FEWEST_DIGITS_WITH_SIGNS = 8
HEX = set("abcdefABCDEF")
DIGEST = re.compile(r"[0-9a-f]{32,}")
NUMBER = re.compile(r"[-+]?[0-9]*[.][0-9]+(e[-+]?[0-9]+)?|[0-9.]+e[-+]?[0-9]+", re.IGNORECASE)
AT_ONCE = 500  # keys a query


def patient_key(secret: bytes, patient: str) -> str:
    """HMAC-SHA256 (RFC 2104) of a patient's id, as 64 hex digits."""
    return hmac.digest(secret, patient.encode(), "sha256").hex()


def keys_path(results: str | Path) -> Path:
    return lineage_dir(results) / "patients.db"


def remember(results: str | Path, keys: Iterable[str]) -> None:
    """Add keys to the known ones."""
    with closing(sqlite3.connect(keys_path(results), timeout=60)) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY) WITHOUT ROWID")
        db.executemany("INSERT OR IGNORE INTO keys VALUES (?)", ((key,) for key in keys))


def forget(results: str | Path, key: str) -> None:
    """Take a key out of the known ones."""
    if keys_path(results).exists():
        with closing(sqlite3.connect(keys_path(results), timeout=60)) as db, db:
            db.execute("DELETE FROM keys WHERE key=?", (key,))


def candidates(text: str) -> Iterator[str]:
    """All that may be an id in a text: runs of pieces that stand between other characters.

    A letter may stand beside a number (p10000032), but none that makes it part of a digest. An id
    with a slash is none of a path's, and is found only if it is the whole text.
    """
    if "/" in text:
        yield from _spellings(text)
    for part in set(text.split("/")):
        pieces = list(PIECE.finditer(part))
        for first, piece in enumerate(pieces):
            if _is_joined(part, piece.start()):
                continue
            for last in pieces[first : first + MOST_PIECES]:
                found = part[piece.start() : last.end()]
                if not _is_joined(part, last.end()) and not is_small(found):
                    yield from _spellings(found)


def _spellings(found: str) -> set[str]:
    """An id as it may have been written where it is known: barcodes and names vary."""
    if found.isdecimal():
        return {found}
    spelled = {found, found.upper(), found.lower(), found.title()}
    return spelled | {SIGNS.sub("-", text) for text in spelled} if signs_vary(found) else spelled


def signs_vary(word: str) -> bool:
    """Whether another sign between the parts of an id leaves it the same."""
    letters = re.search(r"[^\W\d_]", word)
    return bool(letters) or sum(map(str.isdecimal, word)) >= FEWEST_DIGITS_WITH_SIGNS


def _is_joined(text: str, place: int) -> bool:
    """Whether the characters around a place belong together as those of a digest do."""
    beside = text[max(place - 1, 0) : place + 1]
    return len(beside) == 2 and beside.isalnum() and bool(HEX & set(beside))


def is_small(text: str) -> bool:
    """Whether it may be any count, index or word as well as an id."""
    return len(text) < (FEWEST_DIGITS if text.isdecimal() else 2 if _has_digit(text) else 3)


def _has_digit(text: str) -> bool:
    return any(character.isdecimal() for character in text)


class KnownPatients:
    """Looks texts up for known patients' ids.

    Args:
        results: whose patients.
        settings: the checked configuration as JSON values; what stands in it is the user's choice
            or the schema's, and no finding.
    """

    def __init__(self, results: str | Path, settings: Any):
        self._results = results
        self._configured = {text for text in _texts(settings) if not text.isdecimal()}
        # A configured folder's inside is no choice of the user's.
        self._folders = sorted((t for t in self._configured if "/" in t), key=len, reverse=True)

    def named_in(self, values: dict[str, Any]) -> set[str]:
        """Names of those `values` (JSON values each) in which a known patient's id stands."""
        secret = lineage_dir(self._results) / "secret"
        if not keys_path(self._results).exists() or not secret.exists():
            return set()
        key = bytes.fromhex(secret.read_text())
        where: dict[str, set[str]] = {}
        for name, value in values.items():
            parts = {part for text in _texts(value) for part in self._parts(text)}
            # Of many paths most parts are the same.
            parts |= {p for part in parts if "/" in part for p in part.split("/")}
            for part in parts:
                for candidate in candidates(part) if "/" not in part else _spellings(part):
                    where.setdefault(candidate, set()).add(name)
        found: dict[str, set[str]] = {}
        for candidate, names in where.items():
            found.setdefault(patient_key(key, candidate), set()).update(names)
        keys = list(found)
        with closing(sqlite3.connect(keys_path(self._results), timeout=60)) as db:
            known = [
                row[0]
                for start in range(0, len(keys), AT_ONCE)
                for row in db.execute(
                    "SELECT key FROM keys WHERE key IN"
                    f" ({','.join('?' * len(keys[start : start + AT_ONCE]))})",
                    keys[start : start + AT_ONCE],
                )
            ]
        return set().union(*(found[key] for key in known))

    def _parts(self, text: str) -> Iterator[str]:
        """What of a text was not configured."""
        if text in self._configured or DIGEST.fullmatch(text) or NUMBER.fullmatch(text):
            return
        for folder in self._folders:
            if text.startswith(f"{folder}/"):
                text = text.removeprefix(folder)
                break
        kept = [part for part in text.split("/") if part not in self._configured]
        yield "/".join(kept)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too; numbers are none."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield str(key)
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, str):
        yield value
