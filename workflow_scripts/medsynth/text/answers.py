"""What structured reports ask and answer, as sentences: "effusion: none", "effusion (+)".

Regular expressions of lower-case text.
"""

from __future__ import annotations

import re

_SIDE = (
    r"left|right|l|r|bilateral(?:ly)?|sides?|lungs?|apex|apices|apical|bases?|basal|lobes?|zones?"
    r"|hemithorax|lower|upper|middle|mid"
)
_SEEN = (
    r"(?:seen|visible|visuali[sz]ed|identified|present|demonstrated|evident|apparent|observed"
    r"|appreciated|detected|noted|found|suspected)"
)
_NEGATIVE = (
    rf"no|nil|none|absent|n|n/a|negative|neg|[-–—](?:ve)?|0(?!\.\d)|false|gone|resolved|cleared"  # noqa: RUF001
    rf"|unlikely|very unlikely|not (?:\w+ )?(?:{_SEEN}|likely)(?: (?:n?or|and) {_SEEN})?"
    rf"|no longer {_SEEN}|never {_SEEN}|nothing|not applicable"
    r"|(?:(?:has|have|is|are) )?(?:been )?(?:\w+ly )?(?:resolved|cleared|gone|disappeared|ruled out"
    r"|excluded)|no (?:\w+ ){0,2}(?:evidence|signs?|suspicion|indication)(?: of (?:it|this|these))?"
)
_POSITIVE = (
    r"yes|y|positive|pos|\+(?:ve)?|1(?!\.\d)|true|present|possible|probable|questionable|equivocal"
    r"|suspected|likely|uncertain|borderline(?: enlarged| in size)?"
    r"|top[- ]normal|(?:at )?(?:the )?upper limits?(?: of normal)?"
    r"|(?:not )?(?:\w+ly )?(?:enlarged|large|increased|widened|prominent|normal|unremarkable)"
    r"(?: \w+ly)?(?: (?:in )?size)?"
    r"|(?:cannot|can not) be (?:excluded|ruled out)|not (?:excluded|ruled out)"
)
# Nothing but how much of what was named there is, and where: "small on the right".
_AMOUNT = (
    rf"(?:no|none|nil|absent|negative|positive|yes|{_SEEN}|some|one|two|several|few|multiple|trace"
    r"|tiny|small|minimal|mild|moderate|large|massive|slight|subtle|new|old|stable|unchanged"
    r"|persistent|resolved|possible|probable|questionable|likely|unlikely|uncertain|excluded)"
)
_WORD = rf"(?:{_AMOUNT}|{_SIDE}|on|in|at|the|a|an|and|only|is|not|can|cannot|be)"
_PART = (
    rf"(?=[^.,;:\n]{{0,80}}\b{_AMOUNT}\b)(?=[^.,;:\n]{{0,80}}\b(?:{_SIDE})\b)"
    rf"{_WORD}\b(?:[ \t]+{_WORD}\b){{1,9}}(?=[ \t]*(?:[.,;\n]|$))"
)
# "On the left" of "none on the left, small on the right".
WHERE = re.compile(rf"\W*(?:{_WORD}\b\W*)*")
PART = re.compile(rf"\W*({_PART})\W*")
_NEXT_PART = re.compile(rf"(?:[,/]|\b(?:and|but|except))[ \t]+(?={_PART})")
_ANSWERED_IN_PART = re.compile(rf"(?<=\w)[ \t]*:[ \t]*(?!none|nil|absent)(?={_PART})")
# "(+) effusion (-) edema"; after a word the sign would answer it.
_SIGNS_BEFORE = re.compile(r"(?m)(?:^|(?<=[.;,]))[ \t]*((?:\([-+]\)[^()\n.;]+)+)")
_SIGN_BEFORE = re.compile(r"\(([-+])\)([^()]+)")
_STOP = r"[ \t]*(?:[.,;)\n]|$)"
_MORE_SIGNS = rf"(?:[ \t]+\w+(?: \w+)?[ \t]+[-+]){{1,20}}{_STOP}"
_END = (
    rf"(?={_STOP}|{_MORE_SIGNS}|[ \t]\w+(?: \w+)?[:=]|[ \t]+(?:on|in|at)\b"
    rf"|[ \t]+(?:left|right|bilaterally){_STOP})"
)
_ANSWERED = re.compile(
    rf"(?<=\w)(?:\s*[:=?(|]|\s+[-–—](?=\s)|\s+(?=[-+](?:ve\b|{_STOP}|{_MORE_SIGNS})))\s*"  # noqa: RUF001
    rf"(?:(?:none|nil|absent)\b(?: {_SEEN})?|(?:{_NEGATIVE}){_END}|(?P<given>{_POSITIVE}){_END})"
    r"[ \t]*\)?"
)
# What is then written in one way.
_SPELLED = {
    re.compile(r"\N{MINUS SIGN}"): "-",
    re.compile(r"\[([-+])\]"): r"(\1)",
    re.compile(
        rf"\b(left|right|l|r)[ \t]*(?::|[ \t][-–—][ \t])[ \t]*(?={_AMOUNT}{_STOP})"  # noqa: RUF001
    ): r"\1 ",
    re.compile(r"\((left|right|l|r)\)"): r" \1 ",
    re.compile(
        r"(?:(?<=[:.,;])|(?<=left)|(?<=right))[ \t]*(?:(?<=:)\?|(?<=: )\?|unclear\b|obscured\b"
        r"|indeterminate\b|(?:not|cannot be|can not be) (?:\w+ )?(?:assess|evalua)\w+)"
    ): " uncertain",
    # What the answer names again: "effusion: no effusion".
    re.compile(r"\b(\w{4,})[ \t]*:(?=[^.;:\n]{0,80}\b\1)"): ". ",
}


def as_sentences(text: str) -> str:
    """The text with each answer a sentence that names what was asked.

    A side that is answered by itself is one, too: a :data:`PART`, maybe after a :data:`WHERE`.
    """
    for written, spelled in _SPELLED.items():
        text = written.sub(spelled, text)
    text = _SIGNS_BEFORE.sub(lambda signs: _SIGN_BEFORE.sub(_of_sign, signs[1]), text)
    text = _ANSWERED_IN_PART.sub(" ", _NEXT_PART.sub(". ", text))
    return _ANSWERED.sub(lambda found: f" is {found['given'] or 'none'}. ", text)


def _of_sign(found: re.Match[str]) -> str:
    return f"{found[2].strip(' ,')} is {'none' if found[1] == '-' else 'present'}. "
