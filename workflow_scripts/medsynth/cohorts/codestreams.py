"""How large a compressed image says it is, before a codec believes it and fills the memory."""

from __future__ import annotations

SIZ = b"\xff\x4f\xff\x51"  # start of a JPEG 2000 codestream and of its size (ITU-T T.800 A.5.1)
JPEG = b"\xff\xd8"
# Start of frame: of JPEG (ITU-T T.81 Table B.1; C4, C8 and CC are other markers) and of JPEG-LS
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def declared_size(codestream: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 codestream declares.

    Returns:
        None if it declares none where it should; a codec will refuse it, or it is of another kind.
    """
    if (start := codestream.find(SIZ, 0, 4096)) >= 0:  # alone, or after the boxes of a JP2 file
        corners = [_number(codestream, start + at, 4) for at in (12, 8, 20, 16)]
        return corners[0] - corners[2], corners[1] - corners[3]
    at = 2 if codestream.startswith(JPEG) else len(codestream)
    while at + 9 <= len(codestream) and codestream[at] == 0xFF:
        if codestream[at + 1] in FRAMES:
            return _number(codestream, at + 5, 2), _number(codestream, at + 7, 2)
        # any number of FF may stand before a marker
        at += 1 if codestream[at + 1] == 0xFF else 2 + _number(codestream, at + 2, 2)
    return None


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
