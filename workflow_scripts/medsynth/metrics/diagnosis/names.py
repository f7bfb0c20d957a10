"""Columns that are called like the target: by its heading, or by a gene or a word that both have.

Words are compared, not letters: ``midhinge`` is no IDH. Words that headings of all kinds have
(GENERIC) say nothing. A word of the label's heading tells of it wherever it stands. Classes are
often ordinary words, and a white cell count tells of no squamous cell carcinoma: see `_tells`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product

GENERIC = frozenset(
    """
    status state type subtype kind class category group cluster code label target diagnosis result
    value level score index number count test assay name id flag any other all overall
    mut mutation mutations mutated mutant mutants variant wt wild wildtype altered alteration
    methylated unmethylated methylation promoter gene genes genetic molecular marker biomarker
    chr chromosome arm co whole sequencing
    expression expressed dna rna rnaseq mrna protein ihc fish cnv cna copy copies loss lost
    gain gained amp amplified amplification del deleted deletion fusion signature pathway
    finding findings yes no not non none true false positive negative pos neg present absent
    unknown normal abnormal high low intermediate
    is has had was at of the in and or for by with to from before after
    tumor tumour tumors tumours neoplasm neoplasms cancer disease lesion tissue sample specimen
    patient patients person case study image scan cohort primary secondary initial first last new
    clinical pathologic pathological pathology histologic histological histology
    age sex gender date time year years month months day days event size volume
    """.split()
)
ALIKE = {r"idh\d?": "idh", r"codel.*|1p|19q": "1p/19q"}  # names of one thing: that of all
STATED = r"(?<=...)(?:mut(?:ations?|ated|ants?)?|wildtype|wt|meth|status)"  # as in idhmut
ROOT = re.compile(rf"(?:(?:chr|del|loss|loh)(?=\d)|non(?=...))?(.+?)(?:{STATED})?", re.IGNORECASE)
CHROMOSOME = r"(?<![a-z])chr(?:om(?:osome)?)?[\W_]*"
ARM = re.compile(rf"({CHROMOSOME}\d+)[\W_]+([pq])(?![a-z\d])", re.IGNORECASE)  # chr_1_p
# All of chromosome 1 or 19, unless it is gained.
WHOLE_1_19 = re.compile(
    rf"(?!.*(?:gain|amp)).*{CHROMOSOME}(?:1|19)(?!\d|[\W_]*[pq](?![a-z]))", re.IGNORECASE
)
# Of a protein or a promoter, written to its gene: idh1r132h, KRASG12, EGFRvIII.
CHANGE = r"\d?(?:[a-z]\d{2,4}(?:[a-z]|fs|del|dup|ins)*|v(?:i{1,3}|iv))"
SURVIVAL = re.compile(
    r"surviv(?!in)|censor|vital.?stat|death|dead(?!line)|deceased|died|alive"
    r"|(^|[\W_])(os|pfs|dfs|dss|last.?contact)([\W_]|$)"
)
FOLLOW_UP = re.compile(r"follow.?up")
LENGTH = {"length", "duration", "start", "end", "contact"}  # of it, which is survival's
OF_OTHERS = re.compile(r"(?<![a-z])(famil|relatives|parent|mother|father|matern|patern|sibling)")
EXPRESSED = re.compile(r"(?<![a-z])(m?rna|expr|fpkm|tpm)")
FEWEST_LETTERS = 3  # of a gene's family: IDH, of which IDH1 is one
TERM = 8  # letters of a word that is a term of medicine rather than of every day


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
    if meant := _shared(of_headings, of_classes):
        return _named(headings, meant, [], "label's", columns)
    symbols = _symbols(classes)
    told = [words - symbols for name in classes if (words := _words(name, least=1))]
    return _named(headings, of_headings | symbols, told, "label's", columns)


def named_as_survival(headings: Sequence[str], columns: Iterable[str]) -> dict[str, str]:
    """Columns that are called like survival, or like those of the months and the event, and why."""
    columns = list(columns)
    found = {c: "its name is one of survival" for c in columns if _is_of_survival(c.casefold())}
    return _named(headings, _words(*headings), [], "survival's", columns) | found


def _is_of_survival(column: str) -> bool:
    """A death in the family is not the patient's; the scanner at follow-up is not its length."""
    if SURVIVAL.search(column):
        return not OF_OTHERS.search(column)
    return bool(FOLLOW_UP.search(column)) and _words(FOLLOW_UP.sub(" ", column)) <= LENGTH


def _named(
    headings: Sequence[str],
    words: set[str],
    classes: Sequence[set[str]],
    whose: str,
    columns: Iterable[str],
) -> dict[str, str]:
    """A gene's expression is not its mutation: of such columns the values decide.

    Args:
        headings: each of which is the target's whole name.
        words: any of which tells of it.
        classes: words that tell of it together.
        whose: for the reason.
        columns: headings, or HEADING=WORD.
    """
    found, whole = {}, {_plain(heading) for heading in headings}
    other = not any(EXPRESSED.search(heading.casefold()) for heading in headings)
    for column in columns:
        heading, _, value = column.partition("=")
        told = value if other and EXPRESSED.search(heading.casefold()) else column
        if _plain(heading) in whole:
            found[column] = f"its name is the {whose}"
            continue
        shared = _shared(_words(told), words)
        for part, of_class in product(told.split("="), classes):
            shared |= _tells(_words(part, least=1), of_class)
        if shared:
            found[column] = f"its name and the {whose} share {', '.join(sorted(shared))}"
    return found


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading).casefold()


def _words(*names: str, least: int = 2) -> set[str]:
    """Those that say something, each by the name of all that are ALIKE.

    Args:
        names: headings or values.
        least: letters.
    """
    found = set()
    for name in names:
        if WHOLE_1_19.match(name):
            found.add("1p/19q")
        for root in _roots(name):
            word = root.casefold()
            if len(word) >= least and not word.isdigit() and word not in GENERIC:
                found.add(_alike(word))
    return found


def _alike(word: str) -> str:
    return next((of for pattern, of in ALIKE.items() if re.fullmatch(pattern, word)), word)


def _roots(name: str) -> list[str]:
    """The words of a name, in its letter case, without what is said of their thing."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])(?!(?<=v)(?:I{1,3}|IV)(?![A-Za-z]))", " ", name)
    spaced = ARM.sub(r"\1\2", spaced)
    spaced = re.sub(r"(?<=\d[pqPQ])(?=[a-zA-Z\d])", " ", spaced)  # arms of chromosomes: 1p19q
    found = (ROOT.fullmatch(whole) for whole in re.findall(r"[^\W_]+", spaced))
    return [root[1] for root in found if root]


def _symbols(classes: Sequence[str]) -> set[str]:
    """Words of classes that are no ordinary ones: genes and their like, by how they are written."""
    written = {root for name in classes for root in _roots(name)}
    lower = any(root.islower() or root.istitle() for root in written)
    found = set()
    for root in written:
        word = _alike(root.casefold())
        mixed = not root.isdigit() and not root.isalpha() and len(root) >= FEWEST_LETTERS
        capitals = lower and root.isupper() and len(root) >= FEWEST_LETTERS
        if word in ALIKE.values() or ((mixed or capitals) and word not in GENERIC):
            found.add(word)
    return found


def _tells(words: set[str], of_class: set[str]) -> set[str]:
    """What words of a column have of a class's, if they say no more than it, or all that it says.

    A class of one word of every day is not told by it beside other words: of `gut`, which is a
    German grade, tells no `gut_microbiome`.
    """
    shared = words & of_class
    longest = max(map(len, shared), default=0)
    said = shared == of_class and (len(shared) > 1 or longest >= TERM)
    return shared if longest > 1 and (said or shared == words) else set()


def _shared(words: set[str], others: set[str]) -> set[str]:
    """Those that both have; a gene, its family, as IDH1 and IDH, and its CHANGE are the same."""
    return {min(pair, key=len) for pair in product(words, others) if _same(*sorted(pair, key=len))}


def _same(short: str, long: str) -> bool:
    if long in (short, _family(short)) or _family(long) == short:
        return True
    return len(short) >= FEWEST_LETTERS and bool(re.fullmatch(re.escape(short) + CHANGE, long))


def _family(word: str) -> str:
    family = word.rstrip("0123456789")
    return family if len(family) >= FEWEST_LETTERS else word
