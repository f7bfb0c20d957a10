"""Where this library lies, and which of several checkouts in one environment a command is of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[3]


def follow_checkout(module: str) -> None:
    """Start `python -m module` anew if this folder is in another checkout than ours.

    An environment installs one checkout; called in a second one, its commands would run the
    first one's library on the second one's results.
    """
    cwd = Path.cwd()
    libraries = (folder / "workflow_scripts" for folder in (cwd, *cwd.parents))
    here = next((found for found in libraries if (found / "medsynth").is_dir()), LIBRARY)
    if here.resolve() == LIBRARY:
        return
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if paths[0] == str(here):
        return  # it was tried, and Python was told to take no notice
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(here), *paths]))
    os.execv(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]])
