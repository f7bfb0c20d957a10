"""Installed packages: against the pins, and their licences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from medsynth.check.environment.diagnosis import Diagnosis
from medsynth.store.source.checkout import LIBRARY

PINS = ("requirements.txt", "torch.txt")  # of envs/, those that are there
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
EXTRA = re.compile(r"^([a-z0-9._-]+).*extra == ['\"]([a-z]+)", re.MULTILINE)
COPYLEFT = re.compile(r"(?<![LG])A?GPL|(?<!Lesser )General Public", re.IGNORECASE)
FREER = re.compile(r"LGPL|Lesser|MIT|BSD|Apache|Public Domain|PSF|Python Software", re.IGNORECASE)


def check_pins(folder: Path = LIBRARY.parent / "envs") -> Iterator[Diagnosis]:
    """Packages that are absent, or of another version than medsynth was tested with."""
    files = [folder / name for name in PINS if (folder / name).exists()]
    pins = dict(pair for file in files for pair in PIN.findall(file.read_text()))
    if not pins:
        yield Diagnosis("packages", "pins", "look", f"none in {folder}; nothing to compare with")
        return
    found = {name: _installed(name) for name in pins}
    optional = _optional()
    for name, wanted in pins.items():
        there = found[name]
        remedy = f"pip install {name}=={wanted}"
        if there is None and (extra := optional.get(name.lower())):
            text = f"not installed; needed for {extra}: pip install --editable '.[{extra}]'"
            yield Diagnosis("packages", name, "look", text)
        elif there is None:
            yield Diagnosis("packages", name, "wrong", f"not installed; {remedy}")
        elif there.split("+")[0] != wanted:
            text = f"{there}, tested was {wanted}; {remedy}"
            yield Diagnosis("packages", name, "look", text)
    same = sum((found[name] or "").split("+")[0] == wanted for name, wanted in pins.items())
    yield Diagnosis("packages", "pins", "ok", f"{same} of {len(pins)} as tested")


def _optional() -> dict[str, str]:
    """The packages that only some need, and for what: an extra of medsynth's."""
    try:
        needed = requires("medsynth") or []
    except PackageNotFoundError:  # called in its folder, without being installed
        return {}
    return dict(EXTRA.findall("\n".join(needed).lower()))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_licences() -> Iterator[Diagnosis]:
    """Packages under the GPL or AGPL alone, and such as state no licence. medsynth is MIT."""
    others = 0
    for package in sorted(distributions(), key=lambda one: one.name.lower()):
        meta = package.metadata
        stated = [*(meta.get_all("License-Expression") or meta.get_all("License") or [])]
        kinds = [c for c in meta.get_all("Classifier") or [] if c.startswith("License")]
        words = [
            word.split("\n")[0].split(" :: ")[-1] for word in [*stated, *kinds] if word.strip()
        ]
        told = ", ".join(words)
        if not words:
            files = meta.get_all("License-File") or []
            text = f"see {', '.join(files)} of the package" if files else "ask its authors"
            text = f"states none; {text}"
        elif COPYLEFT.search(told) and not FREER.search(told):
            text = f"{words[0]}: no MIT code may be passed on with it; uninstall it"
        else:
            others += 1
            continue
        yield Diagnosis("licences", package.name, "look", text)
    yield Diagnosis("licences", "others", "ok", f"{others} under MIT, BSD, LGPL and the like")
