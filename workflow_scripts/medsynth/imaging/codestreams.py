"""What a compressed image says of itself, before a codec believes it and fills the memory."""

from __future__ import annotations

from typing import NamedTuple

SIZ = b"\xff\x4f\xff\x51"  # start of a JPEG 2000 codestream and of its size (ITU-T T.800 A.5.1)
JPEG = b"\xff\xd8"
JP2 = b"\0\0\0\x0cjP  "
# Start of frame: of JPEG (ITU-T T.81 Table B.1; C4, C8 and CC are other markers) and of JPEG-LS
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


class Codestream(NamedTuple):
    """Size and samples of a compressed image.

    precision: bits of a sample. signed: null where the format has no word for it (JPEG).
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool | None


def begins_image(fragment: bytes) -> bool:
    """Whether a fragment of pixel data is the first one of a JPEG, JPEG-LS or JPEG 2000 image."""
    return fragment.startswith((SIZ, JP2, JPEG + b"\xff"))


def run_length_sizes(frame: bytes) -> list[int]:
    """Decoded bytes of every segment of an RLE image (PS3.5 G.3 to G.5)."""
    offsets = [_little(frame, 4 * k) for k in range(1, 1 + min(_little(frame, 0), 15))]
    ends = [*offsets[1:], len(frame)]
    return [_run_length_size(frame[start:end]) for start, end in zip(offsets, ends, strict=True)]


def _run_length_size(segment: bytes) -> int:
    at = size = 0
    while at < len(segment) - 1:
        control = segment[at]
        if control < 128:  # so many bytes, and one more, as they are
            size += min(control + 1, len(segment) - at - 1)
            at += control + 2
        elif control > 128:  # one byte, repeated
            size += 257 - control
            at += 2
        else:
            at += 1
    return size


def declared(codestream: bytes) -> Codestream | None:
    """The header of a JPEG, JPEG-LS or JPEG 2000 codestream, of its first component.

    Returns:
        None where there is no such header, or where it is cut off.
    """
    if (start := codestream.find(SIZ, 0, 4096)) >= 0:  # alone, or after the boxes of a JP2 file
        if len(codestream) < start + 43:
            return None
        corners = [_number(codestream, start + at, 4) for at in (12, 8, 20, 16)]
        depth = codestream[start + 42]
        return Codestream(
            corners[0] - corners[2],
            corners[1] - corners[3],
            components=_number(codestream, start + 40, 2),
            precision=(depth & 0x7F) + 1,
            signed=depth > 0x7F,
        )
    at = 2 if codestream.startswith(JPEG) else len(codestream)
    while at + 10 <= len(codestream) and codestream[at] == 0xFF:
        if codestream[at + 1] in FRAMES:
            rows, columns = (_number(codestream, at + k, 2) for k in (5, 7))
            return Codestream(rows, columns, codestream[at + 9], codestream[at + 4], signed=None)
        # any number of FF may stand before a marker
        at += 1 if codestream[at + 1] == 0xFF else 2 + _number(codestream, at + 2, 2)
    return None


def _little(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
