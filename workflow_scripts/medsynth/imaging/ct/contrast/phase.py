"""Contrast phase of CT: what header or table say, and what the brightness of the blood says."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydicom.dataset import Dataset

from medsynth.imaging.ct.contrast.enhancement import MOST_SURE, enhancement
from medsynth.imaging.ct.contrast.text import names, normalised, pattern, said
from medsynth.imaging.ct.contrast.words import BOTH, ENHANCED, NEITHER, PLAIN
from medsynth.imaging.ct.volumes import Volume

DENIED = "denied"
SERIES, PROTOCOL, STUDY = "SeriesDescription", "ProtocolName", "StudyDescription"
AMOUNTS = ("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate")  # ml, ml, ml/s
START = "ContrastBolusStartTime"  # the clock; zero where nothing started
VOLUME = re.compile(r"(\d+(?:[.,]\d+)?) ?(?:ml|cc)", re.IGNORECASE)
CONCENTRATION = re.compile(r"[^\W\d].*\b(1[4-9]\d|[23]\d\d|400)\b")  # mg/ml of iodine, after a name
DENIES = [pattern("NOT_GIVEN GIVEN? END"), pattern("WITHOUT|NO AGENTS|agent")]
NOT_GIVEN = re.compile(f"(?:^|(?<= ))(?:{pattern('BE... NO GIVEN').pattern}|refused|declined)")
TABLE_WORDS = {
    ENHANCED: "true t 1 1.0 1.00 yes y ja oui si sí sim tak on wahr vrai vero verdadero verdadeiro"
    " + c ce cect iv w with enhanced given injected present positive pos post"
    " art ven pv pvp hap late delayed delay excretory nephrogenic",
    PLAIN: "false f 0 0.0 0.00 no n nein nee non não nao nie off falsch faux falso"
    " - ct nc nce w/o absent negative neg pre",
}
TABLE_LABELS = {word: label for label, words in TABLE_WORDS.items() for word in words.split()}


class Phase(NamedTuple):
    """label: "ct", "cect" or None. reason, detail: why there is none, and the words behind that."""

    label: str | None
    reason: str | None = None
    detail: str | None = None


class _Agent(NamedTuple):
    """says: ENHANCED, DENIED, BOTH where the module contradicts itself, or None."""

    says: str | None
    words: str | None


def header_phase(dataset: Dataset) -> Phase:
    """Contrast phase by what the header says, from the most specific attribute on.

    The Contrast/Bolus module (PS3.3 C.7.6.4: agent, route, what was injected), then
    SeriesDescription, ProtocolName and StudyDescription: a study with contrast has series
    without, so the study is asked last, one "with and without" says nothing, and neither does it
    about series that only prepare another. That the module denies an agent is no label, as many a
    scanner's default denies it. RequestedProcedureDescription is what was ordered, not what was
    done, and AcquisitionContrast is about MR; neither is asked.

    Returns:
        Without a label the reason is contrast_contradiction where the module and a description of
        the acquisition contradict each other, else no_contrast_label.
    """
    agent = _agent(dataset)
    texts = {k: said(str(dataset.get(k) or ""), k == SERIES) for k in (SERIES, PROTOCOL, STUDY)}
    spoken = {k: text for k, text in texts.items() if text.phase not in (None, NEITHER)}
    where, text = next(iter(spoken.items()), (SERIES, texts[SERIES]))
    quoted = f'{where} "{text.words}"' if text.words else None
    if agent.says == BOTH:
        return Phase(None, "contrast_contradiction", agent.words)
    if texts[SERIES].phase in (BOTH, NEITHER):
        return Phase(None, "no_contrast_label", f'{SERIES} "{texts[SERIES].words}"')
    # What was ordered for the study may have changed: the agent is believed.
    refused = agent.says == ENHANCED and text.phase == PLAIN and where != STUDY
    if refused or (agent.says == DENIED and text.phase == ENHANCED):
        return Phase(None, "contrast_contradiction", f"{agent.words}, {quoted}")
    label = ENHANCED if agent.says == ENHANCED else text.phase
    if label in (PLAIN, ENHANCED):
        return Phase(label)
    return Phase(None, "no_contrast_label", quoted or agent.words)


def table_phase(word: str) -> str | None:
    """The label that a word of a table means: "ct", "cect", or None for an unknown one."""
    label = TABLE_LABELS.get(word.strip().casefold()) or said(word, phases=True).phase
    return label if label in (PLAIN, ENHANCED) else None


def _agent(dataset: Dataset) -> _Agent:
    """What the Contrast/Bolus module says about medium in the blood.

    Medium that is drunk, or injected into a joint, leaves the blood as it was. An agent of an
    unknown name is one if route or amount say so.
    """
    coded = [item.get("CodeMeaning") for item in dataset.get("ContrastBolusAgentSequence") or []]
    value = "; ".join(str(each) for each in (dataset.get("ContrastBolusAgent"), *coded) if each)
    route = str(dataset.get("ContrastBolusRoute") or "")
    agent, way = normalised(value), normalised(f"{value} {route}")
    fields = {"ContrastBolusAgent": value, "ContrastBolusRoute": route}
    named = ", ".join(f'{k} "{text}"' for k, text in fields.items() if text.strip()) or None
    amounts = {keyword: _numbers(dataset, keyword) for keyword in AMOUNTS}
    given = [f"{keyword} {max(each):g}" for keyword, each in amounts.items() if any(each)]
    started = any(_numbers(dataset, START))
    if _denies(value, agent):
        return _Agent(BOTH, f"{named}, {given[0]}") if given else _Agent(DENIED, named)
    if any(amounts.values()) and not given and not started:
        return _Agent(None, ", ".join(filter(None, [named, "an amount of 0"])))
    medium = names(agent, "AGENTS|MEDIUM|ENHANCED") or bool(CONCENTRATION.search(agent))
    medium |= said(value).phase == ENHANCED
    measured = bool(given or started or VOLUME.search(value))
    if not measured and (names(agent, "UNKNOWN|ALLERGY") or value.rstrip().endswith("?")):
        return _Agent(None, named)
    if names(agent, "NOTHING") and not medium:
        return _Agent(None, named)
    if not names(way, "VEIN"):
        if names(way, "ORAL|ELSEWHERE") or not (medium or measured):
            return _Agent(None, named)
    return _Agent(ENHANCED, named or (given[0] if given else START))


def _denies(value: str, agent: str) -> bool:
    """Whether the field says that none was given, or an amount of nothing."""
    volumes = [float(volume.replace(",", ".")) for volume in VOLUME.findall(value)]
    nothing = re.fullmatch(r"[\s0.,]*0[\s0.,]*", value) or (volumes and not any(volumes))
    denied = any(p.match(agent) for p in DENIES) or NOT_GIVEN.search(agent)
    return bool(nothing or denied) or said(value).phase == PLAIN


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The numbers of an attribute, however its values are divided."""
    value = dataset.get(keyword)
    parts = re.split(r"[\\,:\[\] ]+", "" if value is None else str(value))
    return [float(part) for part in parts if re.fullmatch(r"\d+\.?\d*|\.\d+", part)]


def contrast_by_intensity(volume: Volume) -> tuple[str | None, float]:
    """Contrast phase guessed by how bright the blood is, see :mod:`.enhancement`.

    Returns:
        The likelier label and how sure that is, 0.5 to 0.8, uncalibrated; None and 0 where too few
        slices show a body.
    """
    likelihood = enhancement(volume)
    if likelihood is None:
        return None, 0.0
    label = ENHANCED if likelihood >= 0.5 else PLAIN
    return label, min(max(likelihood, 1 - likelihood), MOST_SURE)
