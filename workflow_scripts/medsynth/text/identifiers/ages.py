"""Forms in which reports tell how old somebody is.

Not sizes ("67 mm"), vertebrae ("T1", "L5"), stages ("M1"), catheters ("24F"), tracers ("F18-FDG"),
codes of diseases ("M54.5"), nor what lasted ("for 5 years", "2 year follow-up").
"""

from __future__ import annotations

import re

_AGED = r"(?:years?|yrs?|y|months?|mos?|weeks?|wks?|days?)"
_TENS = (
    r"(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[\s-](?:one|two|three|four|five|six|seven|eight"
    r"|nine))?|(?:thir|four|fif|six|seven|eigh|nine)teen|ten|eleven|twelve|(?:a |one )?hundred)"
)
_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_NUMBER = r"(?<![\w.,])\d{1,3}"
_LASTED = (
    r"(?![\s-]+(?:history|follow|interval|surviv|smok|pack|period|course|duration|ago|prior|stab))"
)
# Of languages with a word of their own; the lat of Polish is the lateral view of English.
_YEARS = (
    r"yo|y\.o|jahre|jährige\w?|ans|años|anni|anos|jaar|år|årig\w*|éves|lata|vuotta|tuổi|tahun|rokov|vuotias"
    r"|yaşında|χρονών|ετών|лет|года?|років|роки|שנים|سنة|عام"
)
_SEX = (
    r"(?:(?:fe)?male|m[aä]nnlich|weiblich|mann|frau|homme|femme|hombre|mujer|maschio|femmina|vrouw|man"
    r"|woman|gentleman|lady)"
)
_NO_SIZE = (
    r"(?!\s?(?:[x×%°]|(?:mm|cm|ml|cc|mg|g|kg|gy|hu|ms|fr|mci|mbq|hours?|days?|weeks?|months?)\b)"  # noqa: RUF001
    r"|[.,-]\d)"
)
_AGE = r"alter|âge|edad|età|idade|leeftijd|wiek|ålder|ikä|věk|vek|yaş|ηλικία|возраст|вік|العمر|גיל"
_TRACERS = r"(?i:fdg|fluor|fet|dopa|psma|choline|naf|pet|labell?ed)"

FORMS = [
    re.compile(rf"\b\d{{1,3}}(?=[\s-]*{_AGED}\b\.?[\s/-]*o(?:ld)?\b)", re.IGNORECASE),
    re.compile(rf"\b\d{{1,3}}(?=[\s-]*(?:{_YEARS})\b|[\s-]*{_AGED}\s+of\s+age\b)", re.IGNORECASE),
    re.compile(r"(?<!\d)\d{1,3}(?=\s?(?:周?[岁歳歲才]|ปี|[세살]))"),
    re.compile(rf"{_NUMBER}(?=\s?J\.|j\b)"),
    re.compile(
        rf"(?<![\w.,])\d{{2,3}}(?=[\s-]*(?:l[ae]t\b|letni\w*|year\b{_LASTED}))", re.IGNORECASE
    ),
    re.compile(rf"\b{_TENS}(?=[\s-]*(?:{_AGED}(?:[\s-]*old|\s+of\s+age)\b|year\b{_LASTED}))", re.I),
    re.compile(rf"\b{_ONES}(?=[\s-]*{_AGED}(?:[\s-]*old|\s+of\s+age)\b)", re.IGNORECASE),
    re.compile(r"\b\w+(?:zig|zehn|zwölf|elf)(?=-?jährig)", re.IGNORECASE),
    # Above 89 an age tells more than others, in any words.
    re.compile(
        r"\b(?:9\d|1[01]\d)(?=[\s-]*(?:(?:years?|yrs?|y)\b(?!\s+ago)|[yj]\.))", re.IGNORECASE
    ),
    re.compile(
        r"(?P<kept>\b(?:her|his|their|the)\s+(?:(?:early|mid|late)[\s-]+)?)(?:9\d['’]?s|nineties|hundreds)\b",  # noqa: RUF001
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:nonage|cente)narians?\b", re.IGNORECASE),
    # With the sex. Not 24F, a catheter's size, which ends at 40.
    re.compile(rf"{_NUMBER}(?=\s?[MFW]\b\s*(?:,|with\b|w/|s/p\b|presenting\b|who\b))"),
    re.compile(
        r"(?<![\w.,])(?:4[1-9]|[5-9]\d|1[01]\d)(?=\s?[MFW]\b(?!\s+(?i:sheath|catheter|tube|drain)))"
    ),
    re.compile(rf"{_NUMBER}(?=\s?/\s?[MFWmfw]\b|\s?y(?:rs?|ears?)?[\s/,]*[MFmf]\b)"),
    re.compile(r"(?P<kept>\b[MFmf]\s?/)\s?\d{1,3}\b"),
    re.compile(
        rf"(?P<kept>(?<![\w-])[MF])(?!18[\s-]*{_TRACERS})(?:\d{{2}}|1[01]\d)(?![\w-]|\.\d){_NO_SIZE}"
    ),
    re.compile(
        rf"(?P<kept>\b(?:{_SEX}\b[\s,;/]*|(?-i:[MF]),\s?))\d{{2,3}}\b{_NO_SIZE}", re.IGNORECASE
    ),
    re.compile(rf"(?<![\w.,])\d{{2,3}}(?=[\s,;/]+{_SEX}\b)", re.IGNORECASE),
    re.compile(
        rf"(?P<kept>\b(?:{_AGE})(?:\s?\([^()\d]{{1,12}}\))?(?:\s?[:：=]|\s(?:(?:von|van|de|di)\b)?))"  # noqa: RUF001
        r"\s*\d{1,3}(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<kept>(?:年[龄齡齢]|나이|연령)\s?[:：=]?)\s*\d{1,3}(?!\d)"),  # noqa: RUF001
    re.compile(r"(?<=\baged)[\s:=]+\d{1,3}y?\b|(?<=\bage)[\s:=]+\d{1,3}y?\b", re.IGNORECASE),
]
