"""What a generated image says of itself, wherever it was taken."""

from __future__ import annotations

import json
from pathlib import Path

from medsynth.lineage.ledger.database import Row
from medsynth.lineage.ledger.ledger import Ledger

PNG = b"\x89PNG\r\n\x1a\n"
DICOM_AT, DICOM = 128, b"DICM"
MODEL, SAMPLES, ROW = "model_sha256", "samples_sha256", "row"
# Digest of all that was asked of a command, also a parameter of its job: with the same model it
# makes the same images.
REQUEST = "request_sha256"
# What `medsynth sample` is called in its record; its files have a row, but come from no samples.
SAMPLED_SINGLY = "sample_singles"


def embedded_provenance(path: str | Path) -> dict[str, str] | None:
    """What stands in a generated image: `model_sha256`, `seed` and the like.

    PNG: text chunks. DICOM: JSON in the Contribution Description (0018,A003) of a Contributing
    Equipment item. None if the file is neither, or carries no model's digest.
    """
    with open(path, "rb") as file:
        head = file.read(DICOM_AT + len(DICOM))
    if head.startswith(PNG):
        embedded = _in_png(path)
    elif head.endswith(DICOM):
        embedded = _in_dicom(path)
    else:
        embedded = {}
    return embedded if MODEL in embedded else None


def _in_png(path: str | Path) -> dict[str, str]:
    from PIL import Image  # not for the other questions to wait for
    from PIL.PngImagePlugin import PngImageFile

    with Image.open(path) as image:
        assert isinstance(image, PngImageFile)
        image.load()  # chunks may follow the pixels
        return dict(image.text)


def _in_dicom(path: str | Path) -> dict[str, str]:
    import pydicom

    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    for item in dataset.get("ContributingEquipmentSequence") or []:
        text = str(item.get("ContributionDescription") or "")
        if MODEL in text:
            found: dict[str, str] = json.loads(text)
            return found
    return {}


def made_with(embedded: dict[str, str], ledger: Ledger) -> Row | None:
    """The samples that the image is one of, or the folder in which a command put it, else the
    picture made with that model and seed, else the model; None if all are unknown."""
    singly = ROW in embedded and SAMPLES not in embedded
    folders = ledger.query(
        "SELECT made.* FROM artifacts AS used JOIN artifacts AS made USING (job)"
        " JOIN events ON events.id=job AND phase='start' JOIN items ON items.id=job"
        " WHERE rule=? AND used.role='inputs' AND used.sha256=? AND made.role='outputs'"
        " AND json_extract(record, '$.seed')=CAST(? AS INTEGER)"
        f" AND json_extract(record, '$.params.{REQUEST}') IS ?"
        " ORDER BY made.seq DESC LIMIT 1",
        SAMPLED_SINGLY if singly else None,
        embedded[MODEL],
        embedded.get("seed"),
        embedded.get(REQUEST),
    )
    samples = ledger.query(
        "SELECT * FROM artifacts WHERE role='outputs' AND sha256=? ORDER BY seq DESC LIMIT 1",
        embedded.get(SAMPLES),
    )
    images = ledger.query(
        "SELECT made.* FROM artifacts AS used JOIN artifacts AS made USING (job)"
        " JOIN events ON events.id=job AND phase='start'"
        " WHERE used.role='inputs' AND used.sha256=?"
        " AND made.role='outputs' AND made.path LIKE '%.png'"
        " AND json_extract(record, '$.seed')=CAST(? AS INTEGER)"
        " ORDER BY made.seq DESC LIMIT 1",
        embedded[MODEL],
        embedded.get("seed"),
    )
    models = ledger.query(
        "SELECT * FROM artifacts WHERE sha256=? ORDER BY role='outputs' DESC, seq DESC LIMIT 1",
        embedded[MODEL],
    )
    return next(iter([*samples, *folders, *images, *models]), None)
