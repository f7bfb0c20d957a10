"""Words and numbers of the report claim what the artifacts support, and no more."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.cohorts.kinds import KIND
from medsynth.imaging.scale import PIXELS, PixelSize, bar_of
from medsynth.report import flow, tables
from medsynth.report.cohort_counts import count_rows
from medsynth.store.manifests import manifest
from medsynth.tasks.viewing import figures
from medsynth.tasks.viewing.choice import choice
from medsynth.tasks.viewing.numbers import number
from medsynth.tasks.viewing.strips import evenly_spread, spread_from_the_start, tile


@pytest.mark.parametrize(
    "value, text",
    [(12.3456789, "12.35"), (0.00012345, "0.0001234"), (377110, "377,110"), (0.0, "0")],
)
def test_number(value, text):
    assert number(value) == text


def test_band_widths_are_proportional_to_counts():
    nodes = [
        flow.Node(n, c, k, "#000") for n, c, k in [("in", 0, 400), ("a", 1, 300), ("b", 1, 100)]
    ]
    drawing = flow.flow(nodes, [(0, 1, 300), (0, 2, 100)], "counts")
    widths = [float(w) for w in re.findall(r" v([\d.]+) C", drawing)]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    heights = [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', drawing)]
    assert sum(widths) == pytest.approx(heights[0], rel=0.01)


def test_flow_escapes_what_it_is_told():
    drawing = flow.flow([flow.Node("<b>", 0, 1, "#000")], [], 'say "hi"')
    assert "<b>" not in drawing and "&lt;b&gt;" in drawing and 'say "hi"' not in drawing


def test_long_names_are_cut_to_fit():
    drawing = flow.flow([flow.Node("x" * 50, 3, 1, "#000")], [], "")
    assert ">" + "x" * 31 + "…<" in drawing and "x" * 32 not in drawing


def test_curves_share_a_panel_between_training_and_validation_and_use_logs_when_steep():
    rows = [(s, n, v) for s in (1, 2, 3) for n, v in (("train_loss", 1.0), ("validate_loss", 2.0))]
    rows += [(1, "penalty", 100.0), (2, "penalty", 1.0)]
    assert figures._panels(["train_loss", "validate_loss", "penalty"]) == {
        "loss": {"train_loss": "train", "validate_loss": "validate"},
        "penalty": {"penalty": "penalty"},
    }
    # A lone training accuracy is no "accuracy".
    assert figures._panels(["train_accuracy"]) == {
        "train_accuracy": {"train_accuracy": "train_accuracy"}
    }
    drawing = figures.curves(pd.DataFrame(rows, columns=["step", "name", "value"]))
    titles = re.findall(r"<strong>(.*?)</strong>", drawing)
    assert titles == ["loss", "penalty (log scale)"]
    assert "train 1<" in drawing and "validate 2<" in drawing and drawing.count("<polyline") == 3


def test_long_curves_are_thinned_to_means_and_what_is_no_number_is_counted():
    steps = np.arange(1, 1001)
    history = pd.DataFrame({"step": steps, "name": "loss", "value": steps.astype(float)})
    thin = figures.thinned(history)
    assert len(thin) == 334 and thin["value"].iloc[0] == 2 and thin["step"].iloc[-1] == 1000
    assert figures.thinned(history[:400]).equals(history[:400].astype({"step": float}))
    history.loc[3, "value"] = np.nan
    assert "1 recorded values are no finite numbers" in figures.curves(history)
    assert "no finite" not in figures.curves(history[:3])


def test_curves_are_drawn_to_scale():
    history = pd.DataFrame({"step": [0, 50, 100], "name": "loss", "value": [0.0, 1.0, 4.0]})
    (points,) = re.findall(r'<polyline points="([^"]*)"', figures.curves(history))
    (x0, y0), (x1, y1), (x2, y2) = (map(float, p.split(",")) for p in points.split())
    assert (x0, x2, x1) == (figures.LEFT, figures.RIGHT, (x0 + x2) / 2)
    assert y0 == figures.BOTTOM and y0 - y2 == pytest.approx(4 * (y0 - y1))


@pytest.mark.parametrize(
    ("kind", "sources", "files"),
    [
        ("mimic_cxr", ["a.dcm", "b.dcm"], [("DICOM files used", 2)]),
        ("mimic_cxr", ["a.jpg", "b.JPEG"], [("JPEG files used", 2)]),
        ("mimic_cxr", ["a.jpg", "b.dcm"], [("DICOM files used", 1), ("JPEG files used", 1)]),
        ("ct", ["a", "b.IMA"], [("DICOM files used", 2)]),
        ("ct", ["a.nii.gz", "a.nii.gz", "b.nii"], [("NIfTI files used", 2)]),
        ("ct", ["a.dcm", "a.dcm", "b.nii"], [("NIfTI files used", 1)]),  # made of others, too
        ("slides", ["a.svs", "a.svs", "b.jpg"], [("Slide files used", 2)]),
    ],
)
def test_files_are_called_what_they_are(kind, sources, files):
    rows = [
        {"source": s, "patient": "p", "group": "g", "row": 0, "status": "used"} for s in sources
    ]
    items = {"mimic_cxr": "Radiographs", "ct": "Slices", "slides": "Tiles"}[kind]
    counts = tables.cohort_counts(KIND[kind].words, manifest(rows))
    assert counts[: len(files)] == files and counts[-1] == (f"{items} used", len(sources))


@pytest.mark.parametrize(
    ("key", "value", "row"),
    [
        ("pairs", 3, ("pairs", "", 3, "")),
        ("median", {"distance_mm": 1.0}, ("median distance", "", 1.0, "mm")),
        ("median", {"reg_dice": 0.9}, ("median registration dice", "", 0.9, "")),
        ("1p_19q_from", {"copy_number": 34}, ("1p/19q from", "copy number", 34, "")),
        ("idh_from", {"ihc": 1}, ("IDH from", "IHC", 1, "")),
        ("class", {"IDH-mutant_x": 1}, ("class", "IDH-mutant_x", 1, "")),
        ("spacing_mm", 2.5, ("spacing", "", 2.5, "mm")),
        ("mm", 2, ("mm", "", 2, "")),
        ("left_out", {"not_3d": 2}, ("left out", "not 3D", 2, "")),
    ],
)
def test_counts_are_told_in_words_and_units(key, value, row):
    assert count_rows({key: value}) == [row]


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.8), (0.011, 0.98), (3e-4, 0.5), (2, 4e6)])
def test_a_log_scale_has_at_least_two_numbers(low, high):
    history = pd.DataFrame({"step": [1, 9], "name": "loss", "value": [high, low]})
    numbers = [float(n) for n in re.findall(r'"end">([\d.e+-]+)<', figures.curves(history))]
    assert 2 <= sum(low / 2 <= n <= high * 2 for n in numbers) <= 12


@pytest.mark.parametrize(
    ("side", "pixel", "bar"),
    [
        (32, PixelSize(1.0, "µm"), (10, "10 µm")),
        (256, PixelSize(0.5, "µm"), (100, "50 µm")),
        (256, PixelSize(1.5, "mm"), (100 / 1.5, "100 mm")),
        (32, PIXELS, (10, "10 px")),
        (8, PIXELS, (2, "2 px")),
        (32, PixelSize(0.007, "mm"), (0.05 / 0.007, "0.05 mm")),
    ],
)
def test_a_scale_bar_has_a_round_length(side, pixel, bar):
    assert bar_of(side, pixel) == (pytest.approx(bar[0]), bar[1])
    assert bar_of(side, pixel).pixels <= side / 2


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tile_keeps_every_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, channels), dtype=np.uint8)
    data = base64.b64decode(tile(image).split(",")[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(9, 7, channels), image)


def test_a_tile_of_ct_is_seen_in_a_soft_tissue_window():
    hu = np.array([[[-1000], [-150], [50], [250], [3000]]], np.int16)
    data = base64.b64decode(tile(hu).split(",")[1])
    assert np.asarray(Image.open(io.BytesIO(data))).tolist() == [[0, 0, 128, 255, 255]]


def test_the_first_tiles_of_a_strip_are_spread_over_all():
    chosen = spread_from_the_start(96, 12)
    assert sorted(chosen) == sorted(evenly_spread(96, 12))
    assert chosen[:4].tolist() == [0, 26, 52, 78]
    assert spread_from_the_start(0, 12).tolist() == []
    assert spread_from_the_start(3, 12).tolist() == [0, 1, 2]


def test_the_step_that_was_kept_is_marked_and_said():
    history = pd.DataFrame(
        [
            (step, name, 1.0)
            for step in (100, 200, 300, 400)
            for name in ("loss", "train_loss", "validate_loss")
        ],
        columns=["step", "name", "value"],
    )
    facts = {
        "step": 300, "of": 400, "looks": 4, "images": 32, "patients": 9, "figure": "mae_hu",
        "value": 25.04, "standard_error": 2.3, "lowest": {"step": 200, "value": 24.94},
        "beside": {"validate_kid": 6.1}, "baselines": {"untranslated": 26.1},
    }  # fmt: skip
    drawing = figures.curves(history, facts)
    assert drawing.count('class="kept"') == 1 and drawing.count("<polyline") == 3  # one panel
    place = figures.LEFT + 2 / 3 * (figures.RIGHT - figures.LEFT)
    assert f'class="kept" x1="{place:.1f}"' in drawing
    assert (
        "step 300 of 400, chosen of 4 by their MAE (HU) on 32 validation images of 9 patients, who"
        " were not trained on: 25.04 (standard error 2.3), which ties with the lowest, 24.94 at"
        " step 200. Beside it: untranslated 26.1; validate kid 6.1."
    ) in drawing
    alone = facts | {"standard_error": None, "lowest": {"step": 300, "value": 25.04}}
    assert "25.04. Beside" in choice(alone)
    few = {"step": 7, "of": 7, "reason": "too few validation images: the last step is kept"}
    assert choice(few).endswith("step 7 of 7: too few validation images: the last step is kept.")
    assert "no step was chosen" in choice(None)
    assert 'class="kept"' not in figures.curves(history)
