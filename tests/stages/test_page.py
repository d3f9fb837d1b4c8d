"""The report in a browser. Needs Chromium; axe-core from npm (`make axe`) and pdftotext for a test each."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marquee.io import read_sealed
from tests.browser import EXECUTABLE
from tests.stages.conftest import MODELS, ROOT

AXE = ROOT / ".browser/node_modules/axe-core/axe.min.js"
OPEN_ALL = "document.querySelectorAll('details').forEach((part) => (part.open = true))"
VIOLATIONS = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
    violations.map(({id, nodes}) => [id, nodes.slice(0, 3).map(({html}) => html.slice(0, 200))]))"""
LETTERS = """Math.min(...[...document.querySelectorAll("svg text")].map((text) => {
    const svg = text.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return scale * parseFloat(getComputedStyle(text).fontSize);}))"""
FRAMES = """[...document.querySelectorAll(".scroll")].filter((frame) =>
    (frame.scrollWidth > frame.clientWidth) !== (frame.tabIndex === 0)).length"""
ORDER = """[...document.querySelectorAll("#leaderboard ~ .scroll tbody")].map((body) =>
    [...body.rows].filter((row) => !row.hidden).map((row) => row.dataset.model))"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on PATH"),
]


@pytest.fixture(scope="module")
def report(finished) -> Path:
    return finished / "plots/report.html"


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: run `make axe`")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_axe_finds_nothing(tab, report, width, dark):
    tab.show(report, width, dark)
    tab.run(OPEN_ALL)
    tab.run(f"{AXE.read_text('utf-8')}; 0")
    assert tab.run(VIOLATIONS) == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_letters_have_nine_pixels_and_only_frames_that_scroll_take_the_keyboard(tab, report, width):
    tab.show(report, width)
    tab.run(OPEN_ALL)
    tab.run(SETTLED)
    assert tab.run(LETTERS) > 8.95
    assert tab.run(FRAMES) == 0
    assert tab.run("document.documentElement.scrollWidth") <= width


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on PATH")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_paper_has_every_model_with_all_its_captions(tab, report, finished, tmp_path, script):
    tab.call("Emulation.setScriptExecutionDisabled", value=not script)
    tab.show(report, 1440)
    tab.pdf(tmp_path / "report.pdf")
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    command = ["pdftotext", "-raw", tmp_path / "report.pdf", "-"]  # in the page's order, not by columns
    printed = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    words = "".join(printed.split())
    captions = [
        one["caption"]
        for model in MODELS
        for one in read_sealed(finished / f"data/figures/models/{model}/captions.json").values()
    ]
    assert len(captions) >= 10
    assert [caption for caption in captions if "".join(caption.split()) not in words] == []
    assert words.count("Recommendedtouser") == 3 * len(MODELS)
    summaries = [rf"{model}(NDCG@10|RMSE)0\.\d+" for model in MODELS]
    assert [found for found in summaries if not re.search(found, words)] == []


def test_a_table_is_sorted_by_the_column_that_is_pressed_and_filtered_by_name(tab, report):
    tab.show(report, 1440)
    ranking, rating = tab.run(ORDER)[:2]
    assert set(ranking) == {"ease", "mf_bce", "popularity", "oracle"}
    tab.run("document.querySelector('#leaderboard ~ .scroll button').click()")
    assert tab.run(ORDER)[0] == sorted(ranking)
    assert tab.run("document.querySelector('#leaderboard ~ .scroll th').ariaSort") == "ascending"
    tab.run("document.querySelector('#leaderboard ~ .scroll button').click()")
    assert tab.run(ORDER)[:2] == [sorted(ranking, reverse=True), rating]
    tab.run(
        "{const field = document.querySelector('.filter input'); field.value = ' MF';"
        "field.dispatchEvent(new Event('input', {bubbles: true}))}"
    )
    assert tab.run(ORDER)[:2] == [["mf_bce"], []]
    assert tab.run("document.querySelector('.filter output').textContent") == "1 of 5"


def test_values_are_sorted_as_numbers_with_the_absent_ones_last(tab, report):
    tab.show(report, 1440)
    button = "document.querySelectorAll('#leaderboard ~ .scroll button')[3]"
    values = (
        "[...document.querySelector('#leaderboard ~ .scroll tbody').rows].map((r) => r.cells[3].textContent)"
    )
    for direction in (1, -1):
        tab.run(f"{button}.click()")
        shown = tab.run(values)
        numbers = [float(text.replace("−", "-")) for text in shown if text != "–"]
        assert numbers == sorted(numbers, reverse=direction < 0)
        assert shown[len(numbers) :] == ["–"] * 2


def test_a_link_to_a_model_opens_its_part(tab, report):
    tab.show(report, 1440)
    closed = tab.run("document.querySelector('details:not([open])').id")
    tab.run(f"document.querySelector('a[href=\"#{closed}\"]').click()")
    tab.run(SETTLED)
    assert tab.run(f"document.getElementById('{closed}').open")


def test_charts_of_dvc_are_drawn_without_a_network(tab, project, tmp_path):
    done = project.call("dvc", "plots", "show", "-o", str(tmp_path / "plots"))
    assert done.returncode == 0, done.stderr
    page = tmp_path / "plots/index.html"
    charts = page.read_text("utf-8").count("vegaEmbed('#")
    assert charts > 5
    tab.show(page, 1200)
    drawn = "document.querySelectorAll('.vega-embed canvas').length"
    tab.run(f"new Promise((done) => setInterval(() => {drawn} === {charts} && done(), 50))")
