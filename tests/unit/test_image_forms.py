"""Families say which images they take and are held to make such."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import yaml

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.models import contract
from medsynth.models.contract import FormError, as_wanted, family_of
from medsynth.models.cyclegan.settings import CycleganExperiment
from medsynth.models.ddpm import sampling
from medsynth.models.families import FAMILY
from medsynth.models.settings import FamilyExperiment, Sampling
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.tasks.generation import product as generation

ROOT = Path(__file__).parents[2]
FORM = ImageForm(8, 3, "uint8")
IMAGES = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_family_says_which_channels_do_not_fit(name, channels):
    family = FAMILY[name].model_construct(name="x", family=name, cohort="mine")
    misfit = family.misfit(ImageForm(64, channels, "uint8"))
    if channels in family.channels:
        assert not misfit or misfit.key != "cohort"
    else:
        assert misfit.key == "cohort"
        assert f"{name} takes images of" in misfit.why and f"not {channels};" in misfit.why


def test_what_fits_comes_image_by_image():
    assert len(list(as_wanted(iter([IMAGES, IMAGES[:1]]), FORM, "toy"))) == 3
    assert family_of(sampling) == "ddpm" and family_of(contract) == "models"


@pytest.mark.parametrize(
    ("made", "form"),
    [
        (IMAGES.astype(np.float32), FORM),
        (IMAGES[..., :1], FORM),
        (IMAGES[:, :4, :4], FORM),
        (IMAGES[0], FORM),  # an image, and no batch
        (IMAGES, FORM._replace(dtype="int16")),
    ],
)
def test_images_of_another_form_are_refused_by_the_name_of_the_family(
    made, form, tmp_path, monkeypatch
):
    toy = SimpleNamespace(
        __name__="medsynth.models.toy.sampling",
        SETTINGS=lambda **_: SimpleNamespace(
            labels=None, per_class=1, at_least=1, provenance=lambda: {}
        ),
        generate=lambda *_: iter([made]),
    )
    (tmp_path / "weights").touch()
    monkeypatch.setattr(generation, "load_model", lambda *_: SimpleNamespace(card={}))
    monkeypatch.setattr(generation, "wanted", lambda *_: pd.DataFrame({"label": ["a", "b"]}))
    files = SimpleNamespace(
        **{n: tmp_path / n for n in ("weights", "card", "images", "table", "grid")}
    )
    with pytest.raises(FormError, match="family toy made images .*the cohort has"):
        generation.write_product(toy, files, files, {}, form, Run(1, "cpu"), tmp_path / "work")
    assert not files.images.exists() and not files.table.exists()


def test_a_family_needs_what_its_cohort_provides(monkeypatch):
    monkeypatch.setattr(CycleganExperiment, "needs", ("masks",))
    raw = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    with pytest.raises(ConfigError, match="cyclegan needs masks, which cohort ct does not provide"):
        parse_config(raw)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"family": str, "sample": Sampling}, r'write its name as family: Literal\["..."\]'),
        ({"family": Literal["toy"]}, "needs a group sample"),
    ],
)
def test_a_family_that_lacks_a_part_is_refused(fields, why):
    said = {"task": "generation", "folder": "medsynth.models.toy", "__annotations__": fields}
    with pytest.raises(TypeError, match=f"Toy: .*{why}"):
        type("Toy", (FamilyExperiment,), said)


def test_a_kind_without_a_name_is_refused():
    said = {"folder": "medsynth.cohorts.toy", "__annotations__": {"kind": str}}
    with pytest.raises(TypeError, match=r'Toy: write its name as kind: Literal\["..."\]'):
        type("Toy", (CohortSettings,), said)
