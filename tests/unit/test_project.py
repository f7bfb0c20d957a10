"""The project's files agree with each other."""

import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from medsynth.store.errors import MedsynthError, MissingExtra
from medsynth.store.source.meaning import Meaning

ROOT = Path(__file__).parents[2]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _pins(file):
    """Versions by name of a lock, or of any lines that begin with name==version."""
    lines = (ROOT / "envs" / file).read_text()
    return dict(re.findall(r"^\s*(?:- )?([A-Za-z0-9][\w.-]*)==([^\s;]+)", lines, re.M))


def _normal(names):
    return {canonicalize_name(name): version for name, version in names.items()}


def _wanted(*extras):
    """Requirements of the project by name, with those of extras."""
    of_extras = [line for extra in extras for line in EXTRAS[extra]]
    wanted = map(Requirement, [*PROJECT["dependencies"], *of_extras])
    return {canonicalize_name(one.name): one for one in wanted if one.name != "medsynth"}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.txt", ("slides", "registration")),
        ("requirements-dev.txt", ("slides", "registration", "postgres", "slurm", "dev")),
    ],
)
def test_every_requirement_is_locked_within_its_range(lock, extras):
    locked = _normal(_pins(lock) | _pins("torch.txt"))
    for name, requirement in _wanted(*extras).items():
        assert locked[name] in requirement.specifier, name
        assert len(requirement.specifier) > 0, f"{name} has no range"


def test_the_lock_has_a_hash_for_every_package_but_torch():
    for lock in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / "envs" / lock).read_text()
        blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)[1:]
        assert len(blocks) == len(_pins(lock)) > 90
        assert all("--hash=sha256:" in block for block in blocks)
        of_builds = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==")
        assert not any(map(of_builds.match, blocks)), "its hashes differ from build to build"
        assert "://" not in text


def test_tools_of_tests_are_no_part_of_what_runs_and_both_locks_agree():
    runs, all_of_it = _pins("requirements.txt"), _pins("requirements-dev.txt")
    assert runs.items() <= all_of_it.items()
    tools = _wanted("dev", "postgres").keys() - _wanted("slides", "registration").keys()
    assert len(tools) > 8 and not tools & _normal(runs).keys()


def test_no_package_is_under_the_gpl():
    assert "pylibjpeg-libjpeg" not in _pins("requirements-dev.txt")
    for name in _pins("requirements.txt"):
        about = metadata.metadata(name)
        declared = [about.get("License-Expression") or "", *about.get_all("Classifier", [])]
        gpl = [one for one in declared if re.search(r"(?<!L)A?GPL-|GNU (Affero )?General", one)]
        # or, for one file for Emacs of docutils, and for parts of OpenSlide's library, another one
        assert not gpl or name in ("docutils", "openslide-bin"), (name, gpl)


def test_conda_environment_has_the_same_pins():
    env = yaml.safe_load((ROOT / "envs" / "medsynth.yaml").read_text())
    *conda, _ = env["dependencies"]
    assert conda == ["python=3.11", "pip"]
    locked = _normal(_pins("requirements.txt") | _pins("torch.txt"))
    wanted = {name: locked[name] for name in _wanted("slides", "registration")}
    assert _normal(_pins("medsynth.yaml")) == wanted


def test_what_an_extra_installs_is_asked_for_by_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    monkeypatch.delitem(sys.modules, "medsynth.imaging.ct.registration", raising=False)
    importlib.import_module("medsynth.cohorts.ct.shard")  # needs none
    with pytest.raises(MissingExtra, match=r"SimpleITK.*install.*'\.\[registration\]'"):
        importlib.import_module("medsynth.imaging.ct.registration")


@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # of mlflow.pyfunc, as it is imported
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


def test_nothing_tracked_is_a_link():
    """One to an environment, say, would be in every clone, where its target is not."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    tracked = subprocess.run(
        ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(tracked) > 500
    assert [line for line in tracked if line.startswith("120000")] == []
