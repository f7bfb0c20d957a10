"""Tissue, pen marks and blur in H&E images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from medsynth.imaging.histology.tissue import (
    glass,
    pen_mask,
    share_in_tiles,
    sharpness,
    stain,
    tissue_mask,
)

PINK, GLASS = (200, 90, 160), (244, 243, 245)
INKS = {
    "blue": (40, 60, 160),
    "thin blue": (120, 170, 210),
    "green": (36, 120, 70),
    "thin green": (150, 200, 150),
    "red": (200, 30, 40),
    "black": (30, 30, 34),
}
TISSUE = {
    "glass": GLASS,
    "shadow": (150, 150, 150),
    "eosin": (230, 150, 190),
    "strong eosin": (220, 60, 140),
    "hematoxylin": (90, 70, 150),
    "pale hematoxylin": (170, 160, 200),
    "bluish hematoxylin": (80, 80, 140),
    "dark nucleus": (40, 20, 70),
    "blood": (190, 60, 80),
}

TINTS = {
    "white": (255, 255, 255),
    "grey": (205, 205, 206),
    "dim": (140, 141, 140),
    "yellow": (250, 235, 190),
    "brown": (225, 200, 150),
    "blue": (180, 210, 245),
    "pink": (250, 225, 240),
    "deep pink": (240, 200, 220),
    "green": (215, 245, 220),
    "violet": (225, 210, 240),
}


def one(colour: tuple[int, int, int]) -> np.ndarray:
    return np.array([[colour]], np.uint8)


def picture(side: int = 256) -> np.ndarray:
    """Glass on the left, tissue on the right, with noise."""
    image = np.empty((side, side, 3))
    image[:, : side // 2], image[:, side // 2 :] = GLASS, PINK
    image += np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def test_stain_is_the_excess_of_green_absorbed():
    rgb = np.array([[PINK, (30, 30, 30), (255, 255, 255), (20, 140, 60)]], np.uint8)
    expected = [np.log10(201 / 91), 0, 0, 0]
    np.testing.assert_allclose(stain(rgb)[0], expected, atol=1e-12)


def test_tissue_mask_with_glass_without_glass_and_without_tissue():
    noisy = picture()
    expected = np.arange(256) >= 128
    assert (tissue_mask(noisy) == expected).mean() > 0.999
    assert tissue_mask(noisy[:, 128:]).mean() > 0.999
    assert tissue_mask(noisy[:, :128]).mean() < 0.001
    assert not tissue_mask(np.full((8, 8, 3), 255, np.uint8)).any()


def slide(tint: tuple[int, int, int], side: int = 256, padding: int = 0) -> np.ndarray:
    """Tinted glass, tissue of eosin with nuclei in the middle, white that a scanner filled in."""
    rng = np.random.default_rng(0)
    image = np.full((side, side, 3), 255.0)
    middle = slice(side // 4, -side // 4)
    image[middle, middle] = (225, 150, 190)
    nuclei = ndimage.gaussian_filter(rng.standard_normal((side // 2, side // 2)), 1) > 0.2
    image[middle, middle][nuclei] = (120, 80, 150)
    image = image * tint / 255 + rng.normal(0, 1.5, image.shape)
    image[:padding] = 255
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tint", TINTS)
def test_glass_of_every_tint_is_glass_and_tissue_on_it_is_tissue(tint):
    image = slide(TINTS[tint])
    tissue = np.zeros(image.shape[:2], bool)
    tissue[64:-64, 64:-64] = True
    assert (tissue_mask(image) == tissue).mean() > 0.995
    assert pen_mask(image).mean() < 0.001
    expected = -np.log10((np.array(TINTS[tint]) + 1) / 256)
    np.testing.assert_allclose(glass(image), expected, atol=0.01)


@pytest.mark.parametrize("tint", TINTS)
def test_an_empty_slide_has_no_tissue_whatever_its_tint(tint):
    empty = slide(TINTS[tint])[:64]
    empty[30:33] = empty[30:33] * 0.6  # the edge of the coverslip
    assert tissue_mask(empty).mean() < 0.001 and not pen_mask(empty).any()


@pytest.mark.parametrize("tint", ["yellow", "pink", "deep pink", "blue"])
def test_white_that_the_scanner_filled_in_is_not_the_glass(tint):
    image = slide(TINTS[tint], padding=40)
    assert tissue_mask(image)[:40].mean() == 0
    assert (tissue_mask(image) == tissue_mask(slide(TINTS[tint]))).mean() > 0.995


@pytest.mark.parametrize("share", [0.04, 0.15, 0.5])
@pytest.mark.parametrize("tint", ["yellow", "pink", "deep pink", "violet"])
def test_glass_has_one_tint_under_the_coverslip_and_another_beside_it(tint, share):
    image = slide(TINTS[tint], side=384)
    beside = int(share * 384)
    rng = np.random.default_rng(1)
    bare = rng.normal(252, 1.5, (384, beside, 3)).clip(0, 255).astype(np.uint8)
    mask = tissue_mask(np.concatenate([bare, image], axis=1))
    assert mask[:, beside + 96 : -96][96:-96].mean() > 0.95
    mask[88:-88, beside + 88 : -88] = False
    assert mask.mean() < 0.03  # a square may lie on the edge of both
    empty = np.concatenate([bare[:80], image[:80]], axis=1)
    assert tissue_mask(empty).mean() < 0.03


def test_glass_whose_tint_changes_over_the_slide_is_glass():
    part = np.linspace(0, 1, 384)[:, None]
    tint = (1 - part) * (250, 250, 250) + part * (245, 215, 232)
    empty = np.random.default_rng(0).normal(tint, 1.5, (256, 384, 3)).clip(0, 255)
    assert tissue_mask(empty.astype(np.uint8)).mean() < 0.005


def test_pale_tissue_of_little_texture_is_no_second_glass():
    rng = np.random.default_rng(0)
    image = np.full((256, 256, 3), 250.0)
    image[:, 64:] = (238, 208, 226)
    image[:, 64:] += 4 * rng.standard_normal((256, 192, 1))
    image += rng.normal(0, 1, image.shape)
    mask = tissue_mask(image.clip(0, 255).astype(np.uint8))
    assert mask[:, 64:].mean() > 0.9 and mask[:, :64].mean() < 0.01


def test_gaps_between_nuclei_are_no_glass():
    rng = np.random.default_rng(0)
    image = np.full((512, 512, 3), (228.0, 190.0, 215.0))
    image[ndimage.gaussian_filter(rng.standard_normal((512, 512)), 1) > 0.45] = (120, 80, 150)
    image += rng.normal(0, 1.5, image.shape)
    assert tissue_mask(image.clip(0, 255).astype(np.uint8)).mean() > 0.99


@pytest.mark.parametrize("colour", [(12, 6, 9), (3, 3, 3), (40, 42, 60), (25, 30, 45)])
def test_the_dark_beside_the_slide_is_no_tissue(colour):
    rng = np.random.default_rng(0)
    dark = rng.normal(colour, 3, (256, 64, 3)).clip(0, 255).astype(np.uint8)
    mask = tissue_mask(np.concatenate([slide(TINTS["grey"]), dark], axis=1))
    assert mask[:, :256].mean() == pytest.approx(0.25, abs=0.01) and mask[:, 256:].mean() < 0.1


def test_where_no_glass_is_in_sight_it_counts_as_white():
    np.testing.assert_array_equal(glass(slide(TINTS["yellow"])[64:-64, 64:-64]), np.zeros(3))
    np.testing.assert_array_equal(glass(one(PINK)), np.zeros(3))


@pytest.mark.parametrize("ink", INKS)
def test_ink_is_pen(ink):
    assert pen_mask(one(INKS[ink])).all()


@pytest.mark.parametrize("kind", TISSUE)
def test_glass_and_stained_tissue_are_not_pen(kind):
    assert not pen_mask(one(TISSUE[kind])).any()


def test_sharpness_is_the_variance_of_the_laplacian():
    image = picture(40)
    grey = np.asarray(Image.fromarray(image).convert("L")).astype(np.float64)
    expected = ndimage.laplace(grey)[1:-1, 1:-1].var()
    assert sharpness(image) == pytest.approx(expected, rel=1e-12)
    strongest = np.indices((16, 16)).sum(axis=0) % 2 * 255  # a Laplacian of -1020 and 1020
    assert sharpness(np.repeat(strongest[..., None], 3, 2).astype(np.uint8)) == 1020**2


def test_sharpness_falls_with_blur():
    image = Image.fromarray(picture())
    found = [
        sharpness(np.asarray(image.filter(ImageFilter.GaussianBlur(radius))))
        for radius in (0, 1, 2, 4)
    ]
    assert found == sorted(found, reverse=True) and found[0] > 10 * found[2]


def test_share_in_tiles_of_a_grid():
    mask = np.zeros((9, 13), bool)
    mask[:3, :6] = True
    share = share_in_tiles(mask, 4)
    np.testing.assert_allclose(share, [[0.75, 0.375, 0], [0, 0, 0]], atol=1e-6)
    assert share_in_tiles(mask, 20).shape == (0, 0)
