"""The data flow of a cohort as a drawing: inline SVG, bars and bands as wide as their counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Node:
    """A bar of the flow diagram: ``count`` items in ``column`` (0-based from the left)."""

    name: str
    column: int
    count: int
    color: str
    note: str = ""


WIDTH, SCALE, BAR, SLOT, GAP = (
    1040,
    190,
    12,
    32,
    8,
)  # pixels; SCALE is the height of the largest bar
COLUMN_X = (0, 215, 470, 790)
LETTERS = 32  # of a name, what fits beside the last column


def flow(nodes: Sequence[Node], links: Sequence[tuple[int, int, int]], summary: str) -> Markup:
    """A Sankey diagram as inline SVG: bar heights and band widths are proportional to counts.

    Args:
        nodes: bars, stacked within their column in the given order.
        links: (index of the node left, index of the node right, items).
        summary: the text that stands for the drawing where it cannot be seen.
    """
    pixels = SCALE / max(1, *(node.count for node in nodes))
    tall = [max(node.count * pixels, 1.5) for node in nodes]
    top: list[float] = []
    below: defaultdict[int, float] = defaultdict(float)
    for node, height in zip(nodes, tall, strict=True):
        top.append(below[node.column])
        below[node.column] += max(height, SLOT) + GAP

    parts = []
    leaving, entering = list(top), list(top)
    for left, right, count in links:
        x0, x1 = COLUMN_X[nodes[left].column] + BAR, COLUMN_X[nodes[right].column]
        y0, y1, width, middle = leaving[left], entering[right], count * pixels, (x0 + x1) / 2
        end0, end1 = y0 + width, y1 + width
        leaving[left] += width
        entering[right] += width
        parts.append(
            f'<path d="M{x0},{y0:.1f} C{middle},{y0:.1f} {middle},{y1:.1f} {x1},{y1:.1f}'
            f" v{width:.1f} C{middle},{end1:.1f} {middle},{end0:.1f} {x0},{end0:.1f}"
            f' z" fill="{nodes[right].color}" fill-opacity="0.22"/>'
        )
    for node, y, height in zip(nodes, top, tall, strict=True):
        x = COLUMN_X[node.column]
        text = x + BAR + 7
        middle = y + max(height, SLOT - 6) / 2
        name = escape(node.name if len(node.name) <= LETTERS else f"{node.name[: LETTERS - 1]}…")
        note = f" · {escape(node.note)}" if node.note else ""
        parts.append(
            f'<rect x="{x}" y="{y:.1f}" width="{BAR}" height="{height:.1f}" fill="{node.color}"/>'
            f'<text x="{text}" y="{middle - 2:.1f}" class="name">{name}</text>'
            f'<text x="{text}" y="{middle + 12:.1f}" class="count">{node.count:,}{note}</text>'
        )
    height = max(below.values())
    return Markup(
        f'<svg class="flow" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        f' aria-label="{escape(summary)}">{"".join(parts)}</svg>'
    )
