"""The page in a real browser: what it loads, where things stand, and what its buttons do."""

from __future__ import annotations

import csv
import io

import pytest
from browser import CHROMIUM, Browser
from report_study import make_study

from medsynth.report.page import write_page
from medsynth.report.study import gather

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("page")
    write_page(
        gather(*make_study(folder)),
        title="a study",
        config_dump={"seed": 1, "device": "cpu", "demo": None, "lineage": {"study": "a study"}},
        tracking_hint="sqlite:///m.db",
        output=folder / "index.html",
    )
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with Browser() as started:
        yield started


@pytest.fixture
def desk(browser, page) -> Browser:
    browser.open(page, 1400)
    return browser


def test_everything_is_there_and_nothing_is_fetched(desk, page):
    broken = "[...document.images].filter(i => i.src && !i.naturalWidth).map(i => i.alt)"
    assert desk.ask("document.images.length") > 100 and desk.ask(broken) == []
    assert {url for url in desk.requests if not url.startswith("data:")} == {page[:80]}
    assert desk.errors == []


def test_the_first_screen_shows_verdicts_real_and_generated_images(desk):
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    assert desk.ask(bottom.format(".verdicts")) < 900
    assert desk.ask(bottom.format(".who.real + .strip img")) < 900
    assert desk.ask(bottom.format(".who.made + .strip img")) < 900
    assert desk.ask("document.querySelector('.tile img').getBoundingClientRect().width") > 64


@pytest.mark.parametrize("width", [400, 1400])
def test_no_screen_scrolls_sideways(browser, page, width):
    browser.open(page, width)
    assert browser.ask("innerWidth") == width
    wide, seen = browser.ask("(d => [d.scrollWidth, d.clientWidth])(document.documentElement)")
    assert wide == seen > width - 20  # the scroll bar takes some


def test_an_image_is_enlarged_by_a_click_and_put_away_by_escape(desk):
    opened = "document.getElementById('viewer').open"
    assert not desk.ask(opened)
    desk.ask("document.querySelector('.tile').click()")
    assert desk.ask(opened)
    seen = "document.querySelector('#viewer img').alt"
    first, second = desk.ask("[...document.images].slice(0, 2).map(i => i.alt)")
    assert desk.ask(seen) == first
    desk.press("ArrowRight")
    assert desk.ask(seen) == second
    desk.press("Escape")
    assert not desk.ask(opened)


def test_hidden_images_are_shown_on_demand(desk):
    shown = "[...document.querySelectorAll('#images-cxr .tile')].filter(t => t.offsetParent).length"
    few = desk.ask(shown)
    desk.ask("document.querySelector('#images-cxr [data-more]').click()")
    assert (
        desk.ask(shown) == desk.ask("document.querySelectorAll('#images-cxr .tile').length") > few
    )


def test_tables_are_sorted_by_number_and_copied(desk):
    # The clipboard is kept by the browser; what would be written is taken instead.
    desk.ask("navigator.clipboard.writeText = async (text) => { window.copied = text; }; 0")
    table = (
        "[...document.querySelectorAll('#metrics table')]"
        ".find(t => t.caption.textContent.includes('ddpm_glioma on'))"
    )
    values = f"[...{table}.tBodies[0].rows].map(r => r.cells[1].textContent.trim())"
    sort = f"{table}.tHead.rows[0].cells[1].querySelector('button').click()"
    before = desk.ask(values)
    desk.ask(sort)
    ascending = desk.ask(values)
    numbers = [float(v.split()[0]) for v in ascending if v != "—"]
    assert (
        numbers == sorted(numbers) and ascending[-1] == "—" and sorted(before) == sorted(ascending)
    )
    assert desk.ask(f"{table}.tHead.rows[0].cells[1].getAttribute('aria-sort')") == "ascending"

    button = f"{table}.parentNode.previousElementSibling.querySelectorAll('button')[{{}}].click()"
    desk.ask(button.format(0))
    rows = list(csv.reader(io.StringIO(desk.ask("copied"))))
    assert rows[0][:3] == ["Metric", "Value", "95 % interval"] and {len(r) for r in rows} == {
        len(rows[0])
    }
    assert [r[1] for r in rows[1:] if r[1] != "—"][0] == ascending[0].split()[0]
    desk.ask(button.format(1))
    latex = desk.ask("copied")
    assert r"95 \% interval" in latex and r"ddpm\_glioma" in latex
    assert latex.count(r"\\") == len(rows) and r"\begin{tabular}{lrr" in latex


def test_the_theme_follows_the_system_and_the_button(desk):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = desk.ask(ground)
    desk.ask("document.getElementById('theme').click()")
    dark = desk.ask(ground)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 24, 29)")
    desk.ask("document.getElementById('theme').click()")
    assert desk.ask(ground) == light
    dark_system = {"name": "prefers-color-scheme", "value": "dark"}
    desk.call("Emulation.setEmulatedMedia", features=[dark_system])
    desk.ask("delete document.documentElement.dataset.theme")
    assert desk.ask(ground) == dark
    desk.call("Emulation.setEmulatedMedia", features=[])
