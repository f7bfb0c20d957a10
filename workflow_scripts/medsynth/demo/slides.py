"""H&E slides as gdc-client downloads them: <File ID>/<barcode>-01Z-00-DX1.<UUID>.svs.

The genotype decides the texture of the tissue:

* IDH-wildtype: crowded dark nuclei, bands of pink necrosis without any;
* IDH-mutant non-codeleted: fewer, elongated nuclei along the fibres;
* IDH-mutant codeleted: sparse round nuclei, each in a clear halo ("fried egg").

Cases differ in stain, tissue outline and scanner magnification (20x: 0.504, 40x: 0.252 microns a
pixel). Nuclei are 6 to 9 microns wide, so tiles at 1 micron a pixel show several of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from medsynth.demo.cases import Case, glioma_cases
from medsynth.demo.dicom import truncate
from medsynth.demo.identifiers import gdc_uuid
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.errors import extra

with extra("slides"):
    import tifffile

SIZE = 1024  # pixels at 20x
MPP = 0.504  # microns a pixel at 20x
GLASS = np.array([243, 242, 244], np.float32)
FIBRES = np.array([233, 196, 218], np.float32)  # neuropil
NECROSIS = np.array([226, 138, 168], np.float32)
NUCLEUS = np.array([84, 58, 128], np.float32)
HALO = np.array([246, 238, 245], np.float32)
INK = np.array([36, 120, 70], np.float32)
PENNED, CORRUPT = 2, 4  # positions of the slide with a pen mark and of the cut one
SECOND_SLIDE_EVERY = 5  # cases

# spacing, width, length of nuclei in microns; share of places left empty
NUCLEI = {
    "IDH-wildtype": (8.5, 6.5, 8.5, 0.05),
    "IDH-mutant non-codeleted": (13.0, 4.5, 10.0, 0.15),
    "IDH-mutant codeleted": (15.0, 6.5, 6.5, 0.10),
}


def write_slides(folder: str | Path, cases: int, seed: int) -> None:
    """Write pyramidal Aperio files and gdc_sample_sheet.tsv; one of the slides is cut in half."""
    folder = Path(folder)
    rows: list[dict[str, str]] = []
    for number, case in enumerate(glioma_cases(cases)):
        for section in range(2 if number % SECOND_SLIDE_EVERY == 0 else 1):
            name = f"{case.barcode}-01Z-00-DX{section + 1}"
            rng = numpy_rng(seed, "slide", name)
            pixels = draw(case.subtype, rng)
            if len(rows) == PENNED:
                pixels = _with_pen_mark(pixels)
            file_id = gdc_uuid(seed, "file", name)
            path = folder / file_id / f"{name}.{gdc_uuid(seed, name).upper()}.svs"
            _write_svs(path, pixels, magnification=(20, 40)[number // 3 % 2])
            if len(rows) == CORRUPT:
                truncate(path)
            rows.append(_sheet_row(file_id, path.name, case))
    pd.DataFrame(rows).to_csv(folder / "gdc_sample_sheet.tsv", sep="\t", index=False)


def draw(subtype: str, rng: np.random.Generator) -> np.ndarray:
    """A slide at 20x: (1024, 1024, 3) uint8 RGB, tissue on white glass."""
    image = FIBRES + 10 * _smooth(rng, 40)[..., None] + 7 * _smooth(rng, 3)[..., None]
    angle = rng.uniform(0, np.pi) + 0.5 * _smooth(rng, 120)  # direction of the fibres
    necrosis = np.zeros((SIZE, SIZE), np.float32)
    if subtype == "IDH-wildtype":
        necrosis = _step(_smooth(rng, 60) - 1.1, 0.15)
        image += necrosis[..., None] * (NECROSIS - FIBRES)
    spacing, width, length, empty = NUCLEI[subtype]
    for y, x in _places(spacing / MPP, empty, rng):
        if necrosis[y, x] > 0.4:
            continue
        scale = rng.uniform(0.85, 1.15) / MPP / 2
        if subtype == "IDH-mutant codeleted":
            _stamp(image, y, x, 2.0 * width * scale, 2.0 * width * scale, 0.0, HALO, 0.85)
        colour = NUCLEUS * rng.uniform(0.8, 1.25)
        _stamp(image, y, x, width * scale, length * scale, angle[y, x], colour, 0.95)
    strength = rng.uniform(0.85, 1.15, 3).astype(np.float32)  # of the stain
    image = 255 * (np.clip(image, 1, 255) / 255) ** strength
    outline = _outline(rng)[..., None]
    image = GLASS + outline * (image - GLASS)
    image += 2 * rng.standard_normal(image.shape, np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def _places(spacing: float, empty: float, rng: np.random.Generator) -> np.ndarray:
    """A jittered grid: (n, 2) int of rows and columns."""
    grid = np.arange(spacing / 2, SIZE, spacing)
    places = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    places = places + rng.uniform(-0.35, 0.35, places.shape) * spacing
    return places[rng.random(len(places)) >= empty].astype(int).clip(0, SIZE - 1)


def _stamp(
    image: np.ndarray,
    y: int,
    x: int,
    across: float,
    along: float,
    angle: float,
    colour: np.ndarray,
    opacity: float,
) -> None:
    """Blend one soft ellipse (half axes in pixels) into the image, in place."""
    reach = int(max(across, along)) + 2
    top, left = max(y - reach, 0), max(x - reach, 0)
    window = image[top : y + reach + 1, left : x + reach + 1]
    dy = np.arange(top, top + window.shape[0])[:, None] - y
    dx = np.arange(left, left + window.shape[1])[None, :] - x
    u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    inside = opacity * _step(1 - np.hypot(u / along, v / across), 0.12)[..., None]
    window += inside * (colour - window)


def _outline(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)
    radius = np.hypot(x / rng.uniform(0.75, 0.95), y / rng.uniform(0.75, 0.95))
    return _step(1 - radius + 0.06 * _smooth(rng, 50), 0.02)


def _smooth(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Noise of unit variance with details about `sigma` pixels wide."""
    coarse = max(1, int(sigma / 3))  # drawn small and enlarged: wide filters are slow
    noise = rng.standard_normal((SIZE // coarse, SIZE // coarse), np.float32)
    noise = ndimage.gaussian_filter(noise, sigma / coarse)
    enlarged = Image.fromarray(noise / noise.std())
    return np.asarray(enlarged.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    return np.clip(distance / width + 0.5, 0, 1)


def _with_pen_mark(pixels: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    stroke = np.abs(y - 120 - 0.4 * x - 25 * np.sin(x / 60)) < 14
    return np.where(stroke[..., None], INK, pixels).astype(np.uint8)


def _write_svs(path: Path, pixels: np.ndarray, magnification: int) -> None:
    mpp = MPP * 20 / magnification
    width = height = SIZE * magnification // 20
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    about = (
        f"Aperio Image Library v12.0.15\r\n{width}x{height} [0,0 {width}x{height}] (256x256) "
        f"JPEG/RGB Q=80|AppMag = {magnification}|StripeWidth = 2040|ScanScope ID = DEMO|"
        f"MPP = {mpp:.4f}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    jpeg = {"photometric": "rgb", "compression": "jpeg", "compressionargs": {"level": 80}}
    with tifffile.TiffWriter(path) as tiff:
        options: dict[str, Any] = {"metadata": None, "software": False, **jpeg}
        tiff.write(np.asarray(image), tile=(256, 256), description=about, **options)
        # Aperio keeps a stripped thumbnail between the full image and the lower levels.
        tiff.write(np.asarray(image.reduce(8)), rowsperstrip=16, description=about, **options)
        tiff.write(np.asarray(image.reduce(4)), tile=(256, 256), description=about, **options)


def _sheet_row(file_id: str, name: str, case: Case) -> dict[str, str]:
    return {
        "File ID": file_id,
        "File Name": name,
        "Data Category": "Biospecimen",
        "Data Type": "Slide Image",
        "Project ID": "TCGA-LGG",
        "Case ID": case.barcode,
        "Sample ID": f"{case.barcode}-01Z",
        "Sample Type": "Primary Tumor",
    }
