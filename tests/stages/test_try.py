"""plots/try.html in a browser, as a visitor uses it. Needs Chromium, and axe-core (`make axe`) for a test."""

from __future__ import annotations

import base64
import json
import zipfile
from io import BytesIO

import numpy as np
import pytest

from marquee.io import read_parquet
from tests.browser import EXECUTABLE
from tests.demo.sample import READY
from tests.stages.test_page import AXE, SETTLED, VIOLATIONS

WIDTHS = [390, 768, 1440]
LISTED = "[...document.querySelectorAll('#list .card')].map((card) => card.film.movie)"
RATED = "Object.fromEntries(marquee.page.ratings)"
TOAST = "document.querySelector('#toast').textContent"
SETTLE = f"new Promise((done) => setTimeout(done, 400)).then(() => {SETTLED})"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on PATH"),
]


@pytest.fixture(scope="module")
def demo(finished):
    return finished / "plots/try.html"


@pytest.fixture(scope="module")
def movies(finished):
    """The most rated movies first."""
    table = read_parquet(finished / "data/movies.parquet").to_pylist()
    counts = np.bincount(
        read_parquet(finished / "data/ranking/train.parquet")["item"].to_numpy(), minlength=len(table)
    )
    return [table[item] for item in np.argsort(-counts, kind="stable")]


def opened(tab, demo, width=1440, dark=False, fragment=""):
    tab.show(demo, width, dark, fragment=fragment)
    assert tab.run(READY)


def rate_by_keys(tab, title, digit):
    """Search for a title and press keys; return the milliseconds until the list has changed."""
    tab.run("document.querySelector('#query').focus(); document.querySelector('#query').select()")
    tab.call("Input.insertText", text=title)
    tab.run(
        "new Promise((done) => { const look = () => document.querySelector('#found .stars')"
        " ? done() : setTimeout(look, 5); look() })"
    )
    tab.press("ArrowDown")
    tab.run(
        "{ const page = marquee.page, draw = page.drawControls.bind(page); let began = 0;"
        "  addEventListener('keydown', () => { began = performance.now() }, {capture: true, once: true});"
        "  window.drawn = new Promise((done) => { page.drawControls = (...words) => { draw(...words);"
        "    page.drawControls = draw; requestAnimationFrame(() => done(performance.now() - began)) } }) } 0"
    )
    tab.press(str(digit))
    return tab.run("window.drawn")


@pytest.mark.parametrize("width", WIDTHS)
def test_five_films_are_rated_by_search_and_the_list_follows_with_its_reasons(tab, demo, movies, width):
    opened(tab, demo, width)
    assert "Tell me what you like" in tab.run("document.querySelector('#message').textContent")
    took, shown = [], tab.run(LISTED)
    for movie, digit in zip(movies, (5, 4, 5, 4, 5), strict=False):
        took.append(rate_by_keys(tab, movie["title"], digit))
        before, shown = shown, tab.run(LISTED)
        assert shown != before
        assert movie["movie_id"] not in shown
    assert np.median(took) < 100
    assert tab.run(RATED) == {str(m["movie_id"]): d for m, d in zip(movies, (5, 4, 5, 4, 5), strict=False)}
    reasons = tab.run("[...document.querySelectorAll('.why')].map((one) => one.textContent)")
    names = [movie["title"] for movie in movies[:5]]
    assert all(text.startswith("Because you rated ") for text in reasons[:5])
    assert all(any(name in text for name in names) for text in reasons[:5])
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.activeElement.id") == "query"


def test_the_list_is_that_of_the_command_line(tab, demo, finished, movies):
    rated = list(zip(movies, (5, 4, 5, 2, 4), strict=False))
    fragment = "#" + "&".join(f"r{digit}={movie['movie_id']}" for movie, digit in rated[:1])
    opened(tab, demo, fragment=fragment)
    for movie, digit in rated[1:]:
        tab.run(f"marquee.page.rate(marquee.page.film('{movie['movie_id']}'), {digit})")
    words = [word for movie, digit in rated for word in ("--rate", f"#{movie['movie_id']}={digit}")]
    done = finished.call("python", "-m", "marquee", "recommend", "ease", *words, "--top", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert tab.run(LISTED) == [row["movie_id"] for row in json.loads(done.stdout)]


def dropped(tab, name, content):
    """Drop a file on the page, and wait for what it says of it."""
    data = base64.b64encode(content).decode()
    tab.run(
        f"{{ const bytes = Uint8Array.from(atob('{data}'), (one) => one.charCodeAt(0));"
        "  const files = new DataTransfer();"
        f"  files.items.add(new File([bytes], '{name}')); document.querySelector('#toast').replaceChildren();"
        "  const options = {dataTransfer: files, bubbles: true, cancelable: true};"
        "  document.body.dispatchEvent(new DragEvent('drop', options)) }"
    )
    return tab.run(
        f"new Promise((done) => {{ const look = () => {TOAST} ? done({TOAST})"
        " : setTimeout(look, 5); look() })"
    )


@pytest.mark.parametrize("kind", ["zip", "csv"])
def test_a_letterboxd_export_is_dropped_and_the_link_brings_it_back(tab, demo, movies, kind):
    rows = "".join(
        f'2024-01-01,"{m["title"]}",{m["year"]},https://x,{r}\n'
        for m, r in zip(movies, (5, 3.5, 4), strict=False)
    )
    ratings = f"Date,Name,Year,Letterboxd URI,Rating\n{rows}2024-01-01,No Such Film At All,1950,https://x,5\n"
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ratings.csv", ratings)
        watched = f'2024-01-02,"{movies[5]["title"]}",{movies[5]["year"]},https://x\n'
        archive.writestr("watched.csv", f"Date,Name,Year,Letterboxd URI\n{watched}")
    opened(tab, demo)
    said = dropped(tab, f"letterboxd.{kind}", content.getvalue() if kind == "zip" else ratings.encode())
    assert "3 of 4 rated films found" in said
    assert "No Such Film At All" in said
    rated = tab.run(RATED)
    assert rated == {
        str(m["movie_id"]): pytest.approx(r) for m, r in zip(movies, (5, 11 / 3, 37 / 9), strict=False)
    }
    listed = tab.run(LISTED)
    assert (movies[5]["movie_id"] in listed) == (kind == "csv")
    fragment = tab.run("location.hash")
    opened(tab, demo, 390, fragment=fragment)
    assert tab.run(LISTED) == listed
    assert tab.run(RATED) == pytest.approx(rated, abs=0.01)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "has the columns a, b"),
        (b"PK\x03\x04broken", "does not open"),
        (b"title,rating\nAlien,77\n", "off the scale"),
        (b"title,rating\nNo Such Film At All (1950),5\n", "None of the 1 films"),
    ],
)
def test_a_file_that_does_not_fit_is_explained_and_changes_nothing(tab, demo, content, words):
    opened(tab, demo)
    assert words in dropped(tab, "some.csv", content)
    assert tab.run(RATED) == {}


def test_undo_not_interested_filters_and_copying(tab, demo, movies):
    opened(tab, demo, fragment=f"#r5={movies[0]['movie_id']},{movies[1]['movie_id']}")
    first = tab.run(LISTED)
    tab.run("document.querySelector('#list .card').focus()")
    tab.press("x")
    tab.run(SETTLE)
    assert first[0] not in tab.run(LISTED)
    assert tab.run("document.activeElement === document.querySelector('#list .card')")
    tab.press("u")
    tab.run(SETTLE)
    assert tab.run(LISTED) == first
    tab.press("j")
    tab.press("5")
    tab.run(SETTLE)
    assert first[2] not in tab.run(LISTED)  # the focus stayed on the second film, so `j` went to the third
    tab.run("document.querySelector('#undo').click()")
    tab.run(SETTLE)
    assert tab.run(LISTED) == first
    tab.run("document.querySelector('#from').value = 2090; marquee.page.refresh()")
    assert "No film fits these filters" in tab.run("document.querySelector('#message').textContent")
    tab.run("document.querySelector('#message button').click()")
    tab.run(SETTLE)
    assert tab.run(LISTED) == first
    genre = tab.run("{ const box = document.querySelector('#genres input'); box.click(); box.value }")
    tab.run(SETTLE)
    assert tab.run(LISTED)
    assert tab.run(
        "[...document.querySelectorAll('#list .card')].every((card) => card.film.genres.includes("
        + json.dumps(genre)
        + "))"
    )
    tab.call("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    tab.run("marquee.page.copyList()")
    assert "titles copied" in tab.run(TOAST)


def test_only_disliked_films_are_explained(tab, demo, movies):
    opened(tab, demo, fragment=f"#r1={movies[0]['movie_id']}")
    assert "4 stars or more" in tab.run("document.querySelector('#message').textContent")


def test_a_misspelt_title_is_found_and_a_link_to_nothing_is_passed_over(tab, demo, movies):
    opened(tab, demo, fragment="#r5=999999&r99=1&hide=%ZZ&nonsense")
    assert tab.run(RATED) == {}
    word = max(movies[0]["title"].split(), key=len)
    spoilt = movies[0]["title"].replace(word, word[:2] + word[3:])
    assert movies[0]["movie_id"] in tab.run(
        f"marquee.page.search.find({json.dumps(spoilt)}, 6).map((item) => marquee.page.catalogue.ids[item])"
    )


def test_nothing_is_asked_of_a_network_and_the_policy_allows_none(tab, demo, movies):
    opened(tab, demo, fragment=f"#r5={movies[0]['movie_id']}")
    assert tab.run("performance.getEntriesByType('resource').length") == 0
    assert tab.run("fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"
    assert (
        tab.run(
            "new Promise((done) => { "
            "addEventListener('securitypolicyviolation', (one) => done(one.effectiveDirective));"
            "fetch('https://example.org/').catch(() => 0) })"
        )
        == "connect-src"
    )


def test_dark_and_light_are_switched_and_stay(tab, demo):
    ground = "getComputedStyle(document.body).backgroundColor"
    opened(tab, demo, dark=True)
    dark = tab.run(ground)
    tab.run("document.querySelector('#theme').click()")
    assert tab.run(ground) != dark
    assert tab.run("document.querySelector('#theme').getAttribute('aria-pressed')") == "false"
    tab.run("document.querySelector('#theme').click()")
    assert tab.run(ground) == dark
    tab.run("localStorage.clear()")


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: run `make axe`")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(tab, demo, movies, width, dark):
    states = {
        "nothing rated": "0",
        "filters and results": "document.querySelector('#filters').open = true;"
        "document.querySelector('#genres input').click();"
        "document.querySelector('#query').value = 'the'; marquee.page.find()",
        "nothing fits": "document.querySelector('#from').value = 2090; marquee.page.refresh()",
        "similar": "document.querySelector('#from').value = ''; marquee.page.refresh();"
        f"marquee.page.showSimilar(marquee.page.film('{movies[0]['movie_id']}'))",
        "keys": "document.querySelector('#similar').close(); document.querySelector('#keys').showModal()",
        "a message": "document.querySelector('#keys').close(); document.querySelector('#drop').open = true;"
        "marquee.page.say('No', true)",
    }
    for fragment in (
        "",
        f"#r5={movies[0]['movie_id']}&r4={movies[1]['movie_id']}&hide={movies[2]['movie_id']}",
    ):
        opened(tab, demo, width, dark, fragment)
        tab.run(f"{AXE.read_text('utf-8')}; 0")
        for name, act in states.items():
            tab.run(f"{{{act}}}; {SETTLE}")
            assert tab.run(VIOLATIONS) == [], name
