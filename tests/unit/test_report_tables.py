"""Words and numbers of the report claim what the artifacts support, and no more."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.imaging.grids import strip
from medsynth.imaging.scale import PIXELS, PixelSize, bar_of
from medsynth.report import cohort_counts as facts
from medsynth.report import figures, metric_tables, tables
from medsynth.store.manifests import manifest


def entry(value, interval=None, better="lower", reason=None, **more) -> dict:
    return {"value": value, "interval": interval, "better": better, "reason": reason, **more}


@pytest.mark.parametrize(
    "mine, other, words",
    [
        (entry(1, [0.5, 1.5]), entry(3, [2, 4]), "better, the intervals do not overlap"),
        (entry(3, [2, 4]), entry(1, [0.5, 1.5]), "worse, the intervals do not overlap"),
        (entry(1, [0.5, 2.5]), entry(3, [2, 4]), "better, but the intervals overlap"),
        (entry(1, [0.5, 2]), entry(3, [2, 4]), "better, but the intervals overlap"),  # touching
        (
            entry(3, [2, 4], "higher"),
            entry(1, [0, 1], "higher"),
            "better, the intervals do not overlap",
        ),
        (entry(1), entry(3, [2, 4]), "better, but without intervals"),
        (entry(2, [1, 3]), entry(2, [1, 3]), "equal"),
        (entry(None), entry(2), "not comparable, a value is missing"),
        (entry(0.0, [0, 0]), entry(2, [1, 3]), "better, the intervals do not overlap"),
    ],
)
def test_comparison(mine, other, words):
    assert metric_tables.compare(mine, other) == words


def results(name: str, **metrics) -> dict:
    return {
        "experiment": name, "metrics": metrics, "n_real": 100, "n_generated": 100, "extractor": None
    }  # fmt: skip


def test_best_value_follows_the_direction_and_needs_all_values():
    rows = metric_tables.side_by_side(
        [
            results("a", fid=entry(3.0), recall=entry(0.9, None, "higher"), kid=entry(None)),
            results(
                "b",
                fid=entry(2.0),
                recall=entry(0.1, None, "higher"),
                kid=entry(1.0),
                only=entry(1),
            ),
        ]
    )
    assert {r["metric"].name: r["best"] for r in rows} == {"fid": "b", "recall": "a", "kid": None}
    assert metric_tables.side_by_side([results("a", fid=entry(3.0))]) == []


def test_finding_is_set_beside_chance_and_doing_nothing():
    one = results("one", label_agreement=entry(0.5, [0.4, 0.6], "higher", chance=0.25))
    (cell,) = metric_tables.finding(one, [one])["cells"]
    assert cell["beside"] == ["chance 0.25"]
    ct = results(
        "ct",
        mae_hu=entry(40.0, [30, 50]),
        mae_hu_do_nothing=entry(60.0, [50, 70]),
        mae_hu_gain=entry(20.0, [10, 30], "higher"),
    )
    (cell,) = metric_tables.finding(ct, [ct])["cells"]
    assert cell["metric"].title == "MAE (HU)"
    assert cell["beside"] == ["untranslated 60; gain 20 (10 to 30)"]


NULL = {"noise": 9.0, "constant": 12.0}


def test_finding_is_set_beside_real_and_empty_images_and_its_judge():
    accuracy = entry(0.9, [0.8, 0.95], "higher", chance=0.5)
    one = results(
        "one",
        fid=entry(5.0, [4, 6], floor=1.0, null=NULL),
        label_agreement=entry(0.7, [0.6, 0.8], "higher", chance=0.5, judge=accuracy),
    )
    fid, agreement = metric_tables.finding(one, [one])["cells"]
    assert fid["beside"] == ["real images 1; noise 9; constant 12"]
    judge = "the judge on held-out real images: balanced accuracy 0.9 (0.8 to 0.95), chance 0.5"
    assert agreement["beside"] == ["chance 0.5", judge]


def test_what_does_not_beat_its_nulls_is_marked_and_never_the_best():
    good, bad = ({"floor": 1.0, "null": NULL} for _ in range(2))
    rows = metric_tables.side_by_side(
        [
            results("a", fid=entry(9.5, **good), kid=entry(5.0, **good)),
            results("b", fid=entry(13.0, **bad), kid=entry(8.0, [6.0, 9.0], **bad)),
        ]
    )
    fid, kid = rows
    assert {e: m.not_beaten for e, m in fid["cells"].items()} == {"a": "noise", "b": "noise"}
    assert {e: m.not_beaten for e, m in kid["cells"].items()} == {"a": None, "b": "noise"}
    assert (fid["best"], kid["best"]) == (None, "a")


def test_telling_metrics_come_first_and_unknown_ones_last():
    names = ["zeta", "recall", "mae_hu_gain", "mae_hu_do_nothing", "mae_hu", "fid", "alpha"]
    ordered = [m.name for m in metric_tables.metrics_in_order({n: entry(1.0) for n in names})]
    expected = ["fid", "recall", "mae_hu", "mae_hu_do_nothing", "mae_hu_gain", "alpha", "zeta"]
    assert ordered == expected


def test_the_longer_side_of_a_class_table_goes_down():
    scores = {"fid": entry(1.0), "recall": entry(0.5)}
    tall = metric_tables.by_class({"per_class": {"a": scores, "b": scores, "c": scores}})
    assert (tall["corner"], tall["head"]) == ("Class", ["FID", "Recall"])
    assert [name for name, _ in tall["rows"]] == ["a", "b", "c"]
    wide = metric_tables.by_class({"per_class": {"a": scores}})
    assert (wide["corner"], wide["head"]) == ("Metric", ["a"])
    assert [(name, [m.value for m in ms]) for name, ms in wide["rows"]] == [
        ("FID", [1.0]),
        ("Recall", [0.5]),
    ]
    assert metric_tables.by_class({"per_class": {}}) is None


def test_warnings_fit_the_numbers():
    enough = results("e", recall=entry(0.5)) | {"n_real": 100, "n_generated": 100}
    assert metric_tables.warnings_of(enough) == []
    (few,) = metric_tables.warnings_of(enough | {"n_real": 99})
    assert "Only 99 real images" in few
    (biased,) = metric_tables.warnings_of(results("e", fid=entry(1.0)) | {"n_real": 9_999})
    assert "biased upwards" in biased
    (own,) = metric_tables.warnings_of(enough | {"extractor": {"sha256": "ab"}})
    assert "not from Inception" in own


@pytest.mark.parametrize(
    "value, text",
    [(12.3456789, "12.35"), (0.00012345, "0.0001234"), (377110, "377,110"), (0.0, "0")],
)
def test_number(value, text):
    assert tables.number(value) == text


def test_band_widths_are_proportional_to_counts():
    nodes = [
        figures.Node(n, c, k, "#000") for n, c, k in [("in", 0, 400), ("a", 1, 300), ("b", 1, 100)]
    ]
    drawing = figures.flow(nodes, [(0, 1, 300), (0, 2, 100)], "counts")
    widths = [float(w) for w in re.findall(r" v([\d.]+) C", drawing)]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    heights = [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', drawing)]
    assert sum(widths) == pytest.approx(heights[0], rel=0.01)


def test_flow_escapes_what_it_is_told():
    drawing = figures.flow([figures.Node("<b>", 0, 1, "#000")], [], 'say "hi"')
    assert "<b>" not in drawing and "&lt;b&gt;" in drawing and 'say "hi"' not in drawing


def test_long_names_are_cut_to_fit():
    drawing = figures.flow([figures.Node("x" * 50, 3, 1, "#000")], [], "")
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
    uri = figures.curves(pd.DataFrame(rows, columns=["step", "name", "value"]))
    drawing = base64.b64decode(uri.split(",")[1]).decode()
    # glyphs are paths, so the drawn text stands in comments
    titles = re.findall(r"<!-- (.*?) -->", drawing)
    assert "loss" in titles and "penalty (log scale)" in titles
    assert {"train", "validate"} <= set(titles)


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
    counts = tables.cohort_counts(kind, manifest(rows))
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
    assert facts.fact_rows({key: value}) == [row]


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.8), (0.011, 0.98), (3e-4, 0.5), (2, 4e6)])
def test_a_log_scale_has_at_least_two_numbers(low, high):
    history = pd.DataFrame({"step": [1, 9], "name": "loss", "value": [high, low]})
    drawing = base64.b64decode(figures.curves(history).partition(",")[2]).decode()
    drawn = drawing[drawing.index('<g id="ytick') :]
    numbers = [float(text) for text in re.findall(r"<!-- ([\d.e+-]+) -->", drawn)]
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


def test_a_strip_carries_its_bar_below():
    images = np.full((2, 32, 32, 1), 200, np.uint8)
    data = base64.b64decode(figures.strip_uri(images, PixelSize(1.0, "µm")).split(",")[1])
    drawn = np.asarray(Image.open(io.BytesIO(data)))
    line = drawn[64:]
    assert np.array_equal(drawn[:64], strip(images))
    black = (line[line.shape[0] // 2] == 0).all(axis=-1)
    assert black[:20].all() and not black[20:24].any()  # 10 of 32 pixels, drawn twice as large
