"""Talking to an archive: who asks, what its answers mean, and how long to be patient.

Nothing here puts a password or a token into a message.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from medsynth.fetch.wording import REASONS
from medsynth.store.errors import MedsynthError

USER_AGENT = "medsynth/0.1"
TIMEOUT = (20, 300)  # seconds to connect, and between two pieces of an answer
TRIES = 6  # that bring nothing new
LONGEST_WAIT = 120.0  # seconds, whatever the archive asks for
TRANSIENT = {429, 500, 502, 503, 504}

Answer = TypeVar("Answer")


class FetchError(MedsynthError):
    """The download cannot go on; the message says what to do. What is there stays."""


class UnusableFile(MedsynthError):
    """One file cannot be had; the others can.

    Attributes:
        reason: a key of :data:`medsynth.fetch.wording.REASONS`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{REASONS[reason]} ({detail})" if detail else REASONS[reason])
        self.reason = reason


class Interrupted(MedsynthError):
    """It may work the next time, after `wait` seconds if the archive says so."""

    def __init__(self, cause: str, wait: float | None = None) -> None:
        super().__init__(cause)
        self.wait = wait


class TokenHeader(AuthBase):
    """A token in a header of its own."""

    def __init__(self, header: str, value: str) -> None:
        self.header, self.value = header, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self.header] = self.value
        return request


class _Session(requests.Session):
    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Requests keeps only `Authorization` from following a redirect to another host."""
        if self.should_strip_auth(response.request.url, prepared_request.url):
            prepared_request.headers.pop("X-Auth-Token", None)
        super().rebuild_auth(prepared_request, response)


class Connection:
    """What all requests to one archive share. Safe for many threads; proxies as in the environment.

    Args:
        refused: what to do about status 401 and 403; one sentence for the user.
        auth: credentials, as requests takes them.
    """

    def __init__(self, refused: str, auth: AuthBase | None, agent: str = USER_AGENT) -> None:
        self._refused = refused
        self._auth = auth
        # Compressed on the way, a file would have other lengths and offsets.
        self._headers = {"User-Agent": agent, "Accept-Encoding": "identity"}
        self._local = threading.local()

    def _session(self) -> requests.Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _Session()
            session.headers.update(self._headers)
            session.auth = self._auth
            # To clients that take cookies PhysioNet gives a session, instead of computing the
            # slow hash of the password for every file (physionet-build, check_http_auth).
            session.cookies.set("testcookie", "1")
        return session

    def request(self, url: str, *, json: Any = None, offset: int = 0) -> requests.Response:
        """The archive's answer, 200, 206 or 416, with its body still to be read.

        Args:
            json: sent by POST.
            offset: the first byte that is wanted.

        Raises:
            FetchError: the archive wants other credentials.
            UnusableFile: not_found, refused.
            Interrupted: no answer, or one that asks for patience.
        """
        method = "GET" if json is None else "POST"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with interruptions():
            response = self._session().request(
                method, url, json=json, headers=headers, stream=True, timeout=TIMEOUT
            )
        if response.status_code in (200, 206, 416):
            return response
        response.close()
        if response.status_code in (401, 403):
            # Not the whole address: it may name a patient.
            raise FetchError(
                f"{urlsplit(url).netloc}: access denied ({response.status_code}). {self._refused}"
            )
        if response.status_code in TRANSIENT:
            wait = _asked_wait(response.headers.get("Retry-After"))
            raise Interrupted(f"status {response.status_code}", wait)
        raise UnusableFile("not_found" if response.status_code in (404, 410) else "refused")

    def text(self, url: str, json: Any = None) -> str:
        """A list or description, whole.

        Raises:
            FetchError: it cannot be had.
        """

        def attempt() -> str:
            with self.request(url, json=json) as response, interruptions():
                return response.content.decode("utf-8-sig", errors="replace")

        try:
            return patiently(attempt)
        except UnusableFile as error:
            raise FetchError(f"{url}: {error}; correct the configuration, or try later") from None


@contextmanager
def interruptions() -> Iterator[None]:
    """Turn what networks do into Interrupted."""
    try:
        yield
    except (requests.RequestException, HTTPError, ConnectionError, TimeoutError) as error:
        # Not chained: such messages repeat the address.
        raise Interrupted(type(error).__name__) from None


def patiently(attempt: Callable[[], Answer], progress: Callable[[], int] = int) -> Answer:
    """Call `attempt` until it is not interrupted, with growing pauses.

    Args:
        progress: bytes there are; more than ever before make the archive worth a new set of tries.

    Raises:
        UnusableFile: unavailable, after TRIES interruptions without progress.
    """
    tries, best = 0, progress()
    while True:
        try:
            return attempt()
        except Interrupted as error:
            tries = 1 if progress() > best else tries + 1
            best = max(best, progress())
            if tries >= TRIES:
                raise UnusableFile("unavailable", str(error)) from None
            wait = 2.0**tries if error.wait is None else error.wait
            time.sleep(min(wait, LONGEST_WAIT))


def _asked_wait(header: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def read_token(variable: str) -> str | None:
    """The token in the file that an environment variable names; null if it is not set.

    Raises:
        FetchError: no such file, or not one word of ASCII.
    """
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        token = Path(path).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(
            f"the file that {variable} names cannot be read ({type(error).__name__}); correct the"
            " variable, or download the token again"
        ) from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise FetchError(f"the file that {variable} names holds no token; download it again")
    return token
