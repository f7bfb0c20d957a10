"""Files that would fill the memory or end the process: refused, and the next one is read."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from tests.unit.cxr_files import radiograph
from tests.unit.reader_process import Readers


def _bomb(folder: Path, kind: str) -> tuple[str, bytes]:
    """A small file that says, or holds, enormous images."""
    path = folder / "one.dcm"
    if kind == "header":
        dataset = pydicom.dcmread(radiograph(path))
        dataset.Rows = dataset.Columns = 65535
    elif kind in ("jpeg 2000", "jpeg-ls"):
        two = kind == "jpeg 2000"
        syntax, marker = (JPEG2000Lossless, b"\xff\x51") if two else (JPEGLSLossless, b"\xff\xf7")
        data = radiograph(path, syntax).read_bytes()
        at = data.index(marker)  # SIZ: Lsiz, Rsiz, then Xsiz and Ysiz; SOF: Lf, P, then Y and X
        side = (60000).to_bytes(4 if two else 2, "big")
        at, width = (at + 6, 8) if two else (at + 5, 4)
        return "radiograph", data[:at] + side + side + data[at + width :]
    elif kind == "deflated":
        data = radiograph(path, DeflatedExplicitVRLittleEndian).read_bytes()
        start = 144 + pydicom.dcmread(path).file_meta.FileMetaInformationGroupLength
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        head = packer.compress(zlib.decompress(data[start:], -15)) + packer.flush(zlib.Z_FULL_FLUSH)
        zeros = packer.compress(bytes(2**26)) + packer.flush(zlib.Z_FULL_FLUSH)
        return "radiograph", data[:start] + head + 128 * zeros + packer.flush()  # 8 GB in all
    elif kind == "png":
        side, hundred = 30000, bytes(100 * 30001)  # lines of black pixels, a filter before each
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        lines = packer.compress(hundred) + packer.flush(zlib.Z_FULL_FLUSH)
        check = (side * (side + 1) % 65521 << 16) + 1  # Adler's sum of so many zeros
        black = b"\x78\xda" + side // 100 * lines + packer.flush() + check.to_bytes(4, "big")
        form = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        chunks = ((b"IHDR", form), (b"IDAT", black), (b"IEND", b""))
        return "png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    dataset.save_as(out := BytesIO())
    return "radiograph", out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.fixture(scope="module")
def readers():
    process = Readers()
    yield process
    process.close()


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("header", {"absurd_size"}),
        ("jpeg 2000", {"size_contradicts"}),
        ("jpeg-ls", {"size_contradicts"}),
        ("deflated", {"absurd_size"}),
        ("png", {"absurd_size"}),
    ],
)
def test_a_small_file_of_enormous_images_is_refused_in_little_memory(
    tmp_path, readers, kind, allowed
):
    reader, data = _bomb(tmp_path, kind)
    assert len(data) < 20e6
    what, found = readers(reader, data)
    assert what == "refused", found
    assert found in allowed
