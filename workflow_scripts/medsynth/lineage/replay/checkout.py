"""The sources that an invocation ran with, put back from its record."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

from medsynth.lineage.recording.environment import STARRED, code_state
from medsynth.lineage.recording.records import InvocationStart
from medsynth.store.digests import digest_file

UNTRACKED = re.compile(r"\n\+\+\+ untracked (.+)\n")


def check_out(ran: InvocationStart, blobs: Path, folder: Path) -> tuple[Path, str | None]:
    """The Snakefile that an invocation ran, with all that lay around it.

    Args:
        ran: start record of the invocation.
        blobs: where :func:`medsynth.lineage.recording.environment.code_state` keeps differences.
        folder: to put the sources into if today's are others.

    Returns:
        Path of the Snakefile, and None, or else why it is today's though that has changed.
    """
    today = Path(ran["snakefile"])
    state = ran["git"]
    if not state["head"]:
        return today, "its own were under no version control"
    if code_state(today.parent, folder.with_name("today")) == state:
        return today, None
    top = (_git(today.parent, "rev-parse", "--show-toplevel") or b"").decode().strip()
    # Asked in a folder inside, git would pack that alone.
    packed = _git(Path(top), "archive", "--format=tar", state["head"]) if top else None
    if packed is None:
        return today, f"git does not know commit {state['head']} any more"
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    blob = blobs / f"{state['dirty']}.diff"
    if state["dirty"] and not _apply(blob, folder):
        what = "is lost, held secrets or cannot be applied"
        return today, f"the difference {state['dirty']} from its commit {what}"
    # Git tells where its folder really is, whatever links led there.
    inside = os.path.relpath(os.path.realpath(today.parent), top)
    return folder / inside / today.name, None


def _git(folder: Path, *arguments: str) -> bytes | None:
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _apply(blob: Path, folder: Path) -> bool:
    """Bring sources to the state of a difference, as code_state writes it."""
    if not blob.exists() or digest_file(blob) != blob.stem:
        return False
    text = blob.read_text()
    if text.startswith(STARRED):
        return False
    difference, *untracked = UNTRACKED.split(text)
    for name, text in zip(untracked[::2], untracked[1::2], strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if not difference:
        return True
    # git must not take the folder for a part of a repository around it.
    environ = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", "--whitespace=nowarn"]
    done = subprocess.run(
        command, cwd=folder, env=environ, input=difference.encode(), capture_output=True
    )
    return done.returncode == 0
