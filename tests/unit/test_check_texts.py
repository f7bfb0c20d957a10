"""`medsynth check` tells of texts of which nothing can be learned, before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from PIL import Image

from medsynth.check.whole import check_file


def told_of(folder, texts, family="captioner", **text):
    """What is told of a folder of images, two of each of 12 patients."""
    rows = ["file,patient,class,report"]
    for i in range(24):
        shade = np.random.default_rng(i).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(shade).save(folder / f"{i}.png")
        rows.append(f"{i}.png,p{i // 2},{'ab'[i // 2 % 2]},{texts[i % len(texts)]}")
    (folder / "table.csv").write_text("\n".join(rows))
    columns = {"file": "file", "patient": "patient", "labels": "class", "text": "report"}
    index = {"table": str(folder / "table.csv"), "columns": columns, "pattern": "*.png"}
    cohort = {"kind": "images", "root": str(folder), "index": index, "read": {"image_size": 8}}
    experiment = {"name": "x", "family": family, "cohort": "c"}
    if family == "ddpm":
        experiment["train"] = {"unet": {"attention": []}}
    file = folder / "my.yaml"
    config = {"cohorts": {"c": cohort | {"text": text}}, "experiments": [experiment]}
    file.write_text(yaml.safe_dump(config))
    told = check_file(file)
    of_texts = [str(m) for m in told.mistakes if "cohorts.c.text" in str(m)]
    return of_texts, "\n".join(map(str, told.notes))


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([""], "none of the 16 training images has a text"),
        (["___ 12345"], "none of the 16 training images has a text"),
        (["The lungs are clear."], "the 16 texts of the training images are the same"),
    ],
)
def test_texts_that_teach_nothing_are_a_mistake(tmp_path, texts, why):
    mistakes, _ = told_of(tmp_path, texts)
    assert len(mistakes) == 1 and why in mistakes[0]


def test_texts_that_are_set_aside_are_counted_and_others_are_no_mistake(tmp_path):
    mistakes, notes = told_of(tmp_path, ["The lungs are clear.", "The heart is large.", ""])
    assert not mistakes and "quarantined: 8 no_text" in notes


def test_of_labels_alone_texts_are_not_asked(tmp_path):
    assert told_of(tmp_path, [""], family="ddpm")[0] == []
