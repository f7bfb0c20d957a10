"""Forms in which reports hold dates, times, addresses and numbers of records."""

from __future__ import annotations

import re

from medsynth.text.identifiers import ages

_MONTHS = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]v(?:rier)?|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril"
    "|abril|may|mai|mayo|june?|juni?|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|août|agosto"
    "|sept?(?:ember|embre|iembre)?|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?"
    "|de[cz](?:ember)?|d[ée]cembre|diciembre|enero|febrero|jänner|feber|gennaio|febbraio|aprile"
    "|maggio|giugno|luglio|settembre|ottobre|novembre|dicembre|janeiro|fevereiro|março|maio|junho"
    "|julho|setembro|outubro|dezembro|januari|februari|maart|mei|augustus|stycznia|lutego"
    "|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
    "|يناير|فبراير|مارس|أبريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|[.°º])?"
_BETWEEN = r"[\s./-]*(?:(?:of|de)\s+)?"
_RECORDS = (
    "accession|case|record|chart|account|unit|visit|encounter|order|exam(?:ination)?|study|specimen"
    "|serial|model|file|registration|insurance|policy|licen[cs]e|patient|hospital|room|bed"
)

FORMS = [
    re.compile(r"[^\s@]{1,64}\s?(?:@|\(at\))\s?\S+(?:\s?\.\s?\w+)?|\b(?:https?://|www\.)\S+"),
    re.compile(r"\bx{3,}\b", re.IGNORECASE),  # as Open-i marks
    re.compile(
        r"\b(?P<kept>(?:mrn|ssn|acc(?:ession)?|pager|ext|tel|phone|fax|id)\b[.:#]*)\s*(?:(?:no|nr|num(?:ber)?)\b\W*)?"
        r"(?:[a-z]{0,4}[\s-]?\d[\w/.-]*)(?:\s[a-z]?\d+)*",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<kept>(?:{_RECORDS}|m\.r\.n\.)(?:\s*#|\s+(?:no\b\.?|nr\b\.?|num(?:ber)?\b)|(?<=m\.r\.n\.)))"
        r"[:#\s]*[a-z]{0,4}[\s-]?\d[\w/.-]*(?:\s[a-z]{0,3}\d+)*",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<kept>room|bed)\s+\d\w*", re.IGNORECASE),
    re.compile(r"\b0\d-\d{2}\b"),  # a day or a month; sizes have no 0 before them
    re.compile(rf"\b{_DAY}{_BETWEEN}(?:{_MONTHS})\b\.?(?:[\s,./-]*(?:de\s+)?\d{{2,4}}\b)?", re.I),
    re.compile(rf"\b(?:{_MONTHS})\b[\s./-]*{_DAY}\b(?:[\s,./-]*\d{{2,4}}\b)?", re.I),
    re.compile(rf"\b(?:{_MONTHS})\b[\s.,/-]*(?:of\s+)?\d{{4}}\b", re.I),
    re.compile(r"(?<!\d)(?:\d{1,2}月(?:\d{1,2}日)?|\d{1,2}日)"),
    re.compile(r"(?<!\w)['’]\d{2}\b"),  # noqa: RUF001
    re.compile(r"\b\d{1,4}/\d{1,4}(?:/\d{1,4})?\b"),
    re.compile(r"\b\d{1,2}(?::\d{2}){1,2}(?:\s*[ap]\.?m\b\.?)?", re.IGNORECASE),
    re.compile(r"\b\d{1,2}\s*(?:[ap]m\b|[ap]\.m\b\.?)", re.IGNORECASE),
    re.compile(r"\b\d+(?:[\s./-]+\d+){2,}\b"),  # 15.7.2019, 555 123 4567
    *ages.FORMS,
]
