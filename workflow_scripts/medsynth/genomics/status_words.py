"""What the cells of clinical tables mean: stains, FISH, PCR-LOH, IDH and 1p/19q as published.

The words are those of TCGA's clinical tables, of Ceccarelli et al. 2016, cBioPortal, GLASS and of
pathology reports. A word that is in none of the lists is unknown, never a no.
"""

from __future__ import annotations

import re

from medsynth.genomics.mutations.hotspots import HOTSPOTS
from medsynth.genomics.mutations.variant_words import NO_PROTEIN, PROTEIN, protein_changes
from medsynth.store.errors import MedsynthError
from medsynth.store.tables.header import squeeze

# Cells that tell nothing, without letter case, blanks and signs.
MISSING = {"na", "nan", "none", "null", "unknown", "notreported", "notdone", "notavailable"}
MISSING |= {"notapplicable", "notevaluated", "nottested", "notperformed", "notassessed", "nos"}
MISSING |= {"notdetermined", "nd", "indeterminate", "inconclusive", "equivocal", "pending"}
MISSING |= {"missing", "uninformative", "notinformative", "insufficient", "failed", "undetermined"}
MISSING |= {"noninformative", "uninterpretable", "notinterpretable", "cannotbedetermined", "unk"}
MISSING |= {"notallowedtocollect", "notcollected", "notrecorded", "nodata", "discrepancy"}
MISSING |= {"ns", "np", "notsequenced", "notprofiled"}  # of cBioPortal

YES = ["yes", "y", "positive", "pos", "present", "detected", "found", "true"]
NO = ["no", "n", "negative", "neg", "absent", "notdetected", "undetected", "notfound", "false"]
MUTANT = ["mutant", "mut", "mt", "mutated", "mutation", *(f"mutation{yes}" for yes in YES)]
WILDTYPE = ["wildtype", "wt", "wild", "notmutated", "unmutated", "nonmutated", "nonmutant"]
WILDTYPE += ["notmutant"]
WILDTYPE += ["nomutation", "nomutationdetected", "nomutationfound", *(f"mutation{no}" for no in NO)]
IDH = dict.fromkeys([*MUTANT, *YES], True) | dict.fromkeys([*WILDTYPE, *NO], False)
# Of one arm, where each has its own column or is named
LOST = ["lost", "loss", "deleted", "deletion", "del", "loh"]
KEPT = ["intact", "retained", "normal", "noloss", "noloh", "nodeletion", "notdeleted", "partial"]
KEPT += ["partialloss", "balanced", "disomic", "disomy"]
ARM = dict.fromkeys([*LOST, *YES], True) | dict.fromkeys([*KEPT, *NO], False)
# Only the loss of both whole arms is a codeletion; of one arm, or of a part, is none.
CODELETED = ["codel", "codeleted", "codeletion", *(f"codeletion{yes}" for yes in YES)]
CODELETED += ["combinedloss", "jointloss", "combineddeletion"]
SINGLE = [f"{arm}{loss}only" for arm in ("1p", "19q") for loss in ("", "loss")]
SINGLE += [f"only{arm}{loss}" for arm in ("1p", "19q") for loss in ("", "loss")]
NOT_CODELETED = [f"{no}{word}" for no in ("non", "not", "no", "un") for word in CODELETED[:3]]
NOT_CODELETED += [*SINGLE, *(f"codeletion{no}" for no in NO)]
CODELETION = {
    **dict.fromkeys([*LOST, *CODELETED, *YES], True),
    **dict.fromkeys([*KEPT, *NOT_CODELETED, *NO], False),
}


# Signs that end what they are said of (R132H+, R132H (-)); between words they divide them. Behind
# an arm they are the cytogeneticist's: 1p- is a loss.
SIGNS = re.compile(r"(?P<arm>(?<=[pq])[\s(]*)?(?P<sign>\++|[-\u2212]+)(?:ve)?(?=\s*(?:[])/,;|]|$))")
GENES = re.compile(r"[il]dh((?:[12](?!p1)|or|and|[il]dh)+)")  # TCGA's heading says ldh1


class UnknownWordError(MedsynthError):
    """A cell holds none of the known words."""


def says_nothing(text: str) -> bool:
    """Whether a cell is empty or says that nothing is known."""
    return _squeezed(text) in MISSING


def genes_named(text: str) -> str:
    """Of IDH1 and IDH2 those that a cell or a heading names: "1", "2", "12", or "" for neither."""
    return "".join(
        sorted({n for found in GENES.findall(squeeze(text)) for n in found if n in "12"})
    )


def stain_of(text: str) -> bool | None:
    """Whether a cell says that the R132H stain is positive; null as in :func:`idh_of`.

    Raises:
        UnknownWordError: it says something else.
    """
    word = _squeezed(text)
    rest = re.sub("^(?:idh1?)?p?r132h", "", word)
    if rest == "?":
        raise UnknownWordError(text)
    if rest != word:
        return _meaning(rest, 0) if rest else True
    if _names_hotspot(text):  # which the antibody does not bind
        raise UnknownWordError(text)
    return _meaning(text, 0)


def idh_of(text: str) -> bool | None:
    """Whether a cell says IDH-mutant; null if it is empty or says that it is not known.

    Raises:
        UnknownWordError: it says something else.
    """
    return _meaning(text, 0)


def codeletion_of(text: str) -> bool | None:
    """Whether a cell says 1p/19q-codeleted; null as in :func:`idh_of`, and for IDH alone.

    Raises:
        UnknownWordError: it says something else.
    """
    return _meaning(text, 1)


def arm_of(text: str) -> bool | None:
    """Whether a cell of one arm's column says that the arm is lost; null as in :func:`idh_of`.

    Raises:
        UnknownWordError: it says something else.
    """
    word = _squeezed(text)
    if word not in MISSING and word not in ARM:
        raise UnknownWordError(text)
    return ARM.get(word)


def _meaning(text: str, part: int) -> bool | None:
    """The first (IDH) or second (1p/19q) part of what a cell says."""
    word = _squeezed(text)
    if word in MISSING:
        return None
    if part == 0 and _names_hotspot(text):
        return True
    read = (_idh, _codeletion)
    if (alone := read[part](word)) is not None:
        return alone
    for middle in range(len("idh") + 1, len(word) + 1) if word.startswith("idh") else ():
        idh, codeletion = _idh(word[:middle]), _codeletion(word[middle:])
        if idh is not None and middle == len(word):
            return None  # of a column for both: nothing on 1p/19q
        if None not in (idh, codeletion):
            return (idh, codeletion)[part]
    raise UnknownWordError(text)


def _squeezed(text: str) -> str:
    text = re.sub(r"^(?:lgg|gbm)[_\s]", "", text.strip().lower())  # of PanCancer Atlas subtypes
    if re.fullmatch("[-\u2212]", text):  # negative, or nothing
        return "minus"
    if re.search(r"[^\W_]|[+()]", text):
        text = SIGNS.sub(_word_of_sign, text)
    word = squeeze(text)
    return (word + "?" if "?" in text and word else word) or "na"


def _word_of_sign(sign: re.Match[str]) -> str:
    plus = sign["sign"].startswith("+")
    if sign["arm"] is not None:
        return "plus" if plus else "minus"
    return " positive" if plus else " negative"


def _names_hotspot(text: str) -> bool:
    """Whether a cell is a hotspot mutation, with or without the gene and a word for mutant."""
    changes = protein_changes(text)
    residues = {hotspot.residue for hotspot in HOTSPOTS}
    rest = squeeze(PROTEIN.sub(" ", NO_PROTEIN.sub(" ", text)))
    rest = re.sub("idh[12]?", "", rest, count=1)
    return (
        bool(changes)
        and "?" not in text
        and all(c.exchanges and c.old == "R" and c.first in residues for c in changes)
        and (not rest or IDH.get(rest, False))
    )


def _idh(word: str) -> bool | None:
    return IDH.get(re.sub("idh(?:1(?:or|and)?(?:idh)?2?|2)?(?:status|gene)?", "", word, count=1))


def _codeletion(word: str) -> bool | None:
    if arms := re.fullmatch("1p([a-z]+?)(?:and)?19q([a-z]+)", word):
        lost = [ARM.get(arms[1]), ARM.get(arms[2])]
        if None not in lost:
            return all(lost)
    return CODELETION.get(re.sub("x?1p(?:and)?19q(?:status)?", "", word))
