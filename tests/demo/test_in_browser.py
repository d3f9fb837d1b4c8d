"""The page's own code in Chromium: its lists, its titles and its exports equal those of the command line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

import marquee as mq
from marquee.demo import content, page
from marquee.movielens.schema import Dataset
from marquee.movielens.titles import split_title
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.exports import read_export
from marquee.serving.import_ratings import match_export
from marquee.serving.title_words import main_name, name_keys, names_of, segments
from marquee.serving.top_n import item_similarities, nearest_items
from tests.browser import EXECUTABLE, Page
from tests.demo import sample
from tests.serving.test_real_exports import IMDB, LETTERBOXD, as_written_elsewhere, imdb_row
from tests.serving.test_title_matching import FILED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on PATH"),
]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return mq.load("synthetic-100k").tables


def agreement(wanted: list[list[int]], found: list[list[int]]) -> tuple[float, float]:
    """Return the fraction of lists that are the same, and that of movies that are in both."""
    common = [len(set(one) & set(other)) / len(one) for one, other in zip(wanted, found, strict=True)]
    return float(np.mean([one == other for one, other in zip(wanted, found, strict=True)])), float(
        np.mean(common)
    )


def test_lists_of_ease_are_those_of_the_command_line(tab, data, tmp_path):
    model, counts = sample.fitted(data, "ease", {"regularization": 300.0})
    path = sample.written(tmp_path / "try.html", data, model, counts)
    asked = sample.users(data, 100)
    same, common = agreement(sample.lists(model, asked), sample.page_lists(tab, path, data, asked))
    assert same >= 0.9
    assert common >= 0.998
    assert path.stat().st_size < 2_000_000


def test_lists_of_ials_are_those_of_the_command_line_to_the_last_place(tab, data, tmp_path):
    model, counts = sample.fitted(data, "ials", {"dim": 32, "epochs": 4})
    path = sample.written(tmp_path / "try.html", data, model, counts)
    asked = sample.users(data, 100)
    assert sample.page_lists(tab, path, data, asked) == sample.lists(model, asked)


@pytest.mark.parametrize(("algorithm", "least"), [("ease", 0.95), ("ials", 1.0)])
def test_similar_movies_are_those_of_the_command_line(tab, data, tmp_path, algorithm, least):
    model, counts = sample.fitted(data, algorithm, {})
    path = sample.written(tmp_path / "try.html", data, model, counts)
    tab.show(path, 1200)
    tab.run(sample.READY)
    ids, common = data.movies["movie_id"].to_pylist(), []
    for item in np.random.default_rng(0).choice(np.flatnonzero(counts > 4), 30, replace=False):
        similar = item_similarities(model, int(item), algorithm)
        wanted, _ = nearest_items(similar, np.ones(len(ids), bool), int(item), 10)
        found = tab.run(f"marquee.page.engine.similar({ids[item]}, 10)")
        common.append(len({one["movie"] for one in found} & {ids[one] for one in wanted}) / 10)
    assert np.mean(common) >= least


def test_reasons_are_those_of_the_model_and_add_up(tab, data, tmp_path):
    for algorithm in ("ease", "ials"):
        model, counts = sample.fitted(data, algorithm, {})
        path = sample.written(tmp_path / "try.html", data, model, counts)
        tab.show(path, 1200)
        tab.run(sample.READY)
        items = np.argsort(-counts)[:3].astype(np.int32)
        audience = sample.top_n.new_user(model, items, np.full(3, 5.0), 4.0)
        ids = data.movies["movie_id"].to_pylist()
        rated = json.dumps([{"movie": ids[item], "rating": 5} for item in items])
        found = tab.run(f"marquee.page.engine.recommend({rated}, {{k: 5}})")
        for one in found:
            effects = model.explain(audience.history, np.array([ids.index(one["movie"])]))[:, 0]
            assert effects.sum() == pytest.approx(one["score"], abs=1e-3)
            wanted = {ids[i]: effect for i, effect in zip(audience.history.item, effects, strict=True)}
            whole = effects[effects > 0].sum()
            assert {why["movie"]: why["share"] for why in one["why"]} == pytest.approx(
                {movie: effect / whole for movie, effect in wanted.items() if effect > 0}, abs=0.01
            )


@pytest.mark.real
def test_the_page_of_a_million_ratings_stays_small_and_agrees(tab, movielens, tmp_path):
    data = mq.load("ml-1m", source=str(movielens / "ml-1m.zip")).tables
    model, counts = sample.fitted(data, "ease", {"regularization": 800.0})
    path = sample.written(tmp_path / "try.html", data, model, counts)
    assert path.stat().st_size < 2_000_000
    asked = sample.users(data, 100)
    _, common = agreement(sample.lists(model, asked), sample.page_lists(tab, path, data, asked))
    assert common >= 0.95


def catalogue_page(tab: Page, path: Any, movies: MovieCatalogue) -> None:
    """Show a page that knows `movies` and asks no model."""
    import pyarrow as pa

    table = pa.table(
        {
            "movie_id": list(movies.ids),
            "title": pa.array(movies.titles, pa.string()),
            "year": pa.array(movies.years, pa.int16()),
            "genres": pa.array(movies.genres, pa.list_(pa.string())),
        }
    )
    n = len(movies)
    known = content.page_data("x", sample.SCALE, sample.THRESHOLD, table, np.arange(n), np.arange(n))
    path.write_text(page.render({**known, "api": ""}, "Marquee"), "utf-8")
    tab.show(path, 1200)


@pytest.fixture(scope="module")
def films(request) -> MovieCatalogue:
    """Return movies with titles that are hard to compare, and those of real data where it is there."""
    import os
    from pathlib import Path

    from tests.serving.test_real_exports import catalogue

    listed = [split_title(filed) for filed in FILED]
    if folder := os.environ.get("MARQUEE_DATA"):
        listed += catalogue(Path(folder), "ml-1m")
    titles, years = zip(*listed, strict=True)
    return MovieCatalogue(range(len(listed)), titles, years, [[]] * len(listed))


def test_titles_are_reduced_to_the_same_words(tab, films, tmp_path):
    catalogue_page(tab, tmp_path / "try.html", films)
    names = list(dict.fromkeys(form for title in films.titles for form in as_written_elsewhere(title)))
    names += [
        "Catch Twenty-Two: Theatre Colour",
        "One Hundred and One",
        "History, Part I",
        "!!!",
        "",
        "Été &amp; Œuvre",
    ]
    found = tab.run(
        f"(() => {{ const rules = new TitleWords(JSON.parse(part('data').textContent).words);"
        f"return {json.dumps(names)}.map((name) => {{ const {{words, cuts, content}} = rules.segments(name);"
        "return [rules.keys(name), rules.split(name), rules.names(name), rules.mainName(name), words,"
        " [...cuts], content]})})()"
    )
    for name, (keys, split, parts, main, words, cuts, size) in zip(names, found, strict=True):
        known = segments(name)
        assert tuple(keys) == name_keys(name), name
        assert tuple(split) == split_title(name), name
        assert (parts, main) == (names_of(name), main_name(name)), name
        assert (tuple(words), set(cuts), size) == (known.words, known.cuts, known.content), name


def exported(header: list[str], rows: list[list[Any]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([header, *rows])
    return file.getvalue()


@pytest.mark.parametrize("site", ["letterboxd", "imdb", "own"])
def test_an_export_is_matched_as_the_command_line_does(tab, films, tmp_path, site):
    rows, rng = [], np.random.default_rng(1)
    for number, (title, year) in enumerate(zip(films.titles, films.years, strict=True)):
        forms = list(dict.fromkeys(as_written_elsewhere(title)))
        form = forms[rng.integers(len(forms))]
        year = year + int(rng.integers(-1, 2)) if number % 3 == 0 else year
        day = f"2024-0{1 + number % 9}-11"
        rows.append(
            {
                "letterboxd": [day, form, year, "u", rng.integers(1, 11) / 2],
                "imdb": imdb_row(form, title, year, "Movie" if number % 7 else "TV Series"),
                "own": [f"{form} ({year})", 1 + number % 5],
            }[site]
        )
    text = exported({"letterboxd": LETTERBOXD, "imdb": IMDB, "own": ["title", "rating"]}[site], rows)
    (tmp_path / "export.csv").write_text(text, "utf-8")
    wanted = match_export(
        read_export(tmp_path / "export.csv", sample.SCALE), films, lambda: np.arange(len(films))
    )
    assert len(wanted.pairs) > len(rows) / 2
    catalogue_page(tab, tmp_path / "try.html", films)
    found = tab.run(
        "(() => { const data = JSON.parse(part('data').textContent), rules = new TitleWords(data.words);"
        "const reader = new ExportReader(data.exports, rules, data.scale);"
        f"const rows = reader.read([{{name: 'export.csv', text: {json.dumps(text)}, likes: false}}]);"
        "return new ExportMatcher(new Catalogue(data), rules).match(rows)})()"
    )
    assert [(item, pytest.approx(rating)) for item, rating in wanted.pairs] == [
        tuple(one) for one in found["pairs"]
    ]
    assert found["others"] == len(wanted.left_out["no movie"])
