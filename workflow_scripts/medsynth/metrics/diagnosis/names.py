"""Columns that are called like the target: by its heading, or by a gene or a word that both have.

Words are compared, not letters: ``midhinge`` is no IDH. Words that headings of all kinds have
(GENERIC) say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GENERIC = frozenset(
    """
    status state type subtype kind class category group cluster code label target diagnosis result
    value level score index number count test assay name id flag any other all overall
    mut mutation mutations mutated mutant mutants variant wt wild wildtype altered alteration
    methylated unmethylated methylation promoter gene genes genetic molecular marker biomarker
    chr chromosome arm co whole sequencing
    expression expressed dna rna rnaseq mrna protein ihc fish cnv cna copy copies loss lost
    gain gained amp amplified amplification del deleted deletion fusion signature pathway
    yes no not non none true false positive negative pos neg present absent unknown normal abnormal
    high low intermediate is has had was at of the in and or for by with to from before after
    tumor tumour tumors tumours neoplasm neoplasms cancer disease lesion tissue sample specimen
    patient patients person case study image scan cohort primary secondary initial first last new
    clinical pathologic pathological pathology histologic histological histology
    age sex gender date time year years month months day days event size volume
    """.split()
)
ALIKE = {r"idh\d?": "idh", r"codel.*|1p|19q": "1p/19q"}  # names of one thing: that of all
STATED = r"(?<=...)(?:mut(?:ations?|ated|ants?)?|wildtype|wt|meth|status)"  # as in idhmut
ROOT = re.compile(rf"(?:chr(?=\d)|non(?=...))?(.+?)(?:{STATED})?")
SURVIVAL = re.compile(
    r"surviv(?!in)|censor|vital.?stat|death|dead|deceased|died|alive|follow.?up"
    r"|(^|[\W_])(os|pfs|dfs|dss|last.?contact)([\W_]|$)"
)
EXPRESSED = re.compile(r"(?<![a-z])(m?rna|expr|fpkm|tpm)")
FEWEST_LETTERS = 3  # of a gene's family: IDH, of which IDH1 is one


def named_as_label(
    headings: Sequence[str], classes: Sequence[str], columns: Iterable[str]
) -> dict[str, str]:
    """Columns that are called like a label, and why.

    Where classes name some words of the heading, as Codel does in IDH_1P19Q_SUBTYPE, these alone
    are the label's.

    Args:
        headings: of the label's column, if a table has it.
        classes: names.
        columns: headings, or HEADING=WORD.
    """
    of_headings, of_classes = _words(*headings), _words(*classes)
    meant = _shared(of_headings, of_classes)
    return _named(headings, meant or of_headings | of_classes, "label's", columns)


def named_as_survival(headings: Sequence[str], columns: Iterable[str]) -> dict[str, str]:
    """Columns that are called like survival, or like those of the months and the event, and why."""
    columns = list(columns)
    found = {c: "its name is one of survival" for c in columns if SURVIVAL.search(c.casefold())}
    return _named(headings, _words(*headings), "survival's", columns) | found


def _named(
    headings: Sequence[str], words: set[str], whose: str, columns: Iterable[str]
) -> dict[str, str]:
    """A gene's expression is not its mutation: of such columns the values decide."""
    found, whole = {}, {_plain(heading) for heading in headings}
    other = not any(EXPRESSED.search(heading.casefold()) for heading in headings)
    for column in columns:
        heading, _, value = column.partition("=")
        told = value if other and EXPRESSED.search(heading.casefold()) else column
        if _plain(heading) in whole:
            found[column] = f"its name is the {whose}"
        elif shared := _shared(_words(told), words):
            found[column] = f"its name and the {whose} share {', '.join(sorted(shared))}"
    return found


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading).casefold()


def _words(*names: str) -> set[str]:
    """Those that say something, each by the name of all that are ALIKE."""
    found = set()
    for name in names:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
        spaced = re.sub(r"(?<=\d[pq])(?=[a-z\d])", " ", spaced)  # arms of chromosomes: 1p19q
        for whole in re.findall(r"[^\W_]+", spaced):
            root = ROOT.fullmatch(whole)
            assert root  # of one letter or more
            word = root[1]
            if len(word) > 1 and not word.isdigit() and word not in GENERIC:
                same = (of for pattern, of in ALIKE.items() if re.fullmatch(pattern, word))
                found.add(next(same, word))
    return found


def _shared(words: set[str], others: set[str]) -> set[str]:
    """Those that the others have, too; a gene and its family, as IDH1 and IDH, are shared."""
    return {w for w in words if any(w in (o, _family(o)) or o == _family(w) for o in others)}


def _family(word: str) -> str:
    family = word.rstrip("0123456789")
    return family if len(family) >= FEWEST_LETTERS else word
