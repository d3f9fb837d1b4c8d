"""Real catalogues: exports with every way in which another site writes their titles, and films they lack."""

from __future__ import annotations

import csv
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from marquee.movielens.schema import Scale
from marquee.movielens.titles import split_title
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.exports import read_export
from marquee.serving.import_ratings import match_export
from marquee.serving.title_words import main_name, name_keys, names_of

pytestmark = pytest.mark.real
VALUES, WORDS = "2 3 4 5 6 7 8 9 10 12", "two three four five six seven eight nine ten twelve"
DIGITS = dict(zip(VALUES.split(), WORDS.split(), strict=True))
NUMERALS = "II III IV V VI VII VIII"
ROMAN = dict(zip(VALUES.split(), NUMERALS.split(), strict=False))
LETTERBOXD = ["Date", "Name", "Year", "Letterboxd URI", "Rating"]
IMDB = ["Const", "Your Rating", "Date Rated", "Title", "Original Title", "URL", "Title Type", "Year"]
# One film under two titles in the release's own list.
TWICE = re.compile("Bewegte Mann|Callejón de los milagros")


def catalogue(movielens: Path, name: str) -> list[tuple[str, int | None]]:
    file, separator, place = {"ml-100k": ("u.item", "|", 1), "ml-1m": ("movies.dat", "::", 1)}[name]
    with zipfile.ZipFile(movielens / f"{name}.zip") as archive:
        lines = archive.read(f"{name}/{file}").decode("latin-1").splitlines()
    return [split_title(line.split(separator)[place]) for line in lines]


def swapped(title: str, table: dict[str, str]) -> str:
    return re.sub(r"\b[0-9A-Za-z]+\b", lambda word: table.get(word[0], word[0]), title)


def as_written_elsewhere(title: str) -> Iterator[str]:
    """The title in the forms in which other sites have it."""
    main = main_name(title)
    yield main
    yield from names_of(title)[2:]
    yield swapped(main, DIGITS)
    yield swapped(main, {numeral: digit for digit, numeral in ROMAN.items()})
    yield swapped(main, ROMAN)
    yield re.sub(r":? Part (\w+)", r" \1", main)
    yield re.sub(r":? (II|III|IV)\b", r": Part \1", main) if "Part" not in main else main
    yield main.replace("Color", "Colour").replace("Gray", "Grey").replace("Theater", "Theatre")
    yield main.replace(" and ", " & ") if " and " in main else main.replace(" & ", " and ")
    yield re.sub(r"Episode [IVX]+ - ", "", main)
    yield re.sub(r"^(The|A|An) (.*)$", r"\2, \1", main)
    yield main.upper()
    yield main.replace(": ", " - ")
    yield main.replace("'", "’").replace("-", " ")


def imdb_row(title: str, original: str, year: int, kind: str = "Movie") -> list[object]:
    return ["tt1", 7, "2024-01-01", title, original, "u", kind, year]


@pytest.fixture(params=["ml-100k", "ml-1m"])
def films(
    movielens, request
) -> tuple[list[tuple[str, int | None]], MovieCatalogue, Callable[[], np.ndarray]]:
    listed = catalogue(movielens, request.param)
    titles, years = zip(*listed, strict=True)
    movies = MovieCatalogue(range(len(listed)), titles, years, [[]] * len(listed))
    return listed, movies, lambda: np.arange(len(listed))


def read(tmp_path: Path, header: list[str], rows: list[list[object]]) -> Callable:
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return lambda movies, counts: match_export(read_export(path, Scale(1, 5, 1)), movies, counts)


def same(movies: MovieCatalogue, one: int, other: int) -> bool:
    """Whether two items are one film, listed twice."""
    names = [{name_keys(name)[1] for name in names_of(movies.titles[item])} for item in (one, other)]
    return movies.years[one] == movies.years[other] and bool(names[0] & names[1])


def report(name: str, found, movies: MovieCatalogue, truth: list[int]) -> tuple[float, list[str]]:
    """The fraction of rows that matched, and those that matched another movie; line 2 is row 0."""
    wrong = [
        f"{row.name} -> {movies.name(item)}"
        for row, item in zip(found.rows, found.items, strict=True)
        if truth[row.line - 2] < 0 or not same(movies, item, truth[row.line - 2])
    ]
    known = sum(item >= 0 for item in truth)
    absent = len(truth) - known
    rate = (len(found.rows) - len(wrong)) / known if known else 0.0
    print(
        f"{name}: {len(found.rows):,} of {known:,} rows of the catalogue matched ({rate:.4f}), "
        f"{len(wrong)} wrong, {absent:,} rows of films that it lacks"
    )
    return rate, wrong


def test_titles_as_other_sites_write_them(films, tmp_path):
    listed, movies, counts = films
    rows, truth = [], []
    for item, (title, year) in enumerate(listed):
        if year is not None:
            for form in dict.fromkeys(as_written_elsewhere(title)):
                rows.append(["2024-01-01", form, year, "u", 4.5])
                truth.append(item)
    found = read(tmp_path, LETTERBOXD, rows)(movies, counts)
    rate, wrong = report("Letterboxd", found, movies, truth)
    assert wrong == []
    assert rate >= 0.97


def test_a_year_off_by_one_or_a_part_of_the_title(films, tmp_path):
    """A part is what comes before a colon or a dash, of two words or more, and no other movie's title."""
    listed, movies, counts = films
    wholes = {main_name(title) for title, _ in listed}
    for name in ("year", "part"):
        rows, truth = [], []
        for item, (title, year) in enumerate(listed):
            main = main_name(title)
            part = re.split(": | - ", main)[0]
            if year is None or (name == "part" and (part in wholes or " " not in part)):
                continue
            rows.append(["", part if name == "part" else main, year + (name == "year"), "u", 4.5])
            truth.append(item)
        found = read(tmp_path, LETTERBOXD, rows)(movies, counts)
        rate, wrong = report(name, found, movies, truth)
        assert [line for line in wrong if not TWICE.search(line)] == []
        assert rate >= (0.97 if name == "year" else 0.8)


def test_translated_titles_with_the_original_beside_episodes_and_namesakes(films, tmp_path):
    """Half of the rows have a made-up translation; a fifth is an episode or a game of a movie's name."""
    listed, movies, counts = films
    chance, rows, truth = random.Random(0), [], []
    for item, (title, year) in enumerate(listed):
        if year is None:
            continue
        original = chance.choice(list(as_written_elsewhere(title)))
        translated = f"Il titolo {item}" if chance.random() < 0.5 else main_name(title)
        rows.append(imdb_row(translated, original, year))
        truth.append(item)
        if chance.random() < 0.2:
            kind = chance.choice(["TV Episode", "TV Series", "TV Mini Series", "Video Game"])
            rows.append(imdb_row(main_name(title), main_name(title), year, kind))
            truth.append(-1)
    found = read(tmp_path, IMDB, rows)(movies, counts)
    rate, wrong = report("IMDb", found, movies, truth)
    assert wrong == []
    assert rate >= 0.97
    assert len(found.left_out["no movie"]) == truth.count(-1)


def test_a_film_that_is_not_in_the_catalogue_matches_no_other(films, tmp_path):
    """Half of the films are taken out of the catalogue, and all of them are in the export."""
    listed, _, _ = films
    chance = random.Random(1)
    twins: dict[tuple[str, int | None], bool] = {}
    kept = [
        item
        for item, (title, year) in enumerate(listed)
        if twins.setdefault((name_keys(title)[1], year), chance.random() < 0.5)
    ]
    movies = MovieCatalogue(
        kept, [listed[i][0] for i in kept], [listed[i][1] for i in kept], [[]] * len(kept)
    )
    place = {item: at for at, item in enumerate(kept)}
    rows, truth = [], []
    for item, (title, year) in enumerate(listed):
        if year is not None:
            for form in dict.fromkeys([title, *as_written_elsewhere(title)]):
                rows.append(["2024-01-01", form, year, "u", 4.5])
                truth.append(place.get(item, -1))
    found = read(tmp_path, LETTERBOXD, rows)(movies, lambda: np.arange(len(kept)))
    _, wrong = report("half of the catalogue", found, movies, truth)
    assert [line for line in wrong if not TWICE.search(line)] == []
