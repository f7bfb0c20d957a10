"""The rooms of the house: nothing imports upward, nothing in a circle, no folder is crowded."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from medsynth.store.source.digest import source_files

ROOT = Path(__file__).parents[2] / "workflow_scripts"
# From the ground to the roof; rooms in one row know nothing of each other.
HOUSE = (
    ("store",),
    ("runtime",),
    ("imaging", "genomics", "text"),
    ("cohorts", "models", "metrics"),
    ("tasks", "demo", "fetch", "lineage"),
    ("config", "report"),
    ("api", "check", "survey"),
    ("commands",),
)
LINEAGE = (
    ("errors", "wording", "settings"),
    ("recording",),
    ("ledger",),
    ("mlflow",),
    ("opening",),
    ("delivery",),
    ("collector",),
    ("replay",),
    ("erasure",),
    ("queries",),
)
MOST_MODULES = 12
OF_SETTINGS = (".settings", "_settings")


def modules(root: Path = ROOT) -> dict[str, Path]:
    """{dotted name: file} of the library's modules; a package goes by its folder's name."""
    found = {}
    for file in sorted((root / "medsynth").rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(root: Path = ROOT) -> dict[str, set[str]]:
    """What each module imports of the library, inside functions and for type checking, too."""
    files = modules(root)
    found: dict[str, set[str]] = {}
    for name, file in files.items():
        found[name] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names} & files.keys()
            elif isinstance(node, ast.ImportFrom):
                module = _module(node, name, is_package=file.name == "__init__.py")
                for alias in node.names:
                    inside = f"{module}.{alias.name}"
                    found[name] |= {inside if inside in files else module} & files.keys()
            elif isinstance(node, ast.Call) and node.args:
                if getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
                    named = re.compile(_pattern(node.args[0]))
                    found[name] |= {other for other in files if named.fullmatch(other)} - {name}
    return found


def _module(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    """The module that is imported from, of relative imports, too."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    above = parts[: len(parts) + (1 if is_package else 0) - node.level]
    return ".".join([*above, *filter(None, [node.module])])


def _pattern(argument: ast.expr) -> str:
    """Which modules a literal or f-string names; one that begins with no word names none."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    if not isinstance(parts[0], ast.Constant):
        return "(?!)"
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in parts
    )


def upward(
    order: tuple[tuple[str, ...], ...], package: str, graph: dict[str, set[str]]
) -> set[tuple[str, str]]:
    """Imports of a room of `package` by one that is not above it."""
    level = {f"{package}.{room}": at for at, row in enumerate(order) for room in row}
    depth = package.count(".") + 2

    def room(name: str) -> str:
        return ".".join(name.split(".")[:depth])

    return {
        (name, other)
        for name, others in graph.items()
        for other in others
        if room(name) != room(other)
        and level.get(room(name), len(order)) <= level.get(room(other), -1)
    }


def test_nothing_imports_a_room_above():
    assert upward(HOUSE, "medsynth", imports()) == set()
    rooms = {name.split(".")[1] for name in modules() if "." in name}
    assert rooms == {room for row in HOUSE for room in row}, "a room without a place in the house"


def test_nothing_in_the_lineage_imports_a_room_above():
    assert upward(LINEAGE, "medsynth.lineage", imports()) == set()
    rooms = {name.split(".")[2] for name in modules() if name.startswith("medsynth.lineage.")}
    assert rooms == {room for row in LINEAGE for room in row}
    known = {o for n, others in imports().items() if ".lineage" in n for o in others}
    assert {name.split(".")[1] for name in known} <= {"store", "runtime", "lineage"}


def test_nothing_imports_in_a_circle():
    TopologicalSorter(imports()).prepare()


def test_settings_import_settings_only():
    allowed = ("medsynth.runtime.settings",)
    beyond = {
        name
        for name, others in imports().items()
        if name.endswith((*OF_SETTINGS, ".wording")) and ".lineage." not in name
        for other in others
        if not other.endswith((*OF_SETTINGS, ".wording"))
        and other not in allowed
        and not (name == "medsynth.runtime.settings" and other.startswith("medsynth.store."))
    }
    assert beyond == set()


def test_the_configuration_stands_on_settings_and_tables():
    tables = ("medsynth.models.families", "medsynth.cohorts.kinds")
    below = ("medsynth.config", "medsynth.runtime", "medsynth.store")
    beyond = {
        (name, other)
        for name, others in imports().items()
        for other in others
        if name.startswith("medsynth.config")
        and not (
            other.startswith(below) or other.endswith((*OF_SETTINGS, ".wiring")) or other in tables
        )
    }
    assert beyond == set()


def test_no_training_rests_on_how_is_drawn():
    files = source_files(ROOT / "train_model.py", "medsynth.models.ddpm.training")
    of_ddpm = {file.name for file in files if file.parent.name == "ddpm"}
    assert {"training.py", "training_settings.py"} <= of_ddpm
    assert not {"sampling.py", "sampling_settings.py"} & of_ddpm


def test_no_folder_is_crowded():
    folders = [path.parent for path in modules().values() if path.name != "__init__.py"]
    crowded = {f for f in folders if folders.count(f) > MOST_MODULES}
    assert {f.relative_to(ROOT).as_posix() for f in crowded} == set()


UPWARD = "from medsynth.report import b"


@pytest.mark.parametrize(
    "line",
    [
        UPWARD,
        f"def f():\n    {UPWARD}",
        f"if TYPE_CHECKING:\n    {UPWARD}",
        "from ..report import b",
        "from ..report.b import c",
        "from .. import report\nfrom ..report import b",
        'import_module("medsynth.report.b")',
        'importlib.import_module(f"medsynth.report.{name}")',
    ],
)
def test_an_import_upward_and_a_circle_are_found(tmp_path, line):
    for name, text in {
        "store/__init__.py": "",
        "store/a.py": line,
        "report/__init__.py": "",
        "report/b.py": "import medsynth.store.a",
    }.items():
        file = tmp_path / "medsynth" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    graph = imports(tmp_path)
    assert ("medsynth.store.a", "medsynth.report.b") in upward(HOUSE, "medsynth", graph)
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("below", "above"),
    [
        ("store.digests", "lineage.wording"),
        ("metrics.baselines", "demo.dicom"),
        ("lineage.opening", "config.schema"),
        ("fetch.batch", "config.raw_paths"),
        ("config.schema", "api.models"),
        ("imaging.bits", "fetch.batch"),
    ],
)
def test_every_room_has_a_rank(below, above):
    edge = {f"medsynth.{below}": {f"medsynth.{above}"}}
    assert upward(HOUSE, "medsynth", edge)
