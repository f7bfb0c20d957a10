"""Pixels and words in every form of storage, to be planted. Not a test file."""

from __future__ import annotations

import gzip
import io
import zipfile

import h5py
import nibabel
import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

# Pixels that are nobody else's, and whose bytes every container below has in a row.
PIXELS = np.random.default_rng(0).integers(1, 255, (16, 16), dtype=np.uint8)


def saved(save, *arguments, **more) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arguments, **more)
    return buffer.getvalue()


def packed(name: str, content: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def nifti() -> bytes:
    image = nibabel.Nifti1Image(PIXELS.T[..., None], np.eye(4))
    return gzip.compress(image.to_bytes())


def hdf5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("images", data=PIXELS, compression="gzip")
    return buffer.getvalue()


def png(**text: str) -> bytes:
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value, zip=True)
    return saved(Image.fromarray(PIXELS).save, format="PNG", pnginfo=info)


PIXEL_FORMS = {
    "pixels.npy": lambda: saved(np.save, PIXELS),
    "pixels.npz": lambda: saved(np.savez_compressed, x=PIXELS),
    "pixels.h5": hdf5,
    "pixels.png": png,
    "pixels.nii.gz": nifti,
    "pixels.zip": lambda: packed("a.raw", PIXELS.tobytes()),
    "pixels.bin": PIXELS.tobytes,
    "rows.parquet": lambda: saved(pd.DataFrame(PIXELS).rename(columns=str).to_parquet),
}
