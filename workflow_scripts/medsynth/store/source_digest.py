"""Which source a rule's result depends on: the digest of its script and what that imports."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from medsynth.store.digests import digest_bytes
from medsynth.store.errors import MedsynthError

PACKAGE = "medsynth"
# The nodes whose body may begin with a docstring.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class _Meaning:
    """One source file as what it does: no comments, layout, docstrings or imports for typing.

    A file that mentions `__doc__` keeps its docstrings: it may show them.
    """

    def __init__(self, source: str, package: Sequence[str]):
        self._package = package  # that relative imports begin at
        self.names: set[str] = set()  # of the modules it imports
        self._documented = () if "__doc__" in source else DOCUMENTED
        self._words: list[str] = []
        self._put(ast.parse(source))
        self.digest = digest_bytes(" ".join(self._words).encode())

    def _put(self, node: Any) -> None:
        """Append the words of a node: kinds and values in order, as `ast.dump` but faster."""
        if isinstance(node, ast.AST):
            if isinstance(node, ast.If) and _is_for_typing(node.test):
                return self._put(node.orelse)
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            self._words.append(type(node).__name__)
            for field in node._fields:
                value = getattr(node, field, None)
                if field == "body" and isinstance(node, self._documented):
                    value = node.body[ast.get_docstring(node, clean=False) is not None :]
                self._put(value)
        elif isinstance(node, list):
            self._words.append("[")
            for one in node:
                self._put(one)
            self._words.append("]")
        else:
            self._words.append(repr(node))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.names.update(alias.name for alias in node.names)
        else:
            above = self._package[: len(self._package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            # `from package import module` names a module too.
            self.names.update(f"{module}.{alias.name}" for alias in node.names)


def _is_for_typing(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


@cache
def _module_files(name: str, root: Path) -> frozenset[Path]:
    """The files that importing a name below `root` runs: its packages' and its own."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return frozenset()
    bases = [root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    files = [f for base in bases for f in (base.with_suffix(".py"), base / "__init__.py")]
    return frozenset(file for file in files if file.is_file())


@cache
def _read(file: Path, root: Path) -> tuple[str, frozenset[Path]]:
    """Digest of a file's meaning, and the files that it uses directly.

    Data that lie beside a module, such as a template, are used by the files that name them.
    """
    text = file.read_text(errors="replace")
    used: set[Path] = set()
    if file.suffix == ".py":
        meaning = _Meaning(text, file.parent.relative_to(root).parts)
        digest = meaning.digest
        used.update(*(_module_files(name, root) for name in meaning.names))
    else:
        digest = digest_bytes(text.encode())
    if file.parent != root:
        used.update(f for f in _data_beside(file.parent) if f.name in text)
    return digest, frozenset(used)


@cache
def _data_beside(folder: Path) -> list[Path]:
    return [f for f in folder.iterdir() if f.is_file() and f.suffix not in (".py", ".pyc")]


def source_files(script: str | Path, *modules: str) -> list[Path]:
    """The script, the modules that it imports by name at run time, and all that these use, sorted.

    Args:
        script: a file that stands beside the package, as Snakemake finds its imports.
        modules: dotted names of modules of the package.
    """
    script = Path(script).resolve()
    waiting = [script]
    for name in modules:
        base = script.parent.joinpath(*name.split("."))
        if not (base.with_suffix(".py").is_file() or base.is_dir()):
            raise MedsynthError(f"{name}: no such module in {script.parent}; correct its name")
        waiting.extend(_module_files(name, script.parent))
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_read(file, script.parent)[1])
    return sorted(seen)


def code_digest(script: str | Path, *modules: str) -> str:
    """One sha256 over what `script`, `modules` and all they import from medsynth do.

    Snakemake reruns a rule whose script changed but not one whose library changed; passed as a
    parameter, this digest closes that gap without touching rules that do not import the module.
    """
    root = Path(script).resolve().parent
    lines = [
        f"{file.relative_to(root)} {_read(file, root)[0]}"
        for file in source_files(script, *modules)
    ]
    return digest_bytes("\n".join(lines).encode())
