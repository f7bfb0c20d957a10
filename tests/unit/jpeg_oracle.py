"""JPEG (ITU-T T.81) decoded as an oracle: one grey scan, no restarts; sequential in float64."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1
from scipy.fft import idctn

LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit}
LOSSLESS = {JPEGLossless, JPEGLosslessSV1}

ORDER = sorted(
    ((v, u) for v in range(8) for u in range(8)),
    key=lambda at: (sum(at), at[1] if sum(at) % 2 == 0 else at[0]),
)  # zig-zag (Figure A.6)


def reference_pixels(dataset: pydicom.Dataset) -> np.ndarray:
    """pydicom's pixels; of grey lossy JPEG, which decoders round in their ways, exact ones.

    Of lossless JPEG, for which pydicom has no decoder that is not under the GPL, those of liblj92,
    which the library does not use.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in LOSSLESS and dataset.SamplesPerPixel == 1:
        code = get_frame(dataset.PixelData, 0, number_of_frames=1)
        return imagecodecs.ljpeg_decode(code).reshape(dataset.Rows, dataset.Columns)
    if syntax in LOSSY and dataset.SamplesPerPixel == 1:
        return exact_pixels(get_frame(dataset.PixelData, 0, number_of_frames=1))
    return dataset.pixel_array


def exact_pixels(code: bytes) -> np.ndarray:
    """float64 (H, W): sums of the inverse DCT (A.3.3) before they are rounded, within the range."""
    tables, huffman, at = {}, {}, 2
    while True:
        marker, size = code[at + 1], int.from_bytes(code[at + 2 : at + 4])
        body, at = code[at + 4 : at + 2 + size], at + 2 + size
        match marker:
            case 0xDB:
                while body:
                    wide = 1 + (body[0] >> 4)
                    values = [int.from_bytes(body[1 + wide * k :][:wide]) for k in range(64)]
                    tables[body[0] & 15], body = values, body[1 + 64 * wide :]
            case 0xC4:
                while body:
                    found, body = _codes(body)
                    huffman.update(found)
            case 0xC0 | 0xC1:
                precision, rows, columns = body[0], body[1] << 8 | body[2], body[3] << 8 | body[4]
                table_of_values = body[8]
            case 0xDA:
                dc, ac = body[2] >> 4, body[2] & 15
                break
    scan = code[at : code.rindex(b"\xff\xd9")].replace(b"\xff\x00", b"\xff")
    bits = "".join(f"{byte:08b}" for byte in scan)
    across, down = -(-columns // 8), -(-rows // 8)
    pixels, place, before = np.empty((8 * down, 8 * across)), 0, 0
    for block in range(across * down):
        coefficients, k = np.zeros((8, 8)), 0
        while k < 64:
            table = (0, dc) if k == 0 else (1, ac)
            length = next(n for n in range(1, 17) if (*table, bits[place : place + n]) in huffman)
            symbol = huffman[(*table, bits[place : place + length])]
            place, run, extra = place + length, symbol >> 4, symbol & 15
            if k and not extra and run < 15:
                break
            value = int(bits[place : place + extra] or "0", 2)
            value -= ((1 << extra) - 1) if extra and bits[place] == "0" else 0
            place, k = place + extra, k + run
            if k == 0:
                before = value = before + value
            coefficients[ORDER[k]], k = value * tables[table_of_values][k], k + 1
        y, x = divmod(block, across)
        pixels[8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = idctn(coefficients, norm="ortho")
    top = 1 << precision
    return (pixels[:rows, :columns] + top // 2).clip(0, top - 1)


def _codes(body: bytes) -> tuple[dict[tuple[int, int, str], int], bytes]:
    """One Huffman table (Annex C): (class, identifier, bits) to symbol; and what follows it."""
    found, code, at = {}, 0, 17
    for length in range(1, 17):
        for _ in range(body[length]):
            found[body[0] >> 4, body[0] & 15, f"{code:0{length}b}"] = body[at]
            code, at = code + 1, at + 1
        code <<= 1
    return found, body[at:]
