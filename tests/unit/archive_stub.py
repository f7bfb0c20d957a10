"""A local archive that speaks the documented interfaces, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "somebody", "pa55-wörd:&"
TOKEN = "t0ken-of-somebody"
# physionet-build, project/utility.py: who may use basic authentication.
KNOWN_PROGRAMS = ("Wget/", "libwfdb/")


@dataclass
class Archive:
    """What the stub holds, how it misbehaves, and what it was asked.

    Attributes:
        files: body of each path; those in `restricted` need credentials.
        cuts: path -> bytes after which the connection breaks, each used once.
        answers: path -> (status, headers) given instead, each used once.
        corrupt: path -> how many times the body comes with a wrong byte.
        asked: method and path of every request; ranges: the Range header of each.
        stalls: paths that stop for good after `stall_after` bytes.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    restricted: str | None = None
    ranges_work: bool = True
    cuts: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    corrupt: Counter = field(default_factory=Counter)
    stalls: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    collection: dict[str, list[str]] = field(default_factory=dict)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def add_project(self, path: str, files: dict[str, bytes]) -> None:
        """A PhysioNet project with its SHA256SUMS.txt."""
        base = f"/files/{path}/"
        self.files |= {base + name: body for name, body in files.items()}
        lines = [f"{hashlib.sha256(body).hexdigest()} {name}\n" for name, body in files.items()]
        self.files[base + "SHA256SUMS.txt"] = "".join(lines).encode()

    def add_gdc(self, files: dict[str, tuple[str, bytes]]) -> str:
        """Files by UUID; returns the manifest of all."""
        lines = ["id\tfilename\tmd5\tsize\tstate"]
        for uuid, (name, body) in files.items():
            self.files[f"/data/{uuid}"] = body
            md5 = hashlib.md5(body).hexdigest()
            lines.append(f"{uuid}\t{name}\t{md5}\t{len(body)}\treleased")
        return "\n".join(lines) + "\n"

    def add_series(self, uid: str, images: dict[str, bytes], **zip_of) -> None:
        self.files[f"/getImageWithMD5Hash?{uid}"] = series_zip(images, **zip_of)

    def data_requests(self) -> list[str]:
        return [a for a in self.asked if "SHA256SUMS" not in a and a != "POST /files"]


def series_zip(
    images: dict[str, bytes],
    *,
    hashes: bool = True,
    wrong: bool = False,
    extra: list[zipfile.ZipInfo] | None = None,
) -> bytes:
    """A series as NBIA sends it: images, LICENSE and, at the end, md5hashes.csv."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, body in images.items():
            zipped.writestr(name, body)
        zipped.writestr("LICENSE", "CC BY 3.0")
        for entry in extra or []:
            zipped.writestr(entry, b"/etc/passwd")
        if hashes:
            md5 = {n: hashlib.md5(b + b"x" * wrong).hexdigest() for n, b in images.items()}
            lines = ["Filename,MD5Hash", *(f"{n},{m}" for n, m in md5.items())]
            zipped.writestr("md5hashes.csv", "\n".join(lines) + "\n")
    return out.getvalue()


def files_below(folder: Path) -> dict[str, bytes]:
    """Contents by relative path, without the list for people."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "list.tsv"
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # answers in two writes would wait 40 ms for each other
    archive: Archive

    def log_message(self, *arguments) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _path(self) -> str:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        uid = query.get("SeriesInstanceUID", [""])[0]
        return unquote(parts.path) + (f"?{uid}" if uid else "")

    def _refusal(self, path: str) -> int | None:
        kind, agent = self.archive.restricted, self.headers.get("User-Agent", "")
        if kind == "physionet":
            right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if not agent.startswith(KNOWN_PROGRAMS):
                return 403
            return None if self.headers.get("Authorization") == f"Basic {right}" else 401
        if kind == "gdc" and path.startswith("/data/"):
            return None if self.headers.get("X-Auth-Token") == TOKEN else 403
        if kind == "tcia":
            return None if self.headers.get("Authorization") == f"Bearer {TOKEN}" else 401
        return None

    def do_POST(self) -> None:
        self.archive.asked.append(f"POST {self.path}")
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        hits = [
            {
                "file_id": uuid,
                "file_name": f"{uuid}.seg.txt",
                "data_category": "Copy Number Variation",
                "data_type": "Masked Copy Number Segment",
                "cases": [
                    {
                        "project": {"project_id": "TCGA-LGG"},
                        "submitter_id": "TCGA-CS-4938",
                        "samples": [
                            {"submitter_id": "TCGA-CS-4938-01B", "sample_type": "Primary Tumor"}
                        ],
                    }
                ],
            }
            for uuid in query["filters"]["content"]["value"]
        ]
        self._answer(200, json.dumps({"data": {"hits": hits}}).encode())

    def do_GET(self) -> None:
        archive, path = self.archive, self._path()
        archive.asked.append(f"GET {path}")
        archive.ranges.append(self.headers.get("Range"))
        archive.headers.append(dict(self.headers))
        if status := self._refusal(path):
            return self._answer(status, b"no")
        if archive.answers.get(path):
            status, headers = archive.answers[path].pop(0)
            return self._answer(status, b"", headers)
        if path == "/getSeries":
            name = parse_qs(urlsplit(self.path).query)["Collection"][0]
            found = [{"SeriesInstanceUID": uid} for uid in archive.collection.get(name, [])]
            return self._answer(200, json.dumps(found).encode() if found else b"")
        if path not in archive.files:
            return self._answer(404)
        self._send(path, archive.files[path])

    def _send(self, path: str, body: bytes) -> None:
        archive, start, status = self.archive, 0, 200
        asked = self.headers.get("Range")
        streamed = path.startswith("/getImageWithMD5Hash")  # made while it is sent
        headers = {"Content-Length": str(len(body))}
        if asked and archive.ranges_work and not streamed:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(body):
                return self._answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            headers["Content-Length"] = str(len(body) - start)
        if archive.corrupt[path] > 0:
            archive.corrupt[path] -= 1
            body = body[:-1] + bytes([body[-1] ^ 1])
        if streamed:
            headers = {"Transfer-Encoding": "chunked"}
        self.send_response(status)
        cookies = self.headers.get("Cookie", "")
        if archive.restricted == "physionet" and cookies and "sessionid" not in cookies:
            headers["Set-Cookie"] = "sessionid=known; Path=/"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        body = body[start:]
        if archive.cuts.get(path):
            self._write(body[: archive.cuts[path].pop(0)], streamed)
            self.close_connection = True
            return
        if path in archive.stalls:
            self._write(body[: archive.stalls[path]], streamed)
            self.wfile.flush()
            archive.released.wait(60)
            self.close_connection = True
            return
        self._write(body, streamed)
        if streamed:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, streamed: bool) -> None:
        if streamed and data:
            data = f"{len(data):x}\r\n".encode() + data + b"\r\n"
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that was killed is what a test wants."""


@contextmanager
def serving(archive: Archive):
    """Serve `archive` at its `url` on the loopback interface."""
    handler = type("Handler", (_Handler,), {"archive": archive})
    server = _Server(("127.0.0.1", 0), handler)
    archive.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield archive
    finally:
        archive.released.set()
        server.shutdown()
        server.server_close()
