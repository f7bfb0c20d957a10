"""Forms in which reports name people: after titles, before degrees, where one signs.

Where letters are all large or all small a name cannot be told from other words: up to three are
taken, and a word that stands in no name (``_STOPS``) ends them. Too much is masked rather than too
little.
"""

from __future__ import annotations

import re

_STOPS = (
    "and|or|at|by|of|on|in|to|the|is|was|were|are|be|been|has|had|have|with|who|for|from|as|that"
    "|this|today|yesterday|am|pm|reviewed|read|signed|seen|notified|called|informed|discussed|paged"
    "|agrees|agree|reports|via|regarding|after|before|findings?|impression|he|she|it|but|not|no"
)
_GOES_ON = rf"(?!(?i:{_STOPS})\b)"
_PARTICLES = (
    r"(?:(?i:van|von|der|den|de|la|del|della|di|da|dos|du|le|el|al|bin|ten|ter|zu)\s+){0,3}"
)
_CAPITAL = r"[^\W\d_a-z]"  # of any alphabet
_NAME = rf"{_PARTICLES}(?:{_CAPITAL}[\w'’/-]++|{_CAPITAL}\b\.?)"  # noqa: RUF001
_NAMES = rf"{_NAME}(?:\s+{_GOES_ON}{_NAME}){{0,2}}"
_ANY = rf"{_GOES_ON}(?:[^\W\d_]\.|[^\W\d_][\w'’-]*+)"  # noqa: RUF001
_ANYONE = rf"{_ANY}(?:\s+{_ANY}){{0,2}}"
_ON_LINE = rf"{_ANY}(?:[ \t]+{_ANY}){{0,2}}"
_BEGIN = r"(?<![\w'’/-])"  # noqa: RUF001
_LISTED = r"(?:\s*(?:,\s*and\b|,|&|\b(?i:and|und)\b)\s*"

_AFTER = r"(?:\s*[.:]\s*|\s+)[\"“(*]*"
_MORE = r"(?:(?i:med|phil|h\.?c|dr|prof)\b\.?\s*)*"
# As written they are titles; in other capitals MR is magnetic resonance, MS a disease, miss a verb.
_WRITTEN = r"Mr|Ms|Miss|MISS|Herrn?|Frau|HERRN?|FRAU|Nurse|NURSE|Sir|Mlle|Monsieur|Madame|Hr"
_ALWAYS = r"(?i:drs?|mrs|messrs|prof|professor|doctor|mme|dott|dra|sra)"
_DOTTED = r"(?i:mr|ms)(?=\.)"
_DEGREES = r",?\s+(?:(?i:M\.?D|Ph\.?D|FRCR|MBBS|MBChB)|R\.?N|D\.O|N\.P|P\.A)\b|,\s+DO\b"
_SIGNED = (
    "signed|read|dictated|reported|reviewed|approved|verified|transcribed|interpreted|attested"
    "|finalized"
)
_OFFICES = (
    r"attending|radiologist|resident|fellow|(?:[a-z]+ )?(?:physician|provider|clinician)"
    r"|technologist|(?:patient(?:['’]s)? |sur|last |first )?name"  # noqa: RUF001
)

FORMS = [
    re.compile(rf"\b(?i:drs|messrs){_AFTER}{_NAMES}{_LISTED}{_NAMES})+"),
    re.compile(rf"\b(?i:drs|messrs){_AFTER}{_ANY}{_LISTED}{_ANY})+"),
    re.compile(rf"\b(?:{_ALWAYS}|{_DOTTED}|{_WRITTEN}){_AFTER}{_MORE}{_NAMES}"),
    re.compile(rf"\b(?:{_ALWAYS}|{_DOTTED}){_AFTER}{_MORE}{_PARTICLES}{_ANYONE}"),
    re.compile(rf"{_BEGIN}{_NAMES}(?={_DEGREES})"),
    re.compile(rf"{_BEGIN}{_ANY}[ \t]+{_ANY}(?=,[ \t]*(?i:m\.?d|ph\.?d)\b)"),
    # Who signs has many patients.
    re.compile(
        rf"\b(?P<kept>(?i:{_SIGNED})\s+(?i:by)\b)\s*:?\s+{_GOES_ON}{_NAMES}(?:,\s+{_NAMES})?"
    ),
    re.compile(
        r"\b(?P<kept>(?i:signed|dictated|transcribed|attested|finalized)\s+(?i:by)\b)\s*:?\s+"
        rf"{_ANYONE}"
    ),
    re.compile(rf"\b(?P<kept>(?i:{_OFFICES}):)[ \t]*{_ON_LINE}(?:,[ \t]*{_ON_LINE})?"),
]
