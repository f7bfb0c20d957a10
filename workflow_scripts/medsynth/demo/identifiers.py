"""Identifiers in the forms of DICOM and of the GDC, as a function of a text."""

from __future__ import annotations

import hashlib
import uuid

from pydicom.uid import UID, generate_uid


def uid(*keys: int | str) -> UID:
    """A DICOM UID that equal keys always get."""
    return generate_uid(entropy_srcs=["medsynth demo", *map(str, keys)])


def gdc_uuid(*keys: int | str) -> str:
    """A UUID that equal keys always get."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, ("medsynth demo", *keys)))))


def digits(count: int, *keys: int | str) -> int:
    """A number below ``10 ** count`` that equal keys always get."""
    return int(int(hexes(*keys), 16) % 10**count)


def hexes(*keys: int | str) -> str:
    """64 hexadecimal digits that equal keys always get."""
    return hashlib.sha256("/".join(map(str, ("medsynth demo", *keys))).encode()).hexdigest()
