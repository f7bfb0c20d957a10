"""Small image files of every form, for tests. Not a test file."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pandas as pd
from PIL import Image

from medsynth.cohorts.images.index import index
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.images.shard import shard


def levels(rows: int = 12, columns: int = 16, dtype: type = np.uint8, most: int = 255):
    """Grey levels that rise from 0 to `most`, no two rows or columns alike."""
    steps = np.linspace(0, most, rows * columns).reshape(rows, columns)
    return np.rint(steps).astype(dtype)


def colours(rows: int = 12, columns: int = 16) -> np.ndarray:
    grey = levels(rows, columns)
    return np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)


def encoded(image: np.ndarray | Image.Image, form: str = "PNG", **options) -> bytes:
    out = BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(out, form, **options)
    return out.getvalue()


def nifti(values: np.ndarray, affine: np.ndarray | None = None, cal: tuple | None = None) -> bytes:
    image = nibabel.Nifti1Image(values, np.diag([1, 1, 3, 1]) if affine is None else affine)
    image.set_sform(image.affine, 1)
    image.set_qform(image.affine, 1)
    if cal:
        image.header["cal_min"], image.header["cal_max"] = cal
    return image.to_bytes()


def cohort(
    root: Path, files: dict[str, bytes], rows: list[dict], columns: dict | None = None, **settings
) -> ImagesCohort:
    """A folder of these files and a table of these rows, with the settings of their cohort."""
    for name, data in files.items():
        path = root / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    with (root / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, headings)
        writer.writeheader()
        writer.writerows(rows)
    named = {"file": "image", "patient": "patient", "labels": "label"} | (columns or {})
    beside = settings.pop("index", {})
    return ImagesCohort.model_validate(
        {
            "kind": "images",
            "root": root / "files",
            "index": {"table": root / "table.csv", "columns": named, "shards": 1} | beside,
            "read": {"image_size": 8} | settings.pop("read", {}),
            **settings,
        }
    )


def indexed(settings: ImagesCohort) -> pd.DataFrame:
    return index(settings.root, settings.index)


def made(settings: ImagesCohort, path: Path) -> pd.DataFrame:
    """Manifest of all items: the index's, and those of the one shard, which is written to path."""
    rows = indexed(settings)
    items = shard(rows, settings.root, settings.read, path, {"made_from": "test"})
    return pd.concat([rows[rows["status"] != "used"], items], ignore_index=True)


def pngs(*names: str) -> dict[str, bytes]:
    """Files of different bytes."""
    return {name: encoded(levels() // (k + 1)) for k, name in enumerate(names)}


def row(image: str, patient: str = "p1", label: str = "a", **others: str) -> dict[str, str]:
    return {"image": image, "patient": patient, "label": label, **others}


def reasons(frame: pd.DataFrame) -> dict[str, str | None]:
    told = [None if pd.isna(reason) else reason for reason in frame["reason"]]
    return dict(zip(frame["item_id"], told, strict=True))


PNG = encoded(levels())
GREY, RGB = levels(), colours()
DEEP = levels(dtype=np.uint16, most=65535)
NOISE = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
BIG, BIG_JPEG = encoded(NOISE), encoded(NOISE, "JPEG")
VOLUME = np.stack([levels(dtype=np.int16, most=1000).T + 10 * k for k in range(4)], axis=2)


def read(tmp_path, data: bytes, name: str = "x.png", columns=None, others=None, **settings):
    """(status and reason) of one file, and its image (8, 8, channels)."""
    row = {"image": name, "patient": "p", "label": "a", **(others or {})}
    files = {name: data} | settings.pop("files", {})
    frame = made(cohort(tmp_path, files, [row], columns, read=settings), tmp_path / "0.h5")
    item = frame[frame["reason"] != "no_row"].iloc[0]
    if item["status"] != "used":
        return item["reason"], None
    with h5py.File(tmp_path / "0.h5") as file:
        return None, file["images"][0]


def size_8(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX))
