"""What a generated image says of itself, wherever it was taken."""

from __future__ import annotations

from pathlib import Path

from medsynth.lineage.graph import Row
from medsynth.lineage.ledger import Ledger

PNG = b"\x89PNG\r\n\x1a\n"
MODEL = "model_sha256"


def embedded_provenance(path: str | Path) -> dict[str, str] | None:
    """The PNG text chunks of a generated image: `model_sha256`, `seed` and the like.

    None if the file is no PNG or carries no model's digest.
    """
    from PIL import Image  # not for the other questions to wait for

    with open(path, "rb") as file:
        if file.read(len(PNG)) != PNG:
            return None
    with Image.open(path) as image:
        image.load()  # chunks may follow the pixels
        text = dict(image.text)
    return text if MODEL in text else None


def made_with(said: dict[str, str], ledger: Ledger) -> Row | None:
    """The image made with that model and seed, else the model; None if the model is unknown."""
    images = ledger.query(
        "SELECT made.* FROM artifacts AS used JOIN artifacts AS made USING (job)"
        " JOIN events ON events.id=job AND phase='start'"
        " WHERE used.role='inputs' AND used.sha256=?"
        " AND made.role='outputs' AND made.path LIKE '%.png'"
        " AND json_extract(record, '$.seed')=CAST(? AS INTEGER)"
        " ORDER BY made.time DESC LIMIT 1",
        said[MODEL],
        said.get("seed"),
    )
    models = ledger.query(
        "SELECT * FROM artifacts WHERE sha256=? ORDER BY role='outputs' DESC, time DESC LIMIT 1",
        said[MODEL],
    )
    return next(iter([*images, *models]), None)
