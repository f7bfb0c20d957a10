"""Forms in which reports name people: after titles, before degrees, where one signs or is told of.

Where letters are all large or all small a name cannot be told from other words: up to three are
taken, and a word that stands in no name ends them. Too much is masked rather than too little.

What no form sees: a name without a title whose given name is none of :data:`.names.GIVEN`, in a
sentence that says nothing that is said of people alone ("Okonkwo: the heart is large"; in letters
of one size "seen by zorblatt", too). It is left to the mask of rare words, which holds a name of
one patient and lets through one that many texts have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from medsynth.text.identifiers import others
from medsynth.text.identifiers.names import GIVEN, ORDINARY, PERSONS

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
_BUT = rf"(?!(?i:{_STOPS}|{PERSONS}|{ORDINARY})\b)"  # words that stand in no name
_BEGIN = r"(?<![\w'’/-])"  # noqa: RUF001
_LISTED = r"(?:\s*(?:,\s*and\b|,|&|\b(?i:and|und)\b)\s*"

_AFTER = r"(?:\s*[.:]\s*|\s+)[\"“(*]*"
# Dr. med. habil., and any other abbreviation between it and the name: Dr. rer. nat. Roe
_MORE = (
    r"(?:(?i:med|phil|univ|habil|rer|nat|dent|vet|pharm|h\.?c|pd|priv|doz|dipl|mag|dr|prof)"
    r"\b\.?[\s-]*)*"
)
_CHAIN = rf"{_MORE}(?:[^\W\d_A-Z]{{1,8}}\.\s*|(?i:dr|prof)\b\.?\s*)*"
# Becker, R. and Becker, Ruth at the end of what is said
_SECOND = (
    rf"(?:,[ \t]*(?!(?i:dr|prof)\b)(?:(?:{_CAPITAL}\.-?\s?)+(?![\w.])"
    rf"|{_CAPITAL}[^\W\d_]+(?=[ \t]*(?:[.;)]|$))))?"
)
# As written they are titles; in other capitals MR is magnetic resonance, MS a disease, miss a verb.
_WRITTEN = r"Mr|Ms|Miss|Herrn?|Frau|HERRN?|FRAU|Sir|Mlle|Monsieur|Madame|Hr"
_ALWAYS = r"(?i:drs?|mrs|messrs|prof|professor|doctor|mme|dott|dra|sra)"
_DOTTED = r"(?i:mr|ms)(?=\.)"
_DEGREE = (
    r"(?:(?i:M\.?D|Ph\.?D|FRCR|MRCP|FACR|FRANZCR|MBBS|MBChB|MBBCh|BSc|MSc|MPH|CRNP|APRN|DNP)"
    r"|R\.?N|D\.O|N\.P|P\.A|PA-C|RT\(R\))(?!\w)"
)
_DEGREES = rf",?\s+{_DEGREE}|,\s+(?:DO|NP|PA|LPN)\b"
_DOCTOR = r"(?i:m\.?d|ph\.?d)\b"
_THREE = r"[^\W\d_][\w'’.-]*+(?:,?[ \t]+[\w'’.-]++){0,2}?"  # noqa: RUF001
_SIGNED = (
    "signed|read|dictated|reported|reviewed|approved|verified|transcribed|interpreted|attested"
    "|finalized|authenticated|typed"
)
_OFFICES = (
    r"attending|radiologist|resident|fellow|(?:[a-z]+ )?(?:physician|provider|clinician)"
    r"|technologist|transcriptionist|(?:patient(?:['’]s)? |sur|last |first )?name"  # noqa: RUF001
)

# Who signs, or asks for the image, in other languages and without a noun; before a colon alone.
_PHYSICIANS = (
    "radiolog(?:e|in|o|a|ue)|radiólog[oa]|(?:fach|ober|chef|assistenz|haus)?(?:arzt|ärztin)"
    "|(?:über|zu)weisender? (?:arzt|ärztin)|médecin|médic[oa]|lekarz|läkare|radioloog|врач"
)
_SIGNS = (
    rf"{_PHYSICIANS}|referring|requesting|ordering|signature|unterschrift|befunder(?:in)?"
    "|zuweiser(?:in)?|überweiser(?:in)?|untersucher(?:in)?|patientin|paciente|paziente|vorname"
    "|nachname|nom|prénom|nombre|apellidos?|nome|cognome|naam|namn|prescripteur|medico|firma(?:do)?"
    "|lege|arts|пациент|фио|姓名|患者|医师|签名"
)
_SIGNED_ABROAD = (
    r"(?:befundet|gelesen|vidiert|freigegeben|validiert|signiert|unterschrieben|unterzeichnet|diktiert"
    r"|geschrieben|erstellt|verfasst|überwiesen|zugewiesen)\s+(?:von|durch)"
    r"|(?:signé|validé|dicté|rédigé|lu|interprété)e?\s+par|(?:firmado|informado|validado|dictado)\s+por"
    r"|(?:firmato|refertato|validato)\s+da"
)

_CAPITALISED = rf"{_CAPITAL}(?:['’]{_CAPITAL})?[a-zß-öø-ÿ]"  # noqa: RUF001
_MIXED = rf"(?={_CAPITALISED}){_BUT}{_CAPITAL}[\w'’-]*+"  # noqa: RUF001
_MIXEDS = rf"{_MIXED}(?:\s+(?:{_PARTICLES}{_MIXED}|{_CAPITAL}\b\.?)){{0,2}}"
_SOMEONE = rf"{_BUT}{_ANY}(?:\s+{_BUT}{_ANY}){{0,2}}"
_SIGNING = (  # on one line
    rf"{_BUT}{_ANY}(?:(?:[ \t]+|[ \t]*/[ \t]*){_BUT}{_ANY}){{0,2}}(?:,[ \t]*{_ON_LINE})?"
)
# Not "20 ms", nor "may miss".
_BARE = (
    r"(?<!\d)(?<!\d\s)(?i:mr|ms|frau)"
    r"|(?<!\bto )(?<!\bmay )(?<!\bnot )(?<!\bcan )(?<!\bcould )(?<!\bmight )(?<!\bwould )"
    r"(?<!\bwill )(?<!\bnear )(?i:miss)|(?i:herrn?|nurse|sir|mister|madam)"
)
_TOLD = (
    r"discussed|communicated|conveyed|relayed|telephoned|reported|spoken?|paged|notified|informed"
    r"|called|contacted|emailed|reviewed|d/w"
)
_DONE = r"seen|examined|evaluated|requested|ordered|performed|placed|inserted|supervised"
_DOES = (
    r"(?:(?:was|is|has\s+been)\s+(?:admitted|discharged|referred|notified"
    r"|informed|called|paged|contacted|intubated|extubated|transferred|an?\s+\d)"
    r"|presented|presents|complain(?:s|ed)|denie[sd]|underwent|agree[sd]|acknowledge[sd]|died|fell)\b"
    r"|,?\s*(?:an?\s+)?\d{1,3}[\s-]*(?:years?|yrs?|y/?o|y\.o|(?:months?|days?)\s+old)\b"
)
_BORN = (  # Roe (67 J., geb. …
    r"[,(]\s*(?:\d{1,3}\s?J(?:\.|ahre)[,;]?\s*)?(?i:geb|geboren|née?|nacid[oa]|nat[oa]|born|dob)\b"
)

FORMS = [
    re.compile(rf"\b(?i:drs|messrs){_AFTER}{_NAMES}{_LISTED}{_NAMES})+"),
    re.compile(rf"\b(?i:drs|messrs){_AFTER}{_ANY}{_LISTED}{_ANY})+"),
    re.compile(rf"{_BEGIN}{_MIXEDS}(?=,\s+(?i:dr|prof)\b)"),  # Roe, Dr.
    re.compile(  # ROE, DR. at the end of a line
        rf"{_BEGIN}(?=[^\W\d_][\w'’-]*+,[ \t]+(?i:dr|prof)\b\.?[ \t]*$){_BUT}{_CAPITAL}[\w'’-]*+",  # noqa: RUF001
        re.MULTILINE,
    ),
    re.compile(
        rf"\b(?:{_ALWAYS}|{_DOTTED}|{_WRITTEN}){_AFTER}{_CHAIN}{_NAMES}{_SECOND}", re.MULTILINE
    ),
    re.compile(rf"\b(?:{_ALWAYS}|{_DOTTED}){_AFTER}{_MORE}{_PARTICLES}{_ANYONE}"),
    *others.FORMS,
    re.compile(rf"{_BEGIN}{_NAMES}(?={_DEGREES})"),
    re.compile(rf"{_BEGIN}(?:{_NAME}[ \t]+)?{_NAME},\s+_+(?=\s*{_DEGREES})"),  # Roe, Jane J., MD
    re.compile(
        rf"{_BEGIN}(?={_THREE},?[ \t]+{_DOCTOR})"
        rf"(?:{_ANY},?[ \t]+){{0,2}}{_BUT}{_ANY}(?=,?[ \t]+{_DOCTOR})"
    ),
    re.compile(rf"{_BEGIN}{_MIXED}\s+{_MIXEDS}(?=,\s+(?i:{_OFFICES}|{_PHYSICIANS})\b)"),
    # Who signs has many patients.
    re.compile(
        rf"\b(?P<kept>(?i:{_SIGNED})\s+(?i:(?:electronically|digitally)\s+)?(?i:by)\b)\s*:?\s+{_GOES_ON}{_NAMES}(?:,\s+{_NAMES})?"
    ),
    re.compile(
        r"\b(?P<kept>(?i:signed|dictated|transcribed|attested|finalized)\s+(?i:by)\b)\s*:?\s+"
        rf"{_ANYONE}"
    ),
    re.compile(
        r"\b(?P<kept>(?i:reported|read|interpreted|approved|verified|authenticated|typed)\s+(?i:by)\b)"
        rf"(?:\s*:\s*{_ANYONE}|\s+{_SOMEONE})(?:,\s+{_SOMEONE})?"
    ),
    re.compile(
        r"(?P<kept>\b(?i:e?-?signed|dictated|transcribed|typed|attested|approved|verified|finalized"
        rf"|authenticated|cc):|/s/)[ \t]*{_SOMEONE}(?:,[ \t]*{_ON_LINE})?"
    ),
    re.compile(rf"\b(?P<kept>(?i:{_SIGNED_ABROAD})\b\s*:?)\s+{_SIGNING}"),
    re.compile(rf"\b(?P<kept>(?i:gez)\.:?)\s*{_SIGNING}"),
    re.compile(rf"\b(?P<kept>(?i:signed))[ \t]+(?={_CAPITAL}){_SIGNING}"),
    re.compile(rf"\b(?P<kept>(?i:{_SIGNS})\s?[:：])[ \t]*{_SIGNING}"),  # noqa: RUF001
    re.compile(
        rf"\b(?P<kept>(?i:sincerely|regards|gr(?:ü|ue)(?:ß|ss)en|cordialement|saludos),?)\s+{_SOMEONE}"
    ),
    re.compile(rf"\b(?P<kept>(?i:{_OFFICES}):)[ \t]*{_ON_LINE}(?:,[ \t]*{_ON_LINE})?"),
    re.compile(rf"\b(?P<kept>(?i:{_OFFICES})) [-–—] {_SOMEONE}(?:,[ \t]*{_ON_LINE})?"),  # noqa: RUF001
    re.compile(rf"\b(?P<kept>(?i:{_OFFICES})),?\s+{_MIXEDS}"),
    re.compile(rf"\b(?P<kept>(?i:patient|pt)\.?:)[ \t]*{_SOMEONE}(?:,[ \t]*{_SOMEONE})?"),
    # Titles without a full stop, however they are written.
    re.compile(rf"\b(?:{_BARE})\s+{_SOMEONE}"),
    # Given names and their initials, with the names around them.
    re.compile(rf"{_BEGIN}(?<![°º])(?:{_CAPITAL}\.\s?){{1,3}}{_MIXED}"),
    re.compile(rf"{_BEGIN}{_NAME},\s+(?=(?i:{GIVEN})\b)"),
    re.compile(rf"{_BEGIN}(?i:{GIVEN})\b(?!-)(?:(?:\s+{_GOES_ON}{_NAME}){{1,2}}|\s+{_BUT}{_ANY})?"),
    # What is said of people alone.
    re.compile(rf"\b(?P<kept>[Pp]atient,?|[Pp]t\.?)\s+{_MIXEDS}"),
    re.compile(rf"{_BEGIN}{_MIXEDS}(?=\s*{_BORN})"),
    re.compile(rf"{_BEGIN}{_MIXEDS}(?=\s*{_DOES})"),
    re.compile(rf"{_BEGIN}{_MIXED}\s+{_MIXEDS}(?=\s+(?:was|is|has\s+been)\s+(?:{_DONE})\b)"),
    re.compile(rf"\b(?P<kept>(?i:{_TOLD})\s+(?i:with|to|by)|(?i:{_DONE})\s+(?i:by))\s+{_MIXEDS}"),
    re.compile(rf"\b(?P<kept>(?i:notified|informed|paged|contacted))\s+{_MIXEDS}"),
    re.compile(
        r"\b(?P<kept>(?i:discussed|spoken?|communicated|conveyed|relayed|telephoned)"
        rf"\s+(?i:with|to)|(?i:d/w))\s+{_SOMEONE}"
    ),
]

_TITLES = (
    r"drs?|mr|mrs|ms|messrs|prof|mme|dott|dra|sra|miss|herrn?|frau|sir|mlle|monsieur|madame|hr|med"
)
_TOLD_WORD = re.compile(rf"{_BUT}(?!(?i:{_TITLES})\b)[^\W\d_](?:[\w-]|['’](?!s\b)){{2,40}}")  # noqa: RUF001


def words_told(found: str) -> set[str]:
    """The words of what a form found that may be of the name, and the parts of double names.

    Not those of a further line, of which a form may take the beginning; and where letters are all
    large or all small only the first, since forms take more than the name there.
    """
    lines = (_TOLD_WORD.findall(line) for line in found.splitlines())
    words = [word for word in next(filter(None, lines), []) if word.lower() != word.upper()]
    mixed = [word for word in words if re.match(_CAPITALISED, word)]
    names = mixed or words[:1]
    return {*names, *(part for name in names for part in name.split("-") if len(part) > 2)}


def elsewhere(words: Iterable[str]) -> re.Pattern[str]:
    """The form of these words wherever they stand, with the capitalised words beside them."""
    spelt = {form for word in words for form in (word, word.title(), word.upper())}
    names = "|".join(map(re.escape, sorted(spelt, key=len, reverse=True)))
    return re.compile(
        rf"{_BEGIN}(?:{_MIXED}[ \t]+){{0,2}}(?:{names})(?![^\W_])(?:,?[ \t]+{_MIXED}(?![\w]))?"
    )
