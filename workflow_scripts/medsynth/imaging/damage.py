"""Pixel data that are missing or damaged, where decoders fill in something without a word."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import imagecodecs
import numpy as np

from medsynth.store.quarantine import UnusableImage

# Of TIFF 6.0: offsets and sizes of strips, or of tiles
PARTS = ((273, 279), (324, 325))
COMPRESSION, DESCRIPTION, DEFLATE = 259, 270, {8, 32946}
MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")  # that ends the data of a scan (ITU-T T.81 B.1.1.2)
EOI, ARITHMETIC = 0xD9, range(0xC9, 0xD0)
LAST = 4  # bytes: of any fewer, one could be padding
# The black of a corner may stay black, whatever is done to its last bits.
PATTERNS = (b"\x2a\xd5\x4b\x96", b"\xd5\x2a\xb4\x69", b"\0\0\0\0", b"\x7f\xfe\x7f\xfe")
MORE = bytes(range(1, 241))
Decode = Callable[[bytes], np.ndarray]


def check_png(data: bytes) -> None:
    """Refuse a PNG file whose rows are not all there; Pillow leaves the others black.

    Raises:
        UnusableImage: truncated.
    """
    try:
        imagecodecs.png_decode(data)
    except imagecodecs.PngError as error:
        raise UnusableImage("truncated", str(error)) from error


def check_jpeg(data: bytes, pixels: np.ndarray, decode: Decode) -> None:
    """Refuse a JPEG image whose last scan has too few data for its blocks, or too many.

    libjpeg only warns, and nobody passes that on. But pixels tell: bytes put before the end alter
    them only if blocks lack their data, and the last bytes do not only if they belong to none.
    Damage after which the blocks still end where the data end cannot be told. Arithmetic coding is
    not looked at.

    Args:
        data: of the image, from its first marker on.
        pixels: as `decode` gave them.
        decode: what raises OSError or RuntimeError of what is no code.

    Raises:
        UnusableImage: truncated, cannot_decode.
    """
    end = _end_of_scans(data)
    if end is None:
        return
    coded, rest = data[:end].rstrip(b"\xff"), data[end:]
    if not _same(coded + MORE + rest, pixels, decode):
        raise UnusableImage("truncated", "blocks without data")
    if any(byte in (0, 0xFF) for byte in coded[-LAST:]):  # escaped, or a restart
        return
    if all(_same(coded[:-LAST] + pattern + rest, pixels, decode) for pattern in PATTERNS):
        raise UnusableImage("cannot_decode", "more data than blocks")


def _end_of_scans(data: bytes) -> int | None:
    """Where the marker of the end stands; null without one, and of arithmetic coding."""
    at = 2
    while found := MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.start() + 2
        if marker == EOI:
            return found.start()
        if marker in ARITHMETIC and marker != 0xCC:
            return None
        at += int.from_bytes(data[at : at + 2], "big")
    return None


def _same(data: bytes, pixels: np.ndarray, decode: Decode) -> bool:
    try:
        return np.array_equal(decode(data), pixels)
    except (OSError, RuntimeError):  # what was put in is no code
        return False


def check_tiff(data: bytes, tags: Mapping[int, Any], size: int) -> None:
    """Refuse a TIFF file of which strips or tiles are not stored or damaged, or that holds several
    planes behind one directory, as ImageJ writes them.

    Args:
        data: of the file.
        tags: of its first directory.
        size: bytes of the image, uncompressed.

    Raises:
        UnusableImage: truncated, cannot_decode, multi_frame.
    """
    parts = [
        part
        for offsets, sizes in PARTS
        for part in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False)
    ]
    if any(not offset or not count for offset, count in parts):
        raise UnusableImage("truncated", "a strip or tile that is not stored")
    if tags.get(COMPRESSION, 1) == 1 and sum(count for _, count in parts) < size:
        raise UnusableImage("truncated", "strips or tiles that are too short")
    if tags.get(COMPRESSION) in DEFLATE:
        try:
            for offset, count in parts:
                zlib.decompress(data[offset : offset + count])
        except zlib.error as error:
            raise UnusableImage("cannot_decode", str(error)) from error
    described = str(tags.get(DESCRIPTION, ""))
    planes = re.search(r"^images=(\d+)", described, re.M)
    if described.startswith("ImageJ=") and planes and int(planes[1]) > 1:
        raise UnusableImage("multi_frame", f"{planes[1]} planes of ImageJ")
