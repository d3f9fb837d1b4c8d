"""The served page in a browser: what strangers wrote stays text, links lead out, axe-core finds nothing."""

from __future__ import annotations

import pytest

from tests.browser import EXECUTABLE
from tests.cli.small_project import FILMS, build
from tests.demo.sample import READY
from tests.server.conftest import Server
from tests.stages.test_page import AXE, VIOLATIONS
from tests.stages.test_try import SETTLE

TAGS = ["<img src=x onerror=alert(1)>", "slow burn"]
CARDS = "[...document.querySelectorAll('#list .card')]"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on PATH"),
]


@pytest.fixture(scope="module")
def opened(tab, tmp_path_factory):
    folder = build(tmp_path_factory.mktemp("served"), imdb=range(1, len(FILMS) + 1), tags=[TAGS] * len(FILMS))
    server = Server(folder)
    tab.go(f"http://127.0.0.1:{server.port}/")
    assert tab.run(READY)
    yield server
    server.stop()


def test_a_card_has_tags_as_text_and_links_that_tell_nobody_where_you_were(tab, opened):
    tab.run(f"marquee.page.rate({CARDS}[0].film, 5).then(() => 0)")
    tab.run(f"marquee.page.rate({CARDS}[0].film, 4).then(() => 0)")
    tags = f"{CARDS}.map((card) => [...card.querySelectorAll('.tags li')].map((one) => one.textContent))"
    found = tab.run(tags)
    assert found
    assert all(one == TAGS for one in found)
    assert tab.run("document.querySelectorAll('img').length") == 0
    films = tab.run(f"{CARDS}.map((card) => card.film.movie)")
    link = "card.querySelector('.card-tools a')"
    links = tab.run(f"{CARDS}.map((card) => [{link}.href, {link}.rel, {link}.target])")
    assert links == [
        [f"https://www.imdb.com/title/tt{film:07}/", "noreferrer noopener", "_blank"] for film in films
    ]


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: run `make axe`")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(tab, opened, theme):
    tab.run(f"document.documentElement.dataset.theme = '{theme}'; {SETTLE}")
    tab.run(f"{AXE.read_text('utf-8')}; 0")
    assert tab.run(VIOLATIONS) == []
