"""What the operating system refuses: the path, why, and what to do."""

from __future__ import annotations

import errno

SHOWN = 80  # characters of a path
REMEDIES = {
    errno.ENOENT: "correct the path, or make the folder",
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or choose another disk",
    errno.EACCES: "ask for the right to it, or choose another place",
    errno.EPERM: "ask for the right to it, or choose another place",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def refusal(error: OSError) -> str:
    """One line about an error of a path that the user gave."""
    place = f"{str(error.filename)[:SHOWN]}: " if error.filename else ""
    remedy = REMEDIES.get(error.errno or 0, "choose another path")
    return f"{place}{error.strerror or error}; {remedy}"
