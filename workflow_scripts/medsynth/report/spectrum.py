"""Power and noise by frequency on the page: what drowns when, in curves and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from medsynth.imaging.scale import PixelSize
from medsynth.tasks.viewing.figures import (
    BOTTOM,
    BOX,
    LEFT,
    RIGHT,
    TOP,
    data_uri,
    scale,
    ticks,
)
from medsynth.tasks.viewing.templates import render

APART = 13  # of the names of two lines, in units of the view box


def spectrum_section(spectrum: Path, strips: Path, pixel: PixelSize) -> Markup:
    """What the page shows of a cohort's spectrum.

    Args:
        spectrum, strips: as the rule `measure_spectrum` wrote them.
        pixel: the size of a pixel, in which waves are told if it is known.
    """
    found = json.loads(spectrum.read_text())
    frequency = np.array(found["rings"]["frequency"])
    return render(
        "report/spectrum.html",
        found=found,
        power=_power(found, frequency),
        schedules=[_schedule(each, found["bands"], frequency) for each in found["schedules"]],
        waves=[_waves(band["frequency"], pixel) for band in found["bands"]],
        content_wave=_wave(found["content"]["up_to"], pixel),
        strips=data_uri(strips.read_bytes(), "image/png"),
        box=BOX,
    )


def _wave(frequency: float, pixel: PixelSize) -> str:
    """The length of a wave of so many cycles a pixel."""
    return f"{pixel.length / frequency:.3g} {pixel.unit}"


def _waves(ends: Sequence[float], pixel: PixelSize) -> str:
    """The lengths of a band's waves."""
    longest, shortest = (_wave(f, pixel) for f in ends)
    return longest if longest == shortest else f"{longest} to {shortest}"


def _power(found: Mapping[str, Any], frequency: np.ndarray) -> dict[str, Any]:
    """Power by frequency, and of the noise, measured by the same signal, at some noise levels."""
    power, schedule = np.array(found["rings"]["power"]), found["schedules"][0]
    signal = np.array(schedule["signal"])
    levels = [t for t in found["shown"] if 0 < signal[t] < 1]
    noise = {t: (1 - signal[t]) / signal[t] for t in levels}
    seen = power[power > 0]
    if not len(seen):
        return {}
    low, high = seen.min(), seen.max()
    to_x, to_y = _scales(frequency, low, high, log=True)
    lines: list[tuple[float, int]] = []
    for t, n in noise.items():
        if low <= n <= high and (not lines or lines[-1][0] - to_y(n) >= APART):
            lines.append((float(to_y(n)), t))
    return {
        "curve": _points(to_x(frequency[power > 0]), to_y(seen)),
        "noise": lines,
        "x": _marks(frequency, to_x),
        "y": [(float(to_y(v)), f"{v:g}") for v in ticks(low, high, log=True)],
    }


def _schedule(
    against: Mapping[str, Any], bands: Sequence[Mapping[str, Any]], frequency: np.ndarray
) -> dict[str, Any]:
    """Where frequencies drown in the noise of a schedule: a curve, and measured points."""
    top = against["timesteps"]
    to_x, to_y = _scales(frequency, 0, top, log=False)
    drowns = np.array([top if t is None else t for t in against["drowns"]])
    middle = [float(np.sqrt(np.prod(band["frequency"]))) for band in bands]
    points = [
        {
            "x": float(to_x(f)),
            "y": None if band["measured"] is None else float(to_y(band["measured"])),
            "images": [float(to_y(min(t, top))) for t in band["images"]],
        }
        for f, band in zip(middle, against["bands"], strict=True)
    ]
    return {
        "names": against["experiments"],
        "timesteps": top,
        "bands": against["bands"],
        "ranges": against["ranges"],
        "curve": _points(to_x(frequency), to_y(drowns)),
        "points": points,
        "x": _marks(frequency, to_x),
        "y": [(float(to_y(v)), f"{v:g}") for v in ticks(0, top, log=False) if v <= top],
    }


def _scales(frequency: np.ndarray, low: float, high: float, *, log: bool) -> tuple[Any, Any]:
    across = scale(frequency[0], frequency[-1], LEFT, RIGHT, log=True)
    return across, scale(low, high, BOTTOM, TOP, log=log)


def _marks(frequency: np.ndarray, to_x: Any) -> list[tuple[float, str]]:
    shown = [f for k in range(-9, 0) if frequency[0] <= (f := 2.0**k) <= frequency[-1]]
    return [(float(to_x(f)), f"1/{1 / f:g}") for f in shown]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
