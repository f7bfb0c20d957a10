"""`medsynth trace`: up, down, on a page, and from a single image."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lineage_questioned import PATIENTS, rules, versions
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from medsynth.commands.main import OK, UNKNOWN, WRONG, main
from medsynth.report.singles import write_singles


def test_trace_down_goes_to_all_that_was_made_of_raw_data(original, ask, show):
    code, answer = ask(original, "trace", "raw", "--down")
    assert (code, rules(answer)) == (OK, ["evaluate", "index", "sample", "train"])
    assert answer["artifact"]["producer"] is None
    # A raw file is known by the folder that was read.
    code, inside = ask(original, "trace", f"raw/{PATIENTS[0]}.txt", "--down")
    assert inside["jobs"] == answer["jobs"]
    assert "results/metrics.json" in show(original, "trace", "raw", "--down")


def test_trace_tells_versions_apart(original, ask):
    first, second = versions(original, "results/manifest.parquet")
    _, old = ask(original, "trace", first["sha256"][:10], "--down")
    _, new = ask(original, "trace", second["sha256"][:10], "--down")
    assert rules(old) == rules(new) == ["evaluate", "sample", "train"]
    assert not old["jobs"].keys() & new["jobs"].keys()
    assert (old["artifact"]["on_disk"], new["artifact"]["on_disk"]) == ("remade", "same")


@pytest.mark.parametrize("down", [[], ["--down"]])
def test_the_page_needs_no_network_and_shows_every_job(original, ask, tmp_path, down):
    page = tmp_path / "graph.html"
    path = "raw" if down else "results/metrics.json"
    _, answer = ask(original, "trace", path, "--html", page, *down)
    text = page.read_text()
    assert len(answer["jobs"]) == 4
    for job in answer["jobs"].values():
        assert text.count(f"\njob {job['job']}\n") == 1  # one box
    graph = text[text.index("<svg") : text.index("</svg>")]
    # raw, four jobs, and manifest, weights, samples, metrics between and after them
    assert graph.count("<rect") == 9
    # Each job's inputs and outputs; evaluate reads two.
    assert graph.count("<path") == 9
    text = text.replace("http://www.w3.org/2000/svg", "")
    assert not any(word in text for word in ("http:", "https:", "<script", "src=", "url("))


def test_the_page_marks_what_was_altered(toy, ask, tmp_path):
    (toy / "results/manifest.parquet").write_bytes(b"x")
    page = tmp_path / "graph.html"
    assert ask(toy, "trace", "results/metrics.json", "--html", page)[0] == WRONG
    assert (tmp_path / "graph.html").read_text().count('class="file bad"') == 1


def png(path: Path, **text: str) -> Path:
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    Image.new("L", (9, 9), 200).save(path, pnginfo=chunks)
    return path


def test_an_image_taken_elsewhere_is_traced_by_its_bytes_or_by_what_it_says(
    original, ask, show, tmp_path
):
    copied = Path(shutil.copy(original / "results/samples.png", tmp_path / "copied.png"))
    code, answer = ask(original, "trace", copied)
    assert (code, rules(answer)) == (OK, ["index", "sample", "train"])
    assert answer["artifact"]["embedded"] is None

    for model in versions(original, "results/models/a/model.safetensors"):
        cut = png(tmp_path / "cut.png", model_sha256=model["sha256"], seed="5")
        code, answer = ask(original, "trace", cut)
        assert (code, rules(answer)) == (OK, ["index", "sample", "train"])
        assert model["job"] in answer["jobs"]
        assert "says of itself" in show(original, "trace", cut)
    # Another seed: that image is not recorded, but its model is.
    code, answer = ask(original, "trace", png(cut, model_sha256=model["sha256"], seed="6"))
    assert (code, rules(answer)) == (OK, ["index", "train"])

    # A DICOM file from a store of samples leads to these samples.
    image = np.zeros((1, 4, 4, 1), np.uint8)
    row = pd.DataFrame([{"row": 0, "label": "a", "seed": 6, "model_sha256": model["sha256"]}])
    samples = versions(original, "results/samples.png")[0]
    write_singles(image, row, "dicom", tmp_path / "one", samples_sha256=samples["sha256"])
    code, answer = ask(original, "trace", tmp_path / "one" / "a-000000.dcm")
    assert answer["artifact"]["producer"] == samples["job"]

    assert "not recorded" in ask(original, "trace", png(cut, model_sha256="0" * 64))[1]
    assert "no recorded job" in ask(original, "trace", png(cut))[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trace", "/"], "/: the results lie in it"),
        (["trace", "a" * 5000], "a" * 80 + ": File name too long"),
        (["export", "/proc/x"], "/proc/x: "),
        (["rerun", "results/metrics.json", "--keep", "/proc/zz"], "/proc/zz: "),
        (["sample", "a", "--out", "/proc/zz"], "a"),
    ],
)
def test_paths_that_cannot_be_used_are_told_without_a_traceback(original, capsys, words, said):
    arguments = [w.replace("results/", f"{original}/results/") for w in words]
    assert main([*arguments, "--results", str(original / "results")]) == UNKNOWN
    error = capsys.readouterr().err
    assert error.startswith("medsynth: ") and said in error and len(error) < 400
