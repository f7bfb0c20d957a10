"""Where in its container a pixel's value lies, and whether all that is said of it agrees.

BitsStored, HighBit and PixelRepresentation (PS3.5 8.1.1), the header of a compressed image (PS3.5
8.2) and the pixels themselves speak of the same bits. Libraries believe one of them and drop the
rest. Here an attribute that is wrong is harmless as long as every reading gives every pixel the
same value; else the image is refused: no rule of the standard tells which reading was meant.
"""

from __future__ import annotations

import logging

import numpy as np

from medsynth.imaging.codestreams import Codestream
from medsynth.store.quarantine import UnusableImage

log = logging.getLogger(__name__)


def stored_bits(
    codes: np.ndarray,
    bits: int,
    high: int,
    signed: bool,
    codestream: Codestream | None = None,
    overlays: int = 0,
    padding: int = 0,
) -> np.ndarray:
    """The BitsStored bits of every pixel.

    Args:
        codes: uint8 or uint16 (H, W), the containers as decoded. Unused bits may be zero or repeat
            the sign.
        bits, high, signed: BitsStored, HighBit, PixelRepresentation = 1.
        codestream: what the compressed image says, if it is one with a header.
        overlays: mask of bits in which planes of old devices lie (OverlayBitPosition, PS3.3-2004
            C.9.2); they are cleared, unless they are bits of the pixels themselves.
        padding: PixelPaddingValue. Where it is negative and its two's complement is among the
            pixels, a JPEG 2000 codestream that calls them unsigned is wrong.

    Returns:
        As `codes`, with nothing but these bits.

    Raises:
        UnusableImage: bits_contradict.
    """
    if overlays:
        own = (1 << high + 1) - (1 << max(0, high + 1 - bits)) & overlays
        if (codes & own).any():
            raise UnusableImage("bits_contradict", f"overlays in the pixels' bits {own:#06x}")
        codes = codes & (~overlays & (1 << 8 * codes.itemsize) - 1)
    if high >= bits:
        codes = _from_high_bit(codes, bits, high, signed)
    said = codestream.signed if codestream else None
    if said is None and codestream and codestream.precision == 8 * codes.itemsize:
        codestream = None  # whole containers: it tells nothing of the values in them
    precision = codestream.precision if codestream else bits
    narrowest = min(bits, high + 1, precision)
    largest, mask = int(codes.max()), (1 << bits) - 1
    if signed and said is not False:
        agrees = largest < 1 << narrowest - 1  # no sign anywhere
        if not agrees and narrowest == bits == precision and largest <= mask:
            agrees = True  # the bits above the sign are zero
        elif not agrees and (said or precision >= bits):
            if said is None:  # samples of a JPEG come without their sign repeated
                codes = _sign_repeated(codes, precision if codestream else 8 * codes.itemsize)
            agrees = _fits(codes, narrowest)
    else:
        # Where one of the two calls the highest bit a sign, no pixel may have it.
        agrees = largest < 1 << narrowest - (signed or said is True)
        if not agrees and signed and padding < 0 and narrowest == bits == precision:
            agrees = bool((codes == padding & mask).any())
            if agrees:
                log.warning("unsigned JPEG 2000 is read as signed: its padding is %d", padding)
    if not agrees:
        sign = {True: " signed", False: " unsigned", None: ""}
        told = f"BitsStored {bits}, HighBit {high},{sign[signed]}"
        if codestream:
            told += f"; codestream of {precision} bits{sign[said]}"
        raise UnusableImage("bits_contradict", f"{told}; pixels up to {largest}")
    return codes & mask if signed else codes


def _from_high_bit(codes: np.ndarray, bits: int, high: int, signed: bool) -> np.ndarray:
    """Pixels whose HighBit is above the BitsStored lowest bits.

    Editions before 2008 allowed that; today it is forbidden, and a mistake. Which it is, the used
    bits show: in one of the two places there is room for all of them.
    """
    shift = high + 1 - bits
    used = int(np.bitwise_or.reduce(codes, axis=None))
    upper = not used & (1 << shift) - 1
    lower = used < 1 << bits or (signed and _fits(codes, bits))
    if upper == lower:
        raise UnusableImage("bits_contradict", f"BitsStored {bits}, HighBit {high}")
    place = "upper" if upper else "lower"
    log.warning("HighBit %d beside BitsStored %d: the pixels lie in the %s bits", high, bits, place)
    return codes >> shift if upper else codes


def _sign_repeated(codes: np.ndarray, precision: int) -> np.ndarray:
    """The highest of `precision` bits repeated in all bits of the container above it."""
    unused = 8 * codes.itemsize - precision
    return ((codes << unused).view(f"i{codes.itemsize}") >> unused).view(codes.dtype)


def _fits(codes: np.ndarray, width: int) -> bool:
    """Whether the containers are numbers of `width` bits in two's complement."""
    values = codes.view(f"i{codes.itemsize}")
    return -(1 << width - 1) <= int(values.min()) and int(values.max()) < 1 << width - 1
