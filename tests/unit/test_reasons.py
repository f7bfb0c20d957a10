"""Every reason for which an item is not used has a text, and every text a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.fetch.wording import REASONS as OF_DOWNLOADS
from medsynth.imaging.histology.stain import UNFIT
from medsynth.store.wording import REASONS

LIBRARY = Path(__file__).parents[2] / "workflow_scripts/medsynth"
ROOMS = ("store", "runtime", "imaging", "genomics", "cohorts")
TEXTS = pytest.mark.parametrize(
    ("rooms", "texts"),
    [(ROOMS, REASONS | UNFIT), (("fetch",), OF_DOWNLOADS)],
    ids=["items", "downloads"],
)
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def trees(*rooms: str) -> list[ast.Module]:
    files = [f for room in rooms for f in sorted((LIBRARY / room).rglob("*.py"))]
    return [ast.parse(f.read_text()) for f in files if f.name != "wording.py"]


def takers(found: list[ast.Module]) -> dict[str, int]:
    """{name of a function or class that is called with a reason: the place of it}."""
    places = {}
    for node in (node for tree in found for node in ast.walk(tree)):
        inside = [m for m in node.body if isinstance(m, FUNCTIONS)] if _is_class(node) else []
        for function in [node] if isinstance(node, FUNCTIONS) else inside:
            names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
            if "reason" in names:
                called = node.name if function.name == "__init__" else function.name
                places[called] = names.index("reason")
        if _is_class(node) and any(getattr(b, "id", None) in places for b in node.bases):
            places[node.name] = places[next(b.id for b in node.bases if b.id in places)]
    places.pop("__init__", None)
    return places


def _is_class(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef)


def constants(node: ast.AST | None) -> Iterator[str]:
    """The strings that an expression may be."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def reasons(*rooms: str) -> set[str]:
    """All that are given as a reason: to a function, under the key, or as the keyword."""
    found, given = trees(*rooms), set()
    places = takers(found)
    for node in (node for tree in found for node in ast.walk(tree)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name in places and len(node.args) > places[name]:
                given.update(constants(node.args[places[name]]))
            for keyword in node.keywords:
                given.update(constants(keyword.value) if keyword.arg == "reason" else ())
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                given.update(constants(value) if "reason" in constants(key) else ())
    return given - {"str"}  # the column's type


@TEXTS
def test_every_reason_has_a_text(rooms, texts):
    given = reasons(*rooms)
    assert len(given) > len(texts) / 2, "the test looks in the wrong place"
    assert given <= set(texts)


@TEXTS
def test_every_text_is_of_a_reason(rooms, texts):
    strings = {
        node.value
        for tree in trees(*rooms)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Some are made of two words: an assay, and what is wrong with it.
    lacking = {k for k in texts if not (k in strings or set(k.split("_", 1)) <= strings)}
    assert lacking == set()
