"""Settings of a cohort of images that are refused before any job."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.config.loading import load_config
from medsynth.config.mistakes import ConfigError
from tests.unit.image_files import cohort, pngs, row


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="pixels"):
        ImagesCohort.model_validate({"kind": "images", "root": "x", "pixels": 3})


@pytest.mark.parametrize(
    ("file", "channels", "fits"),
    [
        ("image", "grey", True),
        ("image", {"a": "red", "b": "green"}, False),
        ({"a": "image", "b": "label"}, "grey", False),
        ({"a": "image", "b": "label", "c": "patient"}, "grey", True),
    ],
)
def test_experiments_need_grey_images_or_colours(tmp_path, file, channels, fits):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")], {"file": file})
    mine = settings.model_dump(mode="json") | {"read": {"channels": channels}}
    del mine["split"]
    raw = {
        "results_dir": str(tmp_path / "results"),
        "cohorts": {"mine": mine},
        "experiments": [{"name": "x", "family": "ddpm", "cohort": "mine"}],
    }
    if fits:
        assert load_config(raw).cohorts["mine"].image_form().channels in (1, 3)
    else:
        with pytest.raises(ConfigError, match="images of 2 channels can neither"):
            load_config(raw)


@pytest.mark.parametrize("key", ["table", "root"])
def test_a_missing_path_is_told_before_any_job(tmp_path, key):
    settings = cohort(tmp_path, pngs("a.png"), [row("a.png")])
    mine = settings.model_dump(mode="json", exclude={"split"})
    if key == "root":
        mine["root"] = str(tmp_path / "nowhere")
    else:
        mine["index"]["table"] = str(tmp_path / "nowhere")
    raw = {"results_dir": str(tmp_path / "results"), "cohorts": {"mine": mine}}
    where = "root" if key == "root" else "index.table"
    with pytest.raises(ConfigError, match=f"cohorts.mine.{where}"):
        load_config(raw)
