"""Contrast phase of CT: what the header says, and what the brightness of the blood says."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from medsynth.cohorts.enhancement import enhancement
from medsynth.cohorts.volumes import Volume

PLAIN, ENHANCED = "ct", "cect"

# Descriptions are cut off at 16 to 64 characters ("WITH IV C"), so "contrast" is often a stump.
AND = r" ?([/&+]|and|then)? ?"
NO_MEDIUM = r"(without|w ?/? ?o)"
BOTH = re.compile(rf"\b(with|w){AND}{NO_MEDIUM}\b|\b{NO_MEDIUM}{AND}(with|w)\b|\bc ?- ?/ ?c? ?\+")
WITHOUT = re.compile(
    r"\b(without|w ?/ ?o|wo|non ?-?con\w*|no (iv )?con\w*|unenhanced|nativ\w*|pre ?-?con\w*"
    r"|ohne km|sans (iv|inj\w*|con\w*)|sin con\w*|(calcium|ca) ?-?scor\w*)\b"
    r"|(?<![a-z0-9])(-c\b|c-(?= |$)(?! ?sp))"
)
WITH = re.compile(
    r"\b((with|w) ?/? ?(iv?|c|con\w*)|post ?-?con\w*|enhanced|angio\w*|cta|cect|mit km"
    r"|avec (iv|inj\w*|con\w*)|con contr\w*)\b|(?<![a-z0-9])(\+c\b|c\+(?= |$))"
)
PHASE = re.compile(r"\b(arterial|portal|venous|nephrogra\w*)\b")
# Series that find the place or the moment for the real one, in a study that says "with".
PREPARES = re.compile(
    r"\b(locali[sz]\w*|scout|topo\w*|surview|(pre ?)?monitor\w*|tracker|pre ?scan)\b"
)
UNSAID = re.compile(r"[\W\d]*|n|n/?a")
DENIED = re.compile(r"(no|non|none|not|without|w/?o)\b.*")
# Contrast medium that is drunk stays in the bowel; only in the vein does it make a slice "cect".
BY_MOUTH = re.compile(
    r"\b(oral|orally|po|rectal|rectally|enteral|gastro\w*|barium|readi-?cat|water|milk)\b"
)
IN_VEIN = re.compile(r"\b(iv|i\.v|intraven\w*)\b")
INJECTED = (  # ml, ml, ml/s and the clock: above zero if anything was injected
    "ContrastBolusVolume",
    "ContrastBolusTotalDose",
    "ContrastFlowRate",
    "ContrastBolusStartTime",
)


def contrast_of(dataset: Dataset) -> str | None:
    """Contrast phase by what the header says, from the most specific attribute on.

    The Contrast/Bolus module (PS3.3 C.7.6.4: agent, route, what was injected), then
    SeriesDescription, ProtocolName and StudyDescription: a study with contrast has series
    without, so the study is asked last, one "with and without" says nothing, and neither does it
    about series that only prepare another. RequestedProcedureDescription is what was ordered,
    not what was done, and AcquisitionContrast is about MR; neither is asked.

    Returns:
        "ct", "cect", or None if the header does not say.
    """
    agent = str(dataset.get("ContrastBolusAgent") or "").strip().lower()
    route = f"{agent} {dataset.get('ContrastBolusRoute') or ''}".lower()
    denied = bool(DENIED.fullmatch(agent))
    named = not denied and not UNSAID.fullmatch(agent)
    in_vein = bool(IN_VEIN.search(route))
    if not denied and (in_vein or ((named or _injected(dataset)) and not BY_MOUTH.search(route))):
        return ENHANCED
    series = _words(dataset, "SeriesDescription")
    phase = _phase(series) or (ENHANCED if PHASE.search(series) else None)
    if phase or PREPARES.search(series):
        return phase
    return _phase(_words(dataset, "ProtocolName")) or _phase(_words(dataset, "StudyDescription"))


def _words(dataset: Dataset, keyword: str) -> str:
    """A description in lower case, its punctuation reduced to what phases are written with."""
    return re.sub(r"[^a-z0-9/&+-]+", " ", str(dataset.get(keyword) or "").lower())


def _phase(words: str) -> str | None:
    if BOTH.search(words):
        return None
    if WITHOUT.search(words):
        return PLAIN
    return ENHANCED if WITH.search(words) else None


def _injected(dataset: Dataset) -> bool:
    values = [re.split(r"[\\,\[\] ]+", str(dataset.get(keyword) or "")) for keyword in INJECTED]
    return any(re.fullmatch(r"[\d.]*[1-9][\d.]*", part) for parts in values for part in parts)


def contrast_by_intensity(volume: Volume) -> tuple[str | None, float]:
    """Contrast phase by how bright the blood is, see :mod:`medsynth.cohorts.enhancement`.

    Returns:
        The likelier label and its probability, 0.5 to 1; None and 0 where no body is seen.
    """
    probability = enhancement(volume)
    if probability is None:
        return None, 0.0
    return (ENHANCED, probability) if probability >= 0.5 else (PLAIN, 1 - probability)
