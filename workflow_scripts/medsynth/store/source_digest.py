"""Which source a rule's result depends on: the digest of its script and what that imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from medsynth.store.digests import digest_bytes

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def _imported_names(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # `from package import module` names a module too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_file(name: str) -> Path | None:
    base = PACKAGE_ROOT.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _direct_imports(file: Path) -> tuple[Path, ...]:
    names = (n for n in _imported_names(file.read_text()) if n.split(".")[0] == "medsynth")
    return tuple(sorted({found for n in names if (found := _module_file(n))}))


def source_files(script: str | Path) -> list[Path]:
    """The script and every medsynth module it imports, directly or through others, sorted."""
    seen: set[Path] = set()
    waiting = [Path(script).resolve()]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_direct_imports(file))
    return sorted(seen)


def code_digest(script: str | Path) -> str:
    """One sha256 over the sources of `script` and all it imports from medsynth.

    Snakemake reruns a rule whose script changed but not one whose library changed; passed as a
    parameter, this digest closes that gap without touching rules that do not import the module.
    """
    lines = [
        f"{f.relative_to(PACKAGE_ROOT)} {digest_bytes(f.read_bytes())}"
        for f in source_files(script)
    ]
    return digest_bytes("\n".join(lines).encode())
