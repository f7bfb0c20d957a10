"""The demo's slides: Aperio to OpenSlide, textures that follow the genotype."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import pytest

from medsynth.demo.cases import SUBTYPES, glioma_cases
from medsynth.demo.slides import draw, write_slides
from medsynth.runtime.seeding import numpy_rng


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    write_slides(folder, 9, 7)
    return folder


def test_all_but_one_open_as_aperio_with_both_magnifications(root: Path) -> None:
    seen, broken = set(), 0
    for path in sorted(root.glob("*/*.svs")):
        try:
            slide = openslide.OpenSlide(path)
        except openslide.OpenSlideError:
            broken += 1
            continue
        with slide:
            assert slide.properties["openslide.vendor"] == "aperio"
            mpp = float(slide.properties["openslide.mpp-x"])
            power = slide.properties["openslide.objective-power"]
            seen.add((power, mpp))
            assert slide.level_count == 2
            assert slide.level_downsamples[1] == 4
            assert slide.dimensions[0] * mpp == pytest.approx(1024 * 0.504)
            assert "thumbnail" in slide.associated_images
            corner = np.asarray(slide.read_region((0, 0), 0, (32, 32)).convert("RGB"))
            assert corner.min() > 220  # glass
    assert broken == 1
    assert seen == {("20", 0.504), ("40", 0.252)}


def test_a_slide_holds_the_colours_that_were_drawn(root: Path) -> None:
    path = next(root.glob("*/TCGA-ZZ-D001-01Z-00-DX1.*.svs"))
    drawn = draw(SUBTYPES[1], numpy_rng(7, "slide", "TCGA-ZZ-D001-01Z-00-DX1"))
    with openslide.OpenSlide(path) as slide:
        read = np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
    inked = np.abs(read.astype(int) - drawn).max(axis=2) > 60  # the pen mark
    assert 0.005 < inked.mean() < 0.08
    assert np.abs(read.astype(int) - drawn)[~inked].mean() < 4  # JPEG


def test_the_sample_sheet_lists_every_slide(root: Path) -> None:
    sheet = pd.read_csv(root / "gdc_sample_sheet.tsv", sep="\t")
    assert sheet.columns.tolist() == [
        *("File ID", "File Name", "Data Category", "Data Type"),
        *("Project ID", "Case ID", "Sample ID", "Sample Type"),
    ]
    listed = {f"{f}/{n}" for f, n in zip(sheet["File ID"], sheet["File Name"], strict=True)}
    assert listed == {str(p.relative_to(root)) for p in root.glob("*/*.svs")}
    assert set(sheet["Case ID"]) == {c.barcode for c in glioma_cases(9)}


def test_textures_follow_the_genotype() -> None:
    dark, clear, pink = {}, {}, {}
    for subtype in SUBTYPES:
        image = draw(subtype, numpy_rng(1, subtype))[256:768, 256:768].astype(int)
        dark[subtype] = (image[..., 0] < 140).mean()  # nuclei
        clear[subtype] = (image.min(axis=2) > 225).mean()  # halos
        pink[subtype] = (image[..., 0] - image[..., 1] > 70).mean()  # necrosis
    wildtype, non_codeleted, codeleted = SUBTYPES
    assert dark[wildtype] > 2 * dark[non_codeleted] > 2 * dark[codeleted] * 0.8
    assert clear[codeleted] > 0.1 > 5 * max(clear[wildtype], clear[non_codeleted])
    assert pink[wildtype] > 5 * max(pink[non_codeleted], pink[codeleted], 0.001)
