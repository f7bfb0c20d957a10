"""The words of a radiology report's headings: which section a name opens, and what names a view.

The tables hold what MIMIC-CXR, Open-i and their published parsers know. A name is also understood
with one typing mistake; short ones are not, of which ordinary words are one letter apart.
"""

from __future__ import annotations

import re

NAMES = {
    "findings": ["finding", "findings"],
    "impression": [
        *("impression", "impressions", "final impression", "conclusion", "conclusions"),
        *("interpretation", "opinion", "summary"),
    ],
    "indication": [
        *("indication", "indications", "clinical indication", "clinical indications", "reason"),
        *("indication for study", "reason for exam", "reason for examination", "reason for study"),
        *("reason for the exam", "reason for this exam", "reason for this examination"),
    ],
    "history": [
        *("history", "clinical history", "patient history", "medical history"),
        *("clinical information", "clinical data", "history of present illness"),
    ],
    "comparison": [
        *("comparison", "comparisons", "comparison exam", "comparison film", "comparison films"),
        *("comparison study", "comparison studies", "prior", "prior studies", "reference exam"),
    ],
    "technique": ["technique", "techniques", "procedure", "views"],
    # Headings that end the section before them and whose own text is not asked for.
    "exam": ["exam", "examination", "type of examination", "study"],
    "preliminary": [
        *("wet read", "wet reading", "preliminary read", "preliminary report", "pfi"),
        *("provisional findings impression", "provisional findings impression (pfi)"),
    ],
    "afterwards": [
        *("addendum", "recommendation", "recommendations", "recommendation(s)"),
        *("notification", "notifications", "notification(s)"),
    ],
}
SECTION_OF = {name: section for section, names in NAMES.items() for name in names}
# Where a report has several of these, the first of them is its impression.
STRENGTH = ["impression", "conclusion", "interpretation", "opinion", "summary"]
LEAST_LETTERS = 7  # of a name that is known with a mistake in it

VIEWS = set(
    "ap pa lat lateral laterals frontal anteroposterior posteroanterior antero-posterior"
    " postero-anterior oblique obliques lordotic apicolordotic decubitus portable bedside mobile"
    " upright semi-upright semiupright erect semi-erect semierect supine semi-supine semisupine"
    " chest thorax cxr view views radiograph radiographs radiography film films image images"
    " x-ray x-rays xray xrays 1v 2v".split()
)
BESIDE_VIEWS = set(
    "a an and or of the with without in on at from to is are was were has been for as by"
    " single one two three four left right semi plain digital repeat routine additional"
    " inspiration inspiratory expiration expiratory seated sitting standing"
    " exam exams examination examinations study studies technique performed obtained acquired"
    " submitted provided taken reviewed final report version date dated time timed hours hrs"
    " a.m am p.m pm monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri"
    " sat sun january february march april may june july august september october november"
    " december jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
COMPARED = set(  # with VIEWS, or "comparison", a statement of what was compared
    "comparison compared made there prior priors previous preceding recent most earlier before"
    " same day days hour hours week weeks month months year years ago morning afternoon evening"
    " night today yesterday multiple several only outside this patient patient's which available"
    " five six seven eight nine ten eleven twelve including ct scan imaging".split()
)
_WORD = re.compile(r"[a-z](?:[\w'-]|\.(?=\w))*|\w[\w:/.#-]*")
_NUMBER = re.compile(r"[\d_][\d_:/.#-]*(?:st|nd|rd|th|h|am|pm|a\.m|p\.m)?\.?")
_JOINT = re.compile(r" ?[/,&+] ?| and ")


def sections_named(name: str) -> frozenset[str]:
    """The keys of :data:`NAMES` that a heading opens: several if it is FINDINGS AND IMPRESSION.

    Empty for anything else.
    """
    words = " ".join(name.lower().split())
    parts = [words] if words in SECTION_OF else _JOINT.split(words)
    sections = [section for p in parts if (section := SECTION_OF.get(p) or _misspelt(p))]
    return frozenset(sections) if len(sections) == len(parts) else frozenset()


def strength(name: str) -> int:
    """How much a name says that its section is the impression: the place in STRENGTH."""
    words = name.lower()
    return next((k for k, word in enumerate(STRENGTH) if word in words), 0)


def names_views(text: str) -> bool:
    """Whether a text is nothing but the name of views: AP CHEST, 5:40 A.M., ON JULY 15."""
    return says_nothing(text) and any(word in VIEWS for word in _words(text))


def says_nothing(text: str) -> bool:
    """Whether a text is at most the name of views, a date, a time, a line across the page, or a
    statement of what it was compared with."""
    words = {word for word in _words(text) if not _NUMBER.fullmatch(word)}
    about = words & VIEWS or words & {"comparison", "compared"}
    return not words - VIEWS - BESIDE_VIEWS - (COMPARED if about else set())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _misspelt(word: str) -> str | None:
    """The section of the names that are one mistake away, if they agree."""
    sections = {
        section
        for name, section in SECTION_OF.items()
        if len(name) >= LEAST_LETTERS and one_mistake(word, name)
    }
    return sections.pop() if len(sections) == 1 else None


def one_mistake(word: str, name: str) -> bool:
    """Whether they differ by one letter put in, left out or replaced, or by two neighbours that
    changed places."""
    if abs(len(word) - len(name)) > 1:
        return False
    same = next((k for k, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), None)
    if same is None:
        return len(word) != len(name)
    word, name = word[same:], name[same:]
    return (
        word[1:] == name[1:]
        or word[1:] == name
        or word == name[1:]
        or (word[:2] == name[1::-1] and word[2:] == name[2:])
    )
