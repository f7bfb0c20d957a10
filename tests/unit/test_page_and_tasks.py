"""The page knows no task: it calls the view that a task brings, and no view retrains anything."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from markupsafe import Markup
from report_study import make_study

import medsynth
from medsynth.report.page import write_page
from medsynth.report.study import gather
from medsynth.store.source.digest import source_files
from medsynth.tasks.viewing.contract import View

LIBRARY = Path(medsynth.__file__).parent
SCRIPTS = LIBRARY.parent
VIEWS = sorted(
    ".".join(file.relative_to(SCRIPTS).with_suffix("").parts)
    for file in LIBRARY.glob("tasks/*/view.py")
)


def test_a_new_task_stands_on_the_page_with_what_its_view_gives(tmp_path, monkeypatch):
    cohorts, experiments = make_study(tmp_path)
    given = []

    def view(cohort, shown):
        given.append((cohort.name, [e.name for e in shown], [e.generated for e in shown]))
        return View(
            curves=[("curve of a toy", Markup("<svg>toy</svg>"))],
            metrics=Markup("<p>a toy's metrics</p>"),
            appendix=Markup("<p>what a toy rests on</p>"),
        )

    module = ModuleType("medsynth.tasks.toy.view")
    module.view = view
    monkeypatch.setitem(sys.modules, "medsynth.tasks.toy", ModuleType("medsynth.tasks.toy"))
    monkeypatch.setitem(sys.modules, "medsynth.tasks.toy.view", module)
    toys = [
        replace(experiments[0], name=name, cohort="cxr", family="toy", task="toy")
        for name in ("first", "second")
    ]
    write_page(
        gather(cohorts, [*toys, *experiments]),
        title="toys",
        config_dump={"seed": 1, "device": "cpu", "demo": None, "lineage": {"study": "s"}},
        tracking_hint="sqlite:///m.db",
        output=tmp_path / "page.html",
    )
    text = (tmp_path / "page.html").read_text()
    assert given == [("cxr", ["first", "second"], [None, None])]
    assert text.count("curve of a toy <span") == 1
    # What metrics rest on follows those of all tasks.
    assert text.index("a toy's metrics") < text.index("Metrics of ddpm_cxr")
    assert text.index("Metrics of ddpm_cxr") < text.index("what a toy rests on")


def test_a_task_without_a_view_is_an_error(tmp_path):
    cohorts, experiments = make_study(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="medsynth.tasks.surgery"):
        gather(cohorts, [replace(experiments[0], task="surgery")])


def test_every_template_is_part_of_the_pages_code():
    used = source_files(SCRIPTS / "build_report.py", *VIEWS)
    data = [f for room in ("report", "tasks") for f in (LIBRARY / room).rglob("*.*")]
    data = {f for f in data if f.suffix in (".html", ".css", ".js", ".bib")}
    assert len(data) > 12 and data <= set(used)


@pytest.mark.parametrize(
    "script", [f.name for f in SCRIPTS.glob("*.py") if f.name != "build_report.py"]
)
def test_no_view_is_part_of_another_scripts_code(script):
    views = {*LIBRARY.glob("tasks/*/view.py"), *LIBRARY.glob("tasks/**/*.html")}
    views |= set(LIBRARY.glob("tasks/viewing/*.py"))
    modules = [
        ".".join(file.relative_to(SCRIPTS).with_suffix("").parts)
        for file in [*LIBRARY.glob("tasks/*/*.py"), *LIBRARY.glob("models/*/*.py")]
        if file not in views
        and file.parent.name != "viewing"
        and file.stem not in ("agreement", "verdict", "__init__")
    ]
    assert not views & set(source_files(SCRIPTS / script, *modules))
