"""The doctor finds what is well, and what it says of an installation that lacks something."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from email.message import Message
from importlib.metadata import PackageNotFoundError
from io import BytesIO
from types import SimpleNamespace as Names

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, RLELossless

from medsynth.check.environment import decoders, hardware, packages
from medsynth.check.environment.tracking import check_mlflow
from medsynth.check.environment.whole import examine_environment
from medsynth.commands.main import OK, WRONG, main
from medsynth.store.layout import Layout


def health(diagnoses) -> dict[str, str]:
    return {one.part: one.health for one in diagnoses}


def test_it_says_of_each_subject_how_it_is(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)["diagnoses"]
    subjects = {one["subject"] for one in told}
    assert subjects == {"packages", "decoders", "GPU", "space", "MLflow", "licences"}
    assert code == (WRONG if any(one["health"] == "wrong" for one in told) else OK)
    assert all(one["health"] == "ok" for one in told if one["subject"] == "decoders")


def test_a_package_that_the_decoders_need_and_is_absent_hides_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "medsynth.check.environment.decoders", None)
    found = examine_environment(tmp_path)
    assert {"packages", "GPU", "space", "MLflow", "licences"} < {one.subject for one in found}
    told = next(one for one in found if one.subject == "decoders")
    assert told.health == "wrong" and "install the packages of" in told.text


def test_packages_that_are_absent_or_others_are_named_with_the_pinned_version(
    tmp_path, monkeypatch
):
    (tmp_path / "requirements.txt").write_text(
        "numpy==2.1 \\\n    --hash=sha256:00\npandas==0.0.1\nno-such==1.0\ntifffile==2026.3\n"
    )

    def version(name: str) -> str:
        if name not in (there := {"numpy": "2.1", "pandas": "3.0+cpu"}):
            raise PackageNotFoundError
        return there[name]

    extras = ["numpy>=2", "tifffile>=2026; extra == 'slides'"]
    monkeypatch.setattr(packages, "requires", lambda name: extras)
    monkeypatch.setattr(packages, "version", version)
    found = {one.part: one for one in packages.check_pins(tmp_path)}
    assert {name: one.health for name, one in found.items()} == {
        "pandas": "look",
        "no-such": "wrong",
        "tifffile": "look",
        "pins": "ok",
    }
    assert "tested was 0.0.1; pip install pandas==0.0.1" in found["pandas"].text
    assert found["no-such"].text == "not installed; pip install no-such==1.0"
    assert found["tifffile"].text == (
        "not installed; needed for slides: pip install --editable '.[slides]'"
    )
    assert found["pins"].text == "1 of 4 as tested"


def test_a_syntax_that_gives_no_pixels_or_others_is_named(monkeypatch):
    read = decoders.read_radiograph

    def worse(data: bytes) -> np.ndarray:
        syntax = pydicom.dcmread(BytesIO(data)).file_meta.TransferSyntaxUID
        if syntax == JPEG2000Lossless:
            raise RuntimeError("no decoder")
        return 255 - read(data) if syntax == RLELossless else read(data)

    monkeypatch.setattr(decoders, "read_radiograph", worse)
    found = {one.part: one for one in decoders.check_decoders()}
    assert found["DICOM"].text == "10 of 12 transfer syntaxes give their pixels"
    assert found["DICOM"].health == "wrong"
    assert "RuntimeError: no decoder; install" in found[f"DICOM {JPEG2000Lossless.name}"].text
    assert "pixels differ by" in found["DICOM RLE Lossless"].text


@pytest.mark.parametrize(
    ("gpus", "cuda", "expected"), [([], None, "ok"), ([], "12.8", "ok"), (["H100"], None, "wrong")]
)
def test_a_gpu_needs_a_build_of_torch_for_it(monkeypatch, gpus, cuda, expected):
    monkeypatch.setattr(hardware, "installed_devices", lambda: gpus)
    monkeypatch.setattr(hardware, "_cuda_of_torch", lambda: cuda)
    (found,) = hardware.check_gpu()
    assert found.health == expected
    assert "CUDA" in found.text or "CPUs" in found.text


def test_the_build_of_torch_is_read_without_its_import(tmp_path, monkeypatch):
    (tmp_path / "version.py").write_text(
        "cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n"
    )
    spec = Names(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(hardware, "find_spec", lambda name: spec)
    assert hardware._cuda_of_torch() == "12.8"
    (tmp_path / "version.py").write_text("cuda: Optional[str] = None\n")
    assert hardware._cuda_of_torch() is None


def test_mlflows_database_opens_or_is_told(tmp_path):
    assert health(check_mlflow(tmp_path))["database"] == "ok"
    database = tmp_path / "lineage" / "mlflow.db"
    assert str(database) == Layout(tmp_path).mlflow
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE alembic_version (version_num)")
        made.execute("INSERT INTO alembic_version VALUES ('abc')")
        made.execute("CREATE TABLE runs (run_uuid)")
        made.commit()
    *_, found = check_mlflow(tmp_path)
    assert (found.health, found.text) == ("ok", "opens: 0 runs, schema abc")
    database.write_bytes(b"junk" * 300)
    *_, found = check_mlflow(tmp_path)
    assert found.health == "wrong" and "delete it, and the next run fills it again" in found.text


def package(name: str, *headers: tuple[str, str]) -> Names:
    metadata = Message()
    for key, value in headers:
        metadata[key] = value
    return Names(name=name, metadata=metadata)


def test_packages_under_the_gpl_alone_and_without_licence_are_named(monkeypatch):
    gpl = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    lesser = "License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)"
    free = "License :: OSI Approved :: BSD License"
    found = [
        package("a", ("License-Expression", "MIT")),
        package("b", ("License", "GPL V3.0"), ("Classifier", gpl)),
        package("c", ("Classifier", gpl), ("Classifier", free)),
        package("d", ("Classifier", lesser)),
        package("e", ("License-Expression", "AGPL-3.0-only")),
        package("f", ("License-File", "LICENSE")),
        package("g"),
        package("h", ("License-Expression", "LGPL-2.1-only")),
    ]
    monkeypatch.setattr(packages, "distributions", lambda: found)
    told = {one.part: one for one in packages.check_licences()}
    assert {*told} == {"b", "e", "f", "g", "others"}
    assert told["b"].text.startswith("GPL V3.0: no MIT code")
    assert told["f"].text == "states none; see LICENSE of the package"
    assert told["others"].text.startswith("4 under")
