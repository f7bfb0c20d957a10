"""What a source file does, without all that only people and type checkers read."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from medsynth.store.digests import digest_bytes

# Imported for annotations; what else they are for shows where their names stand.
OF_TYPES = ("typing", "collections.abc")
# A file with one of these words may read annotations.
READS_ANNOTATIONS = re.compile("__annotations__|get_type_hints|signature|Serializer")


class Meaning:
    """One source file as what it does.

    Left out are comments, layout, strings and other constants that stand alone, docstrings among
    them, `pass`, imports for typing, the `description` of pydantic's Field, and annotations that
    nothing reads: of functions without a decorator, and of variables outside of a class.
    A file that mentions `__doc__` keeps strings that stand alone: it may show them.

    Attributes:
        digest: of what is left.
        names: dotted names of what it imports, by `import_module("…")` too.
        texts: its strings, which may name data files.
    """

    def __init__(self, source: str, package: Sequence[str]):
        self._package = package  # that relative imports begin at
        self.names: set[str] = set()
        self.texts: set[str] = set()
        self._shows_strings = "__doc__" in source
        self._reads_annotations = bool(READS_ANNOTATIONS.search(source))
        self._describing: set[str] = set()  # what pydantic's Field is called here
        self._of_classes: set[ast.stmt] = set()  # statements in bodies of classes
        self._words: list[str] = []
        self._put(ast.parse(source))
        self.digest = digest_bytes(" ".join(self._words).encode())

    def _put(self, node: Any) -> None:
        """Append the words of a node: kinds and values in order, as `ast.dump` but faster."""
        if isinstance(node, ast.AST):
            if isinstance(node, ast.If) and _name_of(node.test) == "TYPE_CHECKING":
                return self._put(node.orelse)
            self._note(node)
            self._strip(node)
            self._words.append(type(node).__name__)
            for field in node._fields:
                self._put(getattr(node, field, None))
        elif isinstance(node, list):
            self._words.append("[")
            for one in node:
                if not self._does_nothing(one):
                    self._put(one)
            self._words.append("]")
        else:
            self._words.append(repr(node))
        return None

    def _note(self, node: ast.AST) -> None:
        """Remember what a node tells of others."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.texts.add(node.value)
        elif isinstance(node, ast.Call) and _name_of(node.func) == "import_module":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                self.names.add(first.value)
        elif isinstance(node, ast.Import):
            self.names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = self._package[: len(self._package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            # `from package import module` names a module too.
            self.names.update(f"{module}.{alias.name}" for alias in node.names)
            if module == "pydantic":
                self._describing.update(a.asname or a.name for a in node.names if a.name == "Field")
        elif isinstance(node, ast.ClassDef):
            self._of_classes.update(node.body)

    def _strip(self, node: ast.AST) -> None:
        """Take out of a node what does nothing."""
        if isinstance(node, ast.Constant):
            node.kind = None  # u""
        elif isinstance(node, ast.Call):
            if _name_of(node.func) in self._describing:
                node.keywords = [k for k in node.keywords if k.arg != "description"]
        elif self._reads_annotations:
            pass
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.decorator_list:
                node.returns, given = None, node.args
                every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
                for argument in filter(None, [*every, given.vararg, given.kwarg]):
                    argument.annotation = None
        elif isinstance(node, ast.AnnAssign) and node not in self._of_classes:
            node.annotation = ast.Constant(None)

    def _does_nothing(self, node: Any) -> bool:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return not (self._shows_strings and isinstance(node.value.value, str))
        if isinstance(node, ast.ImportFrom) and node.module in OF_TYPES and not node.level:
            return all(alias.asname is None for alias in node.names)
        return isinstance(node, ast.Pass)


def _name_of(node: ast.expr) -> str | None:
    """The last part of a dotted name."""
    return getattr(node, "id", getattr(node, "attr", None))
