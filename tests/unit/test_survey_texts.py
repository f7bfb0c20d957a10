"""`medsynth init` notices a column of texts, and what it writes passes `medsynth check`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from medsynth.check.whole import check_file
from medsynth.commands.main import main

FILE = "my.yaml"
TOLD = [
    "The heart is enlarged, the lungs are clear and there is no edema.",
    "There is a small effusion at the left base, and no pneumothorax.",
    "A nodule of the right upper lobe is unchanged since the last study.",
]


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """Call the command on 24 images of 12 patients: exit status, what is said, settings."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.chdir(tmp_path)

    def init(**columns: list[str]) -> tuple[int, str, dict]:
        (tmp_path / "mine").mkdir()
        for k in range(24):
            shade = np.random.default_rng(k).integers(0, 256, (32, 32), np.uint8)
            Image.fromarray(shade).save(tmp_path / "mine" / f"{k}.png")
        rows = {
            "file": [f"{k}.png" for k in range(24)],
            "patient": [f"p{k // 2}" for k in range(24)],
        }
        rows |= {"class": ["ab"[k // 2 % 2] for k in range(24)]}
        pd.DataFrame(rows | columns).to_csv(tmp_path / "mine" / "list.csv", index=False)
        code = main(["init", "mine", "--out", FILE])
        said = capsys.readouterr()
        return code, said.out + said.err, yaml.safe_load(Path(FILE).read_text())

    return init


def texts(share: int = 1) -> list[str]:
    return [f"{TOLD[k // share % 3]} Day {k}." if k % share == 0 else "" for k in range(24)]


def columns_of(settings: dict) -> dict:
    return settings["cohorts"]["images"]["index"]["columns"]


@pytest.mark.parametrize("heading", ["Radiology Report", "clinical_notes", "caption", "Befund"])
@pytest.mark.parametrize("share", [1, 3])
def test_a_column_that_is_called_a_text_and_is_long_is_taken(init, heading, share):
    code, _, settings = init(**{heading: texts(share)})
    assert code == 0 and columns_of(settings)["text"] == heading
    assert f"{24 // share} cells of" in Path(FILE).read_text()
    settings["experiments"][0] |= {"family": "captioner", "train": {"steps": 10}, "sample": {}}
    Path(FILE).write_text(yaml.safe_dump(settings))
    told = check_file(Path(FILE))
    assert not told.mistakes


def test_words_are_counted_where_no_blanks_divide_them(init):
    code, _, settings = init(
        report=[f"心臓は正常です。肺野に異常なし。胸水{k}なし" for k in range(24)]
    )
    assert code == 0 and columns_of(settings)["text"] == "report"


def test_of_several_the_likeliest_is_taken_and_the_others_are_named(init):
    _, _, settings = init(comment=texts(), impression=TOLD * 8, findings=texts())
    assert columns_of(settings)["text"] == "findings"
    written = " ".join(Path(FILE).read_text().replace("#", "").split())
    assert "others that could be it: impression, comment" in written


def test_a_column_that_only_has_many_words_is_a_guess_and_stays_a_comment(init):
    code, _, settings = init(xyz=texts())
    assert code == 0 and "text" not in columns_of(settings)
    written = Path(FILE).read_text()
    assert "# a guess; if it is the text" in written and "# text: xyz" in written
    Path(FILE).write_text(written.replace("# text: xyz", "text: xyz"))
    assert not check_file(Path(FILE)).mistakes


@pytest.mark.parametrize(
    "columns",
    [
        {"notes": ["ok", "see above"] * 12},  # short
        {"report": ["正常", "異常なし"] * 12},
        {"ward": ["The third ward of the old hospital beside the long river"] * 24},  # recurs
        {"xyz": texts(3)},  # neither called one nor in most rows
        {"caption": ["a text of many words", *[""] * 23]},
    ],
)
def test_what_is_no_text_is_not_taken_for_one(init, columns):
    assert "text" not in columns_of(init(**columns)[2]) and "text:" not in Path(FILE).read_text()


def test_texts_without_images_ask_for_the_images(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    table = pd.DataFrame({"id": range(24), "report": texts()})
    table.to_csv(tmp_path / "mine" / "list.csv", index=False)
    assert main(["init", "mine", "--out", FILE]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "Texts are in list.csv (column report), but no images: give their folder, too" in said
