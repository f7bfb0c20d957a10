"""Which source a rule's result depends on: the digest of its script and what that imports."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from medsynth.store.digests import digest_bytes
from medsynth.store.errors import MedsynthError
from medsynth.store.source.meaning import Meaning

# A module of this name is only shown to people: texts, and nothing that decides.
WORDING = "wording.py"


@cache
def _is_here(name: str, root: Path) -> bool:
    """Whether a name is that of a package or module in `root`."""
    return (root / name).is_dir() or (root / f"{name}.py").is_file()


@cache
def _module_files(name: str, root: Path) -> frozenset[Path]:
    """The files that importing a name below `root` runs: its packages' and its own."""
    parts = name.split(".")
    if not _is_here(parts[0], root):
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
        meaning = Meaning(text, file.parent.relative_to(root).parts)
        digest, text = meaning.digest, "\n".join(meaning.texts)
        used.update(*(_module_files(name, root) for name in meaning.names))
    else:
        digest = digest_bytes(text.encode())
    if file.parent != root:
        used.update(f for f in _data_beside(file.parent) if f.name in text)
    return digest, frozenset(used)


@cache
def _data_beside(folder: Path) -> list[Path]:
    return [f for f in folder.iterdir() if f.is_file() and f.suffix not in (".py", ".pyc")]


def source_files(script: str | Path, *modules: str, wording: bool = False) -> list[Path]:
    """The script, the modules that it imports by name at run time, and all that these use, sorted.

    Args:
        script: a file that stands beside the package, as Snakemake finds its imports.
        modules: dotted names of modules of the package.
        wording: with the modules that hold texts for people, which only a page depends on.
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
        if file not in seen and (wording or file.name != WORDING):
            seen.add(file)
            waiting.extend(_read(file, script.parent)[1])
    return sorted(seen)


def code_digest(script: str | Path, *modules: str, wording: bool = False) -> str:
    """One sha256 over what :func:`source_files` do.

    Snakemake reruns a rule whose script changed but not one whose library changed; passed as a
    parameter, this digest closes that gap without touching rules that do not import the module.
    """
    root = Path(script).resolve().parent
    lines = [
        f"{file.relative_to(root)} {_read(file, root)[0]}"
        for file in source_files(script, *modules, wording=wording)
    ]
    return digest_bytes("\n".join(lines).encode())
