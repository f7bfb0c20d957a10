"""The project's files agree with each other."""

import importlib
import re
import tomllib
from pathlib import Path

import yaml

from medsynth.store.errors import MedsynthError
from medsynth.store.source.meaning import Meaning

ROOT = Path(__file__).parents[2]


def _pins(file):
    lines = (line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return dict(line.lower().replace("_", "-").split("==") for line in lines if line)


def test_every_direct_requirement_is_pinned_and_locked_to_the_same_version():
    direct, locked = _pins("envs/requirements.in"), _pins("envs/requirements.txt")
    assert len(locked) > len(direct)
    assert {name: locked.get(name) for name in direct} == direct


def test_conda_environment_has_the_same_pins():
    env = yaml.safe_load((ROOT / "envs" / "medsynth.yaml").read_text())
    *conda, pip = env["dependencies"]
    pins = dict(line.lower().replace("_", "-").split("==") for line in pip["pip"])
    assert conda == ["python=3.11", "pip"] and pins == _pins("envs/requirements.in")


def test_makefile_installs_the_pinned_torch_first():
    assert f"torch=={_pins('envs/requirements.in')['torch']}" in (ROOT / "Makefile").read_text()


def test_every_error_of_the_library_has_the_one_base():
    package = ROOT / "workflow_scripts" / "medsynth"
    for file in package.rglob("*.py"):
        if re.search(r"^class \w+\(.*(Error|Exception)", text := file.read_text(), re.M):
            name = ".".join(file.relative_to(package.parent).with_suffix("").parts)
            module = importlib.import_module(name.removesuffix(".__init__"))
            found = [getattr(module, kind) for kind in re.findall(r"^class (\w+)", text, re.M)]
            errors = [kind for kind in found if issubclass(kind, BaseException)]
            assert all(issubclass(kind, MedsynthError) for kind in errors), file


def test_no_script_ends_the_process():
    for file in (ROOT / "workflow_scripts").glob("*.py"):
        assert "SystemExit" not in file.read_text(), f"{file.name}: raise a MedsynthError"


def test_the_citation_names_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (citation["version"], citation["title"].partition(":")[0]) == (
        project["version"],
        project["name"],
    )


def test_a_wheel_holds_every_file_of_the_library():
    """Those that are no Python are taken by pattern, of every folder that is a package."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    library = ROOT / "workflow_scripts" / "medsynth"
    files = [f for f in library.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    data = [f for f in files if f.suffix != ".py"]
    assert len(data) > 20
    for file in data:
        assert any(file.match(pattern) for pattern in patterns["package-data"]["*"]), file
    for folder in {file.parent for file in files}:
        assert (folder / "__init__.py").is_file(), folder


def test_paths_below_the_results_stand_in_the_layout_alone():
    library = ROOT / "workflow_scripts"
    texts = {f.name: Meaning(f.read_text(), ()).texts for f in library.rglob("*.py")}
    assert [n for n, said in texts.items() if any("mlflow.db" in t for t in said)] == ["layout.py"]
