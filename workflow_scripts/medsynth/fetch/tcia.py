"""The Cancer Imaging Archive: DICOM series as ZIP files with the MD5 of each image.

API: NBIA v4, https://wiki.cancerimagingarchive.net/x/fILTB (getSeries, getImageWithMD5Hash). The
server makes the ZIP while it sends it: there is no Content-Length and no Range, so what resumes is
the series, not the byte. When the server breaks off inside, the ZIP it leaves is a valid one
without md5hashes.csv, its last file; only that file shows that a series is whole.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode

from medsynth.fetch.archive import Archive
from medsynth.fetch.connection import Connection, FetchError, TokenHeader, UnusableFile, read_token
from medsynth.fetch.downloads import Wanted, inside, is_complete, is_right, remember, save
from medsynth.fetch.settings import TciaDownload
from medsynth.store.digest_cache import DigestCache

TOKEN_FILE = "TCIA_TOKEN_FILE"
UID = re.compile(r"[0-9]+(\.[0-9]+)*")  # DICOM PS3.5, 9.1
LIST_BEGINS = "ListOfSeriesToDownload="
HASHES = "md5hashes.csv"
MAX_FILES, MAX_BYTES = 100_000, 32 * 2**30  # of one series
REFUSED = (
    f"Set {TOKEN_FILE} to the path of a file with an access token (they last two hours) of an"
    " account that may see the collection:"
    " https://www.cancerimagingarchive.net/nih-controlled-data-access-policy/"
)


class Tcia(Archive):
    """Series go to <destination>/<SeriesInstanceUID>/, with their md5hashes.csv.

    Raises:
        FetchError: the file of the token cannot be read.
    """

    def __init__(self, settings: TciaDownload):
        token = read_token(TOKEN_FILE)
        auth = TokenHeader("Authorization", f"Bearer {token}") if token else None
        super().__init__(settings.destination, Connection(REFUSED, auth))
        self._settings = settings

    def wanted(self) -> list[Wanted]:
        manifest, base = self._settings.manifest, f"{self._settings.base_url}/getImageWithMD5Hash"
        series = (
            read_manifest(manifest) if manifest else list_series(self._settings, self.connection)
        )
        return [Wanted(uid, f"{base}?{urlencode({'SeriesInstanceUID': uid})}") for uid in series]

    def fetch(self, item: Wanted, cache: DigestCache) -> list[tuple[Wanted, Path]]:
        """The images of one series."""
        return fetch_series(item, self.destination, self.connection, cache)


def read_manifest(path: Path) -> list[str]:
    """The series of a *.tcia file, sorted.

    Raises:
        FetchError: another file, or a line that is no UID.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"{path}: cannot be read ({type(error).__name__})") from None
    if LIST_BEGINS not in lines:
        raise FetchError(f"{path}: no line {LIST_BEGINS}; give the manifest as TCIA makes it")
    start = lines.index(LIST_BEGINS) + 1
    uids = {line for line in lines[start:] if line}
    if not uids:
        raise FetchError(f"{path}: it lists no series")
    return _checked(uids, str(path))


def list_series(settings: TciaDownload, connection: Connection) -> list[str]:
    """The series of a collection, sorted.

    Raises:
        FetchError: there is none.
    """
    query = {"Collection": settings.collection, "format": "json"}
    if settings.modality:
        query["Modality"] = settings.modality
    url = f"{settings.base_url}/getSeries?{urlencode(query)}"
    text = connection.text(url)
    try:
        uids = {entry["SeriesInstanceUID"] for entry in json.loads(text or "[]")}
    except (ValueError, KeyError, TypeError):
        raise FetchError(f"{url}: not the answer that is documented") from None
    if not uids:
        raise FetchError(f"{url}: no series; correct collection or modality")
    return _checked(uids, url)


def _checked(uids: set[str], source: str) -> list[str]:
    if not all(len(uid) <= 64 and UID.fullmatch(uid) for uid in uids):
        raise FetchError(f"{source}: it lists something that is no UID; get the list again")
    return sorted(uids)


def fetch_series(
    series: Wanted, destination: Path, connection: Connection, cache: DigestCache
) -> list[tuple[Wanted, Path]]:
    """Have one series, every image of it verified; nothing is asked if it is there.

    Returns:
        Its images, with where they lie.

    Raises:
        UnusableFile: refused, unavailable, incomplete, unsafe, wrong_checksum.
        FetchError: access denied.
        OSError: the disk is full, or the destination cannot be written.
    """
    folder = inside(destination, series.path)
    if (folder / HASHES).is_file():
        images = listed_images(folder / HASHES, series.path)
        if all(is_complete(destination / image.path, image, cache) for image in images):
            return [(image, destination / image.path) for image in images]
    archive = folder.with_name(f"{folder.name}.zip.part")
    unpacked = folder.with_name(f"{folder.name}.part")
    for last in (False, True):
        # The server makes other bytes every time: a half has no second half.
        archive.unlink(missing_ok=True)
        shutil.rmtree(unpacked, ignore_errors=True)
        save(series, archive, connection)
        try:
            unpack(archive, unpacked)
            images = listed_images(unpacked / HASHES, series.path)
            for image in images:
                if not is_right(unpacked / PurePosixPath(image.path).name, image):
                    raise UnusableFile("wrong_checksum")
            break
        except UnusableFile as error:
            shutil.rmtree(unpacked, ignore_errors=True)
            if last or error.reason == "unsafe":
                raise
        finally:
            archive.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    unpacked.replace(folder)
    for image in images:
        remember(destination / image.path, image, cache)
    return [(image, destination / image.path) for image in images]


def listed_images(hashes: Path, series: str) -> list[Wanted]:
    """The images that md5hashes.csv (Filename, MD5Hash) lists, all of which must be there.

    Raises:
        UnusableFile: incomplete.
    """
    text = hashes.read_text(encoding="utf-8-sig", errors="replace")
    listed = {
        row.get("Filename", ""): row.get("MD5Hash") or ""
        for row in csv.DictReader(io.StringIO(text))
    }
    there = {path.name for path in hashes.parent.iterdir()}
    images = {name for name in there if name.lower().endswith(".dcm")}
    if not listed or set(listed) - there or images - set(listed):
        raise UnusableFile("incomplete")
    return [
        Wanted(f"{series}/{name}", "", "md5", listed[name].strip().lower())
        for name in sorted(listed)
    ]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a series' ZIP: plain files in one folder, of bounded number and size.

    Raises:
        UnusableFile: unsafe, or incomplete (damaged, or without md5hashes.csv).
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = zipped.infolist()
            names = [entry.filename for entry in entries]
            if (
                len(names) > MAX_FILES
                or sum(entry.file_size for entry in entries) > MAX_BYTES
                or len(set(names)) < len(names)
                or not all(map(_is_plain, entries))
            ):
                raise UnusableFile("unsafe")
            if HASHES not in names:
                raise UnusableFile("incomplete")
            folder.mkdir()
            for entry in entries:
                # Reads no more than the entry says, and checks its CRC.
                with zipped.open(entry) as source, open(folder / entry.filename, "xb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                    target.flush()
                    os.fsync(target.fileno())
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error):
        raise UnusableFile("incomplete") from None


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """A file, not a link or a device, whose name is no path."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    name = entry.filename
    return (
        kind in (0, stat.S_IFREG)
        and name == PurePosixPath(name).name
        and name not in ("", ".", "..")
        and "\\" not in name
        and name.isprintable()
    )


SETTINGS, ARCHIVE = TciaDownload, Tcia
