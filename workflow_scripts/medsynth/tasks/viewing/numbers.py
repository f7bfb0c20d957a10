"""Numbers as the page writes them."""

from __future__ import annotations


def number(value: float) -> str:
    """Four significant digits; whole numbers with thousands separators."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def patients(n: int) -> str:
    return f"{n:,} patient{'' if n == 1 else 's'}"
