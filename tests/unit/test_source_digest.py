"""The code digest sees what a rule's code does, and nothing of how it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.store.errors import MedsynthError
from medsynth.store.source_digest import code_digest, source_files

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"

SOURCES = {
    "build_page.py": '"""Build the page."""\n\nfrom medsynth.page.page import build\n\nbuild()\n',
    "train_model.py": "from medsynth.models.training import train\n\ntrain()\n",
    "medsynth/__init__.py": '"""The library."""\n',
    "medsynth/page/__init__.py": "",
    "medsynth/page/page.py": 'TEMPLATE = "page.html"\n\n\ndef build(): ...\n',
    "medsynth/page/singles.py": "def write(): ...\n",
    "medsynth/page/page.html": '{% import "macros.html" as macros %}',
    "medsynth/page/macros.html": "<p>",
    "medsynth/page/unused.html": "<p>",
    "medsynth/models/__init__.py": "",
    "medsynth/models/training.py": (
        '"""Train."""\n\nfrom typing import TYPE_CHECKING\n\n'
        "from medsynth.page.singles import write\n\n"
        "if TYPE_CHECKING:\n    from medsynth.page.page import build\n\n\n"
        'class Steps:\n    """How many."""\n\n    count = 3\n\n\n'
        'def train() -> "build":\n    """Train a model."""\n    write(Steps.count, "shown")\n'
    ),
    "medsynth/models/ddpm.py": "RATE = 1\n",
}


@pytest.fixture
def digest(tmp_path):
    """Digest of a script of the toy library with some of its files replaced."""
    made = iter(range(1000))

    def of(script: str, changed: dict[str, str] | None = None, *modules: str) -> str:
        root = tmp_path / str(next(made))  # what was read is remembered by its path
        for name, source in (SOURCES | (changed or {})).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(source)
        return code_digest(root / script, *modules)

    return of


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert old in SOURCES[file]
    return {file: SOURCES[file].replace(old, new)}


TRAINING = "medsynth/models/training.py"


@pytest.mark.parametrize(
    "change",
    [
        edited(TRAINING, "count = 3", "count = 3  # as published"),
        edited(TRAINING, '"""Train."""', '"""Train, in other words."""'),
        edited(TRAINING, '    """How many."""\n\n', ""),
        edited(TRAINING, '    """Train a model."""\n', ""),
        edited(TRAINING, 'write(Steps.count, "shown")', "write(\n        Steps.count,\n'shown')"),
        edited(TRAINING, "medsynth.page.page import build", "medsynth.models.ddpm import build"),
        edited("medsynth/__init__.py", "library", "lib"),
        edited("medsynth/page/page.py", "page.html", "other.html"),
        edited("medsynth/page/page.html", "macros", "others"),
        edited("medsynth/models/ddpm.py", "1", "2"),
    ],
)
def test_what_a_rule_does_not_do_leaves_its_digest(digest, change):
    assert digest("train_model.py", change) == digest("train_model.py")


@pytest.mark.parametrize(
    "change",
    [
        edited(TRAINING, "count = 3", "count = 4"),
        edited(TRAINING, '"shown"', '"hidden"'),
        edited(TRAINING, "import TYPE_CHECKING\n", "import TYPE_CHECKING\n\nTRAINED = 1\n"),
        {"medsynth/models/__init__.py": "MODELS = 1\n"},
        {TRAINING: SOURCES[TRAINING] + "print(__doc__)\n"},
        edited("medsynth/page/singles.py", "write()", "write(image)"),
        edited("train_model.py", "train()", "train(1)"),
    ],
)
def test_what_a_rule_does_changes_its_digest(digest, change):
    assert digest("train_model.py", change) != digest("train_model.py")


def test_a_docstring_that_is_shown_counts(digest):
    shown = {TRAINING: SOURCES[TRAINING] + "print(__doc__)\n"}
    reworded = {TRAINING: shown[TRAINING].replace('"""Train."""', '"""Learn."""')}
    assert digest("train_model.py", shown) != digest("train_model.py", reworded)


def test_a_template_counts_for_what_names_it(digest):
    for template in ("page.html", "macros.html"):
        change = {f"medsynth/page/{template}": "<b>"}
        assert digest("build_page.py", change) != digest("build_page.py")
        assert digest("train_model.py", change) == digest("train_model.py")
    assert digest("build_page.py", {"medsynth/page/unused.html": "<b>"}) == digest("build_page.py")


def test_a_module_imported_by_name_is_a_further_root(digest):
    root = "medsynth.models.ddpm"
    change = edited("medsynth/models/ddpm.py", "1", "2")
    assert digest("train_model.py", {}, root) != digest("train_model.py")
    assert digest("train_model.py", change, root) != digest("train_model.py", {}, root)
    with pytest.raises(MedsynthError, match="medsynth.models.missing: no such module"):
        digest("train_model.py", {}, "medsynth.models.missing")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("medsynth/models/training.py", "from .ddpm import RATE\n"),
        ("medsynth/models/training.py", "from . import ddpm\n"),
        ("medsynth/page/singles.py", "from ..models.ddpm import RATE\n"),
        ("medsynth/models/__init__.py", "from .ddpm import RATE\n"),
    ],
)
def test_relative_imports_count(digest, file, line):
    importing = {file: SOURCES[file] + line}
    other = edited("medsynth/models/ddpm.py", "1", "2")
    assert digest("train_model.py", importing) != digest("train_model.py", importing | other)


def test_the_page_depends_on_every_template_and_no_more():
    views = [
        f"medsynth.tasks.{p.parent.name}.view" for p in SCRIPTS.glob("medsynth/tasks/*/view.py")
    ]
    files = set(source_files(SCRIPTS / "build_report.py", *views))
    assert SCRIPTS / "medsynth/store/digests.py" in files
    templates = {
        f for room in ("report", "tasks") for f in SCRIPTS.glob(f"medsynth/{room}/**/*.html")
    }
    assert len(templates) > len(views) and templates <= files
    assert not any(file.name in ("training.py", "sampling.py") for file in files)


def test_the_library_names_every_data_file():
    """A name made up at run time would hide a template from the digests."""
    sources = [f for f in (SCRIPTS / "medsynth").rglob("*") if f.is_file() and f.suffix != ".pyc"]
    for data in (f for f in sources if f.suffix != ".py"):
        beside = (f for f in sources if f.parent == data.parent and f != data)
        assert any(data.name in f.read_text() for f in beside), data
