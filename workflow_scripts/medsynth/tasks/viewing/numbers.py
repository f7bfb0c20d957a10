"""Numbers as the page writes them."""

from __future__ import annotations


def number(value: float) -> str:
    """Four significant digits; thousands are separated."""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:.4g}"
    return f"{float(text):,.0f}" if 1e4 <= abs(value) < 1e12 else text


def figure(value: float | None) -> str:
    """A number, or a dash for none."""
    return "—" if value is None else number(value)


def patients(n: int) -> str:
    return f"{n:,} patient{'' if n == 1 else 's'}"
