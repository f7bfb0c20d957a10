"""What a workflow invocation ran with: code state, packages, machine, configuration."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from medsynth.lineage.recording.records import CodeState
from medsynth.runtime.lease import installed_devices
from medsynth.store.atomic import replacing
from medsynth.store.digests import digest_bytes, digest_path
from medsynth.store.privacy.secrets import SHORTEST, secrets_in
from medsynth.store.privacy.source_secrets import source_without_secrets

# Only what is code for sure: an untracked .txt could be a patient's report.
SOURCES = re.compile(r"(\.(py|smk|ya?ml|toml)|/?Snakefile|/?Makefile)$")
PROGRAM = re.compile(r"(\.(py|smk)|Snakefile)\"?$")
SETTINGS = re.compile(r"\.(ya?ml|toml)$")
CHANGED = re.compile(r"^diff --git a/(.+) b/(.+)$", re.MULTILINE)
# A difference that begins with this line cannot be put back as it was.
STARRED = "Secrets in programs are starred out.\n"
PATHSPECS = ["*.py", "*.smk", "*.yaml", "*.yml", "*.toml", "*Snakefile", "*Makefile"]


def canonical(value: Any) -> str:
    """JSON with one spelling for equal values, so that digests of it mean something."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",  # a source in another encoding
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def code_state(folder: Path, blobs: Path) -> CodeState:
    """HEAD, and what differs from it as a file in `blobs` named by its sha256.

    The difference is `git diff HEAD` of sources and the text of untracked sources that git
    does not ignore, both without secrets; `dirty` is None where no source differs. Without git or
    commits `head` is None.
    """
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    sources = [f":(top){name}" for name in PATHSPECS]
    changed = _git(folder, "diff", "HEAD", "--", *sources) or ""
    parts = re.split(r"^(?=diff --git )", changed, flags=re.MULTILINE)
    listed = ["ls-files", "--others", "--exclude-standard", "--full-name", "--", ":/"]
    untracked = _git(folder, *listed) or ""
    top = Path((_git(folder, "rev-parse", "--show-toplevel") or "").strip())
    for name in sorted(untracked.splitlines()):
        if SOURCES.search(name) and (top / name).is_file():
            parts.append(f"\n+++ untracked {name}\n{(top / name).read_text(errors='replace')}")
    difference = _without_secrets(parts, set(_configured_secrets(top, changed, untracked)))
    dirty = digest_bytes(difference.encode()) if difference else None
    if dirty and not (blob := blobs / f"{dirty}.diff").exists():
        with replacing(blob) as temporary:
            temporary.write_bytes(difference.encode())
    return {"head": head.strip() if head else None, "dirty": dirty}


def _configured_secrets(top: Path, changed: str, untracked: str) -> Iterator[str]:
    """Secrets in settings that differ, as they are and as they were committed.

    A difference shows parts of a file, of which the name of the secret may be none.
    """
    names = {name for pair in CHANGED.findall(changed) for name in pair}
    committed = {n: _git(top, "show", f"HEAD:{n}") for n in names if SETTINGS.search(n)}
    names |= {name for name in untracked.splitlines() if SETTINGS.search(name)}
    there = [top / name for name in names if SETTINGS.search(name) and (top / name).is_file()]
    texts = [path.read_text(errors="replace") for path in there]
    for text in [*filter(None, committed.values()), *texts]:
        for value in secrets_in(_parsed(text)):
            yield from (
                line for line in map(str.strip, value.splitlines()) if len(line) >= SHORTEST
            )


def _parsed(text: str) -> Any:
    """Settings in YAML, of which JSON is a part, or in TOML; None if they are neither."""
    import tomllib

    import yaml  # slow, and jobs import this module

    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(text)
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        return list(yaml.safe_load_all(text))


def _without_secrets(parts: list[str], known: set[str]) -> str:
    """The parts of a difference, one a file, its name at the end of the first line."""
    kept, starred = [], False
    for part in parts:
        is_program = bool(PROGRAM.search(part.strip().partition("\n")[0]))
        kept.append(source_without_secrets(part, is_program=is_program, known=known))
        starred |= is_program and kept[-1] != part
    return (STARRED if starred else "") + "".join(kept)


def environment(folder: Path) -> dict[str, Any]:
    """Interpreter, installed packages, lock files (`folder`/envs), platform and GPUs."""
    packages = sorted({f"{d.name}=={d.version}" for d in metadata.distributions()})
    driver = Path("/proc/driver/nvidia/version")
    locks = folder / "envs"
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "snakemake": metadata.version("snakemake"),
        "packages": packages,
        "packages_sha256": digest_bytes("\n".join(packages).encode()),
        "lock_sha256": digest_path(locks)[0] if locks.is_dir() else None,
        "driver": driver.read_text().splitlines()[0] if driver.exists() else None,
        "gpus": installed_devices(),
    }
