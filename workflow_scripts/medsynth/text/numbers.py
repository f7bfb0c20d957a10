"""Forms in which reports hold dates, times, ages, addresses and numbers of records."""

from __future__ import annotations

import re

_MONTHS = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]v(?:rier)?|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril"
    "|abril|may|mai|mayo|june?|juni?|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|août|agosto"
    "|sept?(?:ember|embre|iembre)?|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?"
    "|de[cz](?:ember)?|d[ée]cembre|diciembre|enero|febrero"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?"
_BETWEEN = r"[\s./-]*(?:(?:of|de)\s+)?"
_AGED = r"(?:years?|yrs?|y|months?|mos?|weeks?|wks?|days?)"

FORMS = [
    re.compile(r"[^\s@]{1,64}\s?(?:@|\(at\))\s?\S+(?:\s?\.\s?\w+)?|\b(?:https?://|www\.)\S+"),
    re.compile(r"\bx{3,}\b", re.IGNORECASE),  # as Open-i marks
    re.compile(
        r"\b(?P<kept>(?:mrn|ssn|acc(?:ession)?|pager|ext|tel|phone|fax|id)\b[.:#]*)\s*(?:no\b\W*)?"
        r"(?:[a-z]{0,4}[\s-]?\d[\w/.-]*)(?:\s\d+)*",
        re.IGNORECASE,
    ),
    re.compile(r"\b0\d-\d{2}\b"),  # a day or a month; sizes have no 0 before them
    re.compile(rf"\b{_DAY}{_BETWEEN}(?:{_MONTHS})\b\.?(?:[\s,./-]*(?:de\s+)?\d{{2,4}}\b)?", re.I),
    re.compile(rf"\b(?:{_MONTHS})\b[\s./-]*{_DAY}\b(?:[\s,./-]*\d{{2,4}}\b)?", re.I),
    re.compile(rf"\b(?:{_MONTHS})\b[\s.,/-]*(?:of\s+)?\d{{4}}\b", re.I),
    re.compile(r"\b\d{1,4}/\d{1,4}(?:/\d{1,4})?\b"),
    re.compile(r"\b\d{1,2}(?::\d{2}){1,2}(?:\s*[ap]\.?m\b\.?)?", re.IGNORECASE),
    re.compile(r"\b\d{1,2}\s*(?:[ap]m\b|[ap]\.m\b\.?)", re.IGNORECASE),
    re.compile(r"\b\d+(?:[\s./-]+\d+){2,}\b"),  # 15.7.2019, 555 123 4567
    re.compile(rf"\b\d{{1,3}}(?=[\s-]*{_AGED}\b\.?[\s/-]*o(?:ld)?\b)", re.IGNORECASE),
    re.compile(r"\b\d{1,3}(?=[\s-]*(?:yo|y\.o|jahre|jährige\w?|ans|años)\b)", re.IGNORECASE),
    # Not 24F, a catheter's size.
    re.compile(r"\b\d{1,3}(?=\s?[MF]\b\s*(?:,|with\b|w/|s/p\b|presenting\b|who\b))"),
    re.compile(r"(?<=\baged)[\s:=]+\d{1,3}\b|(?<=\bage)[\s:=]+\d{1,3}\b", re.IGNORECASE),
]
