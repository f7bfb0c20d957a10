"""PhysioNet: files of credentialed projects, by HTTP basic authentication.

A project's SHA256SUMS.txt lists ``<sha256> <path>`` of everything else in it. Basic authentication
is answered only for programs whose User-Agent PhysioNet knows (physionet-build,
``project/utility.py``); others get status 403 whatever their password.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from urllib.parse import quote

from requests.auth import HTTPBasicAuth

from medsynth.fetch.archive import Archive
from medsynth.fetch.connection import Connection, FetchError
from medsynth.fetch.downloads import Wanted
from medsynth.fetch.settings import PhysioNetDownload, PhysioNetProject

USERNAME, PASSWORD = "PHYSIONET_USERNAME", "PHYSIONET_PASSWORD"
# Two blanks and a star as sha256sum writes them, one blank as PhysioNet does.
LINE = re.compile(r"([0-9a-fA-F]{64})\s+\*?(\S.*)")


class PhysioNet(Archive):
    """The wanted files of all projects go to one folder.

    Raises:
        FetchError: half of the credentials is missing.
    """

    def __init__(self, settings: PhysioNetDownload):
        connection = Connection(_refused(settings), _credentials(), settings.user_agent)
        super().__init__(settings.destination, connection)
        self._settings = settings

    def wanted(self) -> list[Wanted]:
        """See the base; FetchError too where two projects disagree about a file."""
        wanted: dict[str, Wanted] = {}
        for project in self._settings.projects:
            base = f"{self._settings.base_url}/files/{project.path}"
            sums = parse_sums(self.connection.text(f"{base}/SHA256SUMS.txt"), project.path)
            for path in select(sums, project):
                file = Wanted(path, f"{base}/{quote(path)}", "sha256", sums[path])
                if wanted.setdefault(path, file).checksum != file.checksum:
                    raise FetchError(
                        f"{project.path} and another project have different files of one path;"
                        " narrow `include` of these projects, e.g. to leave LICENSE.txt out"
                    )
        return list(wanted.values())


def parse_sums(text: str, project: str) -> dict[str, str]:
    """The sha256 of every path in a SHA256SUMS.txt.

    Raises:
        FetchError: a line is something else.
    """
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line)
        if not found:
            raise FetchError(f"{project}: line {number} of its SHA256SUMS.txt is not `sha256 path`")
        sums[found[2].removeprefix("./")] = found[1].lower()
    return sums


def select(sums: dict[str, str], project: PhysioNetProject) -> list[str]:
    """The paths that match one of the project's globs, sorted.

    Raises:
        FetchError: a glob matches nothing.
    """
    chosen: set[str] = set()
    for pattern in project.include:
        matching = {path for path in sums if fnmatchcase(path, pattern)}
        if not matching:
            raise FetchError(
                f"{project.path}: no path matches {pattern!r}; see SHA256SUMS.txt on its page"
            )
        chosen |= matching
    return sorted(chosen)


def _credentials() -> HTTPBasicAuth | None:
    username, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    if username and password:
        return HTTPBasicAuth(username.encode(), password.encode())
    if username or password:
        raise FetchError(f"set both {USERNAME} and {PASSWORD}, or none for open projects")
    return None


def _refused(settings: PhysioNetDownload) -> str:
    pages = ", ".join(f"{settings.base_url}/content/{p.path}/" for p in settings.projects)
    return (
        f"Set {USERNAME} and {PASSWORD} to those of an account that has signed the data use"
        f" agreement ({pages}). With status 403 and an agreement that is signed, PhysioNet does not"
        f" know the program {settings.user_agent!r}: ask it to, or set user_agent"
    )


SETTINGS, ARCHIVE = PhysioNetDownload, PhysioNet
