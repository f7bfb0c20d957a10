"""Which medsynth this is."""

from __future__ import annotations

import subprocess

from medsynth.store.source.checkout import LIBRARY

DESCRIBE = ("describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=, with changes")


def version() -> str:
    """Version, and the git commit if this library is a checkout's and git is there."""
    project = LIBRARY.parent / "pyproject.toml"
    if not project.is_file():
        from importlib import metadata

        return f"medsynth {metadata.version('medsynth')}"
    import tomllib

    number = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    commit = _commit() if (LIBRARY.parent / ".git").exists() else None
    return f"medsynth {number}" + (f" (commit {commit})" if commit else "")


def _commit() -> str | None:
    command = ["git", "-C", str(LIBRARY.parent), *DESCRIBE]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
