"""Grids show the pixels they were given, in the rows they belong to, and say what made them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medsynth.imaging.grids import (
    GAP,
    Direction,
    strip,
    translation_figure,
    write_grid,
    write_translation_grid,
)
from medsynth.imaging.scale import PIXELS, PixelSize

rng = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side, factor", [(16, 4), (48, 2), (64, 1), (100, 1)])
def test_strip_keeps_every_pixel(channels, side, factor):
    images = rng.integers(0, 256, (3, side, side, channels), dtype=np.uint8)
    drawn = strip(images)
    step = side * factor + GAP
    assert drawn.shape == (side * factor, 3 * step - GAP, 3)
    for k, image in enumerate(images):
        block = drawn[:, k * step : k * step + side * factor]
        expected = np.kron(image, np.ones((factor, factor, 1), np.uint8))
        assert np.array_equal(block, np.broadcast_to(expected, block.shape))


def test_grid_has_one_row_per_class_and_its_provenance(tmp_path):
    images = rng.integers(0, 256, (5, 64, 64, 1), dtype=np.uint8)
    path = tmp_path / "grid.png"
    write_grid(images, ["b", "a", "b", "b", "a"], path, {"seed": "1", "note": "Fréchet"}, columns=2)
    with Image.open(path) as picture:
        assert {k: picture.text[k] for k in ("seed", "note")} == {"seed": "1", "note": "Fréchet"}
        pixels = np.asarray(picture)
    assert pixels.shape[0] == 2 * 64 + GAP
    rows = pixels[:64], pixels[64 + GAP :]
    # "b" came first; the third "b" is beyond the two columns
    for row, members in zip(rows, ([0, 2], [1, 4]), strict=True):
        assert np.array_equal(row[:, -(2 * 64 + GAP) :], strip(images[members]))
        assert row[:, : -(2 * 64 + GAP)].min() < 100  # the name stands at the left


def test_grid_bytes_do_not_change(tmp_path):
    images = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    for name in ("one.png", "two.png"):
        write_grid(images, ["x", "y"], tmp_path / name, {"b": "2", "a": "1"})
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("count, rows", [(0, []), (2, ["a"])])
def test_grid_without_a_class_for_each_image_is_refused(tmp_path, count, rows):
    with pytest.raises(ValueError, match="give one class an image"):
        write_grid(np.zeros((count, 8, 8, 1), np.uint8), rows, tmp_path / "grid.png", {})
    assert not list(tmp_path.iterdir())


MODEL = {"model_sha256": "ab12"}


def direction(source, translated, target=None, name="ct_to_cect", pixel=PIXELS) -> Direction:
    return Direction(name, source, translated, target, [pixel] * len(source))


def test_translation_shows_window_and_difference_in_hu():
    source = np.full((2, 8, 8, 1), 0, np.int16)
    translated = np.full((2, 8, 8, 1), 32_000, np.int16)  # a difference in int16 would overflow
    target = np.full((2, 8, 8, 1), -32_000, np.int16)
    figure = translation_figure(direction(source, translated, target))
    axes = [a for a in figure.axes if a.images]
    assert [a.get_title() for a in axes[:4]] == [
        "source",
        "translated",
        "target",
        "translated − target",
    ]
    assert len(axes) == 8
    assert axes[0].images[0].get_clim() == (-150, 250)  # center 50, width 400
    assert np.all(axes[3].images[0].get_array() == 64_000)
    assert axes[3].images[0].get_clim() == (-200, 200)


def test_translation_without_a_target_is_compared_with_its_source():
    source, translated = np.zeros((1, 8, 8, 1), np.int16), np.full((1, 8, 8, 1), 30.5, np.float32)
    figure = translation_figure(direction(source, translated))
    axes = [a for a in figure.axes if a.images]
    assert [a.get_title() for a in axes] == ["source", "translated", "translated − source"]
    assert np.all(axes[2].images[0].get_array() == 30.5)


def test_translation_grid_carries_its_provenance(tmp_path):
    slices = np.zeros((1, 8, 8, 1), np.int16)
    for name in ("one.png", "two.png"):
        write_translation_grid([direction(slices, slices)], tmp_path / name, MODEL)
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.text == {"model_sha256": "ab12"}
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("shapes", [[(0, 8, 8, 1)] * 2, [(1, 8, 8, 1), (1, 4, 4, 1)]])
def test_translation_of_unlike_slices_is_refused(shapes):
    with pytest.raises(ValueError, match="slices of one shape"):
        translation_figure(direction(np.zeros(shapes[0]), np.zeros(shapes[1])))


def test_each_direction_has_its_caption_and_each_row_its_scale():
    slices = np.zeros((2, 32, 32, 1), np.int16)
    figure = translation_figure(
        direction(slices, slices, slices, "cect_to_ct", PixelSize(12.5, "mm")),
        direction(slices, slices),
    )
    first, second = (part.get_suptitle().replace("\n", " ") for part in figure.subfigs)
    assert first.startswith("cect to ct: 2 slices") and "same patient" in first
    assert second.startswith("ct to cect: 2 slices") and "no paired slice" in second
    assert "px" in second and "px" not in first
    labels = [[t.get_text() for a in part.axes for t in a.texts] for part in figure.subfigs]
    assert labels == [["100 mm"] * 2, ["10 px"] * 2]
    bars = [line.get_xdata() for a in figure.subfigs[0].axes for line in a.lines]
    assert [end - start for start, end in bars] == pytest.approx([8, 8])  # of 12.5 mm
