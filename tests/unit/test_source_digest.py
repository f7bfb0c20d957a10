"""The code digest sees what a rule's code does, and nothing of how it is written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from medsynth.store.errors import MedsynthError
from medsynth.store.source.digest import code_digest, source_files
from medsynth.store.source.meaning import Meaning

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
    "medsynth/models/wording.py": 'REASONS = {"blank": "all pixels are equal"}\n',
    "medsynth/models/settings.py": (
        "from typing import Any\n\nfrom pydantic import Field\n\n"
        "from medsynth.models.wording import REASONS\n\n"
        "LIMIT: int = 3\n\n\n"
        "class Unet:\n"
        '    width: int = Field(32, ge=8, description="channels of the first level")\n\n'
        "    def levels(self, side: int) -> Any:\n        found: int = 0\n        return found\n\n"
        "    @serialised\n    def shown(self) -> str: ...\n"
    ),
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


SETTINGS = "medsynth/models/settings.py"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SETTINGS, "channels of the first level", "width at full resolution"),
        (SETTINGS, ', description="channels of the first level"', ""),
        (SETTINGS, "LIMIT: int = 3\n", 'LIMIT: int = 3\n"""How many."""\n'),
        (SETTINGS, "LIMIT: int", "LIMIT: float"),
        (SETTINGS, "side: int) -> Any", "side: float) -> int"),
        (SETTINGS, "found: int = 0", "found: float = 0"),
        (SETTINGS, "import Any\n", "import TYPE_CHECKING, Any\n"),
        (SETTINGS, "from typing import Any\n", "from collections.abc import Iterator\n"),
        (SETTINGS, "        return found", '        "unused.html"\n        return found'),
        ("medsynth/page/page.py", "def build(): ...", 'def build():\n    """Build."""\n    pass'),
        ("medsynth/page/page.py", '"page.html"', "u'page.html'"),
        ("medsynth/page/page.py", "def build", "# see unused.html\ndef build"),
        ("medsynth/models/wording.py", "all pixels are equal", "one grey"),
        ("medsynth/models/wording.py", "}", ', "new": "another"}'),
    ],
)
def test_what_only_people_and_type_checkers_read_does_not_count(digest, file, old, new):
    roots = ("medsynth.models.settings", "medsynth.page.page")
    assert digest("train_model.py", edited(file, old, new), *roots) == digest(
        "train_model.py", {}, *roots
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Field(32", "Field(64"),
        ("ge=8", "ge=4"),
        ("ge=8", "gt=8"),
        ("width: int", "width: float"),
        ("LIMIT: int = 3", "LIMIT: int = 4"),
        ("found: int = 0", "found: int = 1"),
        ("levels(self, side: int)", "levels(self, side: int = 2)"),
        ("shown(self) -> str", "shown(self) -> int"),  # a decorator may read it
        ("import Field", "import Field as F"),
        ("from pydantic", "from pydantic.v1"),
        ("import REASONS", "import REASONS as TEXTS"),
        ("ge=8, description=", "ge=8, pattern="),
    ],
)
def test_what_a_setting_is_counts(digest, old, new):
    root = "medsynth.models.settings"
    changed = digest("train_model.py", edited(SETTINGS, old, new), root)
    assert changed != digest("train_model.py", {}, root)


def test_a_description_of_anything_else_counts(digest):
    own = {SETTINGS: SOURCES[SETTINGS].replace("from pydantic import Field", "def Field(): ...")}
    other = {SETTINGS: own[SETTINGS].replace("first level", "second")}
    root = "medsynth.models.settings"
    assert digest("train_model.py", own, root) != digest("train_model.py", other, root)


def test_annotations_that_a_file_reads_count(digest):
    read = {SETTINGS: SOURCES[SETTINGS] + "get_type_hints(Unet.levels)\n"}
    other = {SETTINGS: read[SETTINGS].replace("side: int", "side: float")}
    root = "medsynth.models.settings"
    assert digest("train_model.py", read, root) != digest("train_model.py", other, root)


def test_texts_for_people_count_for_a_page_only(tmp_path, digest):
    root = "medsynth.models.settings"
    digest("build_page.py", {}, root)
    (folder,) = tmp_path.iterdir()
    files = source_files(folder / "build_page.py", root, wording=True)
    wording = folder / "medsynth/models/wording.py"
    assert set(files) - set(source_files(folder / "build_page.py", root)) == {wording}
    before = code_digest(folder / "build_page.py", root, wording=True)
    other = tmp_path / "other"
    folder.rename(other)  # what was read is remembered by its path
    file = other / "medsynth/models/wording.py"
    file.write_text(file.read_text().replace("equal", "alike"))
    assert code_digest(other / "build_page.py", root, wording=True) != before


@pytest.mark.parametrize("line", ["import helper\n", "from helper import half\n"])
def test_a_module_beside_the_script_counts(digest, line):
    importing = {"train_model.py": line, "helper.py": "def half(x): return x / 2\n"}
    other = importing | {"helper.py": "def half(x): return x // 2\n"}
    assert digest("train_model.py", importing) != digest("train_model.py", other)


@pytest.mark.parametrize("call", ["import_module", "importlib.import_module"])
def test_a_module_imported_by_a_literal_counts(digest, call):
    importing = {TRAINING: SOURCES[TRAINING] + f'{call}("medsynth.models.ddpm")\n'}
    other = edited("medsynth/models/ddpm.py", "1", "2")
    assert digest("train_model.py", importing) != digest("train_model.py", importing | other)


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
        beside = [f for f in sources if f.parent == data.parent and f != data]
        texts = [t for f in beside if f.suffix == ".py" for t in Meaning(f.read_text(), ()).texts]
        texts += [f.read_text() for f in beside if f.suffix != ".py"]
        # What families and kinds cite reaches the page as a parameter.
        parameter = data.name == "references.bib" and {"models", "cohorts"} & {*data.parts}
        assert parameter or any(data.name in text for text in texts), data


def test_modules_for_people_hold_texts_and_nothing_that_decides():
    for file in (SCRIPTS / "medsynth").rglob("wording.py"):
        if "lineage" in file.parts:  # of the commands, on which no rule depends
            continue
        tree = ast.parse(file.read_text())
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)], file
        imported = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert all(name == "typing" or name.endswith(".wording") for name in imported), file


def test_the_wording_is_in_the_digest_of_the_page_alone():
    rules = (SCRIPTS.parent / "rules").glob("*.smk")
    assert sum(rule.read_text().count("wording=True") for rule in rules) == 1
    page = SCRIPTS / "build_report.py"
    shown = {f.parent.name for f in source_files(page, wording=True) if f.name == "wording.py"}
    assert {"store", "cohorts", "slides", "ct", "mimic_cxr", "images"} <= shown
    for script in SCRIPTS.glob("*.py"):
        assert not [f for f in source_files(script) if f.name == "wording.py"]
