"""The documentation: links lead somewhere, configurations are right, pages are current."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from medsynth.config.loading import parse_config
from tests.command_reference import reference

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "config" / "README.md", *(ROOT / "docs").rglob("*.md")])
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)
ELSEWHERE = {"https", "http", "mailto"}


def _text(page: Path) -> str:
    """What a page says, of a notebook its words."""
    if page.suffix != ".ipynb":
        return page.read_text()
    cells = json.loads(page.read_text())["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", _text(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page):
    for target in LINK.findall(CODE.sub("", _text(page))):
        link = urlsplit(target)
        if link.scheme in ELSEWHERE:
            continue
        there = page.parent / unquote(link.path) if link.path else page
        assert there.exists(), f"{page.relative_to(ROOT)}: {target}"
        if link.fragment:
            assert link.fragment in _anchors(there), f"{page.relative_to(ROOT)}: {target}"


def test_the_readme_is_short_and_every_page_is_reached_from_it():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page not in seen and page.suffix in (".md", ".ipynb"):
            seen.add(page)
            links = (urlsplit(target) for target in LINK.findall(_text(page)))
            ahead += [page.parent / link.path for link in links if link.path and not link.scheme]
    assert {*(ROOT / "docs").rglob("*.md"), *NOTEBOOKS} <= seen


def test_the_reference_of_the_commands_is_current():
    page = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert page == reference(), "run: python -m tests.command_reference"


@pytest.mark.parametrize("page", ["radiographs", "slides", "ct", "images"])
def test_configurations_of_the_guides_are_right(page, tmp_path, monkeypatch):
    for name in ("MIMIC_CXR", "MIMIC_CXR_JPG", "TCGA"):
        monkeypatch.setenv(name, str(tmp_path))
    text = (ROOT / "docs" / "guides" / f"{page}.md").read_text()
    blocks = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S))
    whole = [block for block in blocks if "experiments" in block]
    assert whole and all(parse_config(block).experiments for block in whole)


def test_the_documentation_is_built_and_loads_nothing_from_elsewhere(tmp_path):
    mkdocs = pytest.importorskip("mkdocs.commands.build", reason="mkdocs is of the extra dev")
    from mkdocs.config import load_config as settings

    mkdocs.build(settings(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 12
    for page in pages:
        loads = re.findall(r"<(?:script|img|iframe|link)\b[^>]*>", page.read_text())
        assert not [tag for tag in loads if re.search(r"(?:src|href)=.?(?:https?:)?//", tag)]
    styles = "".join(sheet.read_text() for sheet in tmp_path.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\W*(?:https?:)?//", styles)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_are_small_and_show_what_they_print_and_nobodys_paths(notebook):
    text = notebook.read_text()
    assert len(text) < 150_000
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in cells), "run: python -m tests.notebooks"
    assert not [c for cell in cells for c in cell["outputs"] if c["output_type"] == "error"]
    words = re.sub(r'"image/png": ".*"', "", text)
    assert not re.search(r"/(?:home|root|tmp|work|Users|mnt)/|file://", words)
