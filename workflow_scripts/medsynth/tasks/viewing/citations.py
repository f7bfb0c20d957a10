"""Sources from BibTeX files: the entries as they stand there, and in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_ENTRY = re.compile(r"@(\w+)\{([\w-]+),\n(.*?)\n\}", re.S)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.M)


class Source(NamedTuple):
    """An entry of a BibTeX file."""

    key: str
    bibtex: str
    fields: dict[str, str]

    @property
    def words(self) -> str:
        """As in: Zhu et al. 2017, Unpaired Image-to-Image Translation."""
        names = [author.partition(",")[0] for author in self.fields["author"].split(" and ")]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        where = self.fields.get("journal") or self.fields.get("booktitle") or ""
        said = f"{who} {self.fields['year']}, {self.fields['title']}"
        return (f"{said}, {where}" if where else said).replace("{", "").replace("}", "")


def sources(file: Path) -> dict[str, Source]:
    """The entries of a BibTeX file by key, see :func:`parsed`."""
    return parsed(file.read_text(), file.as_posix())


def parsed(text: str, file: str) -> dict[str, Source]:
    """The entries of a BibTeX file by key.

    Args:
        text: one field a line, as in ``  title = {…},``, and a closing brace of its own line.
        file: its name, for errors.

    Raises:
        ValueError: an entry has no author, title or year, or stands in another form.
    """
    found = {}
    for entry in _ENTRY.finditer(text):
        fields = dict(_FIELD.findall(entry[3]))
        if missing := {"author", "title", "year"} - fields.keys():
            raise ValueError(f"{file}: {entry[2]} lacks {', '.join(sorted(missing))}; add it")
        found[entry[2]] = Source(entry[2], entry[0], fields)
    if len(found) != text.count("@"):
        raise ValueError(f"{file}: an entry is not written one field a line; mend its layout")
    return found
