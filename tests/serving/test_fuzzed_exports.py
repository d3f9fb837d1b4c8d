"""Mutated exports and ratings: taken or refused in one line, never a traceback."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.movielens.schema import Scale
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.exports import read_export
from marquee.serving.import_ratings import match, match_export, rate, write_unmatched
from tests.cli.small_project import FILMS

TITLES = [title.rpartition(" (")[0] for title in FILMS]
MOVIES = MovieCatalogue(
    list(range(1, len(FILMS) + 1)), TITLES, [int(title[-5:-1]) for title in FILMS], [[]] * len(FILMS)
)
EXPORTS = [
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year\n"
    "tt0113277,9,2024-01-02,Heat,Heat,u,Movie,8,1995\ntt2,7,2024-01-03,Fargo,Fargo,u,TV Episode,8,1996\n",
    "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n,Heat,1995,u,4.5,Yes,,2024-05-01\n"
    '2024-05-01,"Star Wars",1977,u,0,,"a\nb",2024-05-01\n',
    "TMDb ID,IMDb ID,Type,Name,Release Date,Rating,Your Rating,Date Rated\n"
    "1,tt1,movie,Heat,1995-12-15,5.0,9,2024-01-01\n",
    "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n6,0113277,949,3.5,3.8512,Heat (1995)\n",
    "movieId;rating;timestamp\n1;4,5;964982703\n2;1;\n",
    'title,rating\nAmélie (2001),5\n"Matrix, The (1999)",4\n',
]
PIECES = [
    *(
        '"',
        ",",
        ";",
        "\n",
        "\r",
        "\t",
        "\x00",
        "\x1a",
        "\ufeff",
        "\u2028",
        "²",
        "½",
        "١",
        "(",
        ")",
        "#",
        "=",
        "'",
    ),
    *(
        "nan",
        "inf",
        "1e999",
        "-1",
        "9" * 400,
        "0x1F",
        "1_0",
        "tt",
        "İ",
        "ß",
        "\U0001f600",
        "\ud7ff",
        "a.k.a. ",
    ),
    *("XXXVIIII", "hundred", "and", "part", " - ", ":", "The, The", "(1995)", "99999-99-99", "é" * 300),
]


def mutated(chance: random.Random) -> bytes:
    text = chance.choice(EXPORTS)
    for _ in range(chance.randrange(1, 6)):
        at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        way = chance.randrange(4)
        piece = chance.choice(PIECES)
        if way == 0:
            text = text[:at] + piece + text[at:]
        elif way == 1:
            text = text[:at] + text[min(end, at + 20) :]
        elif way == 2:
            text = text[:at] + text[at:end] * 2 + text[end:]
        else:
            text = text[:at] + piece + text[at + len(piece) :]
    content = text.encode(
        chance.choice(["utf-8", "utf-8", "utf-16", "utf-16-be", "cp1252", "utf-32"]), "replace"
    )
    if chance.random() < 0.3:
        at = chance.randrange(len(content) + 1)
        content = content[:at] + bytes([chance.randrange(256)]) + content[at + chance.randrange(2) :]
    if chance.random() < 0.15:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in chance.sample(
                ["ratings.csv", "watched.csv", "likes/films.csv", "x.csv", "diary.csv"], 2
            ):
                archive.writestr(name, content)
        content = buffer.getvalue()
        if chance.random() < 0.5:
            at = chance.randrange(len(content))
            content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    return content


def refusal(call: Callable[[], None]) -> str | None:
    try:
        call()
    except MarqueeError as error:
        return str(error)
    return None


def read(path: Path, chance: random.Random) -> None:
    export = read_export(path, Scale(1, 5, 1) if chance.random() < 0.8 else None)
    found = match_export(export, MOVIES, lambda: np.ones(len(MOVIES)))
    watched = match(export.unrated, MOVIES, lambda: np.ones(len(MOVIES)))
    assert all(1 <= rating <= 5 for _, rating in found.pairs)
    assert all(len(note.splitlines()) == 1 for note in [*found.notes("x"), *watched.notes("x")])
    write_unmatched(path.with_suffix(".left.csv"), [found, watched])


def give(chance: random.Random) -> None:
    words = [*chance.sample(TITLES, 1), *chance.choices(PIECES, k=chance.randrange(3))]
    title, rating = " ".join(chance.sample(words, len(words))), chance.choice([*PIECES, "5", "4", "1"])
    rate([(title[: chance.randrange(1, 60)], rating)], MOVIES, Scale(1, 5, 1))


@pytest.mark.parametrize("n", [200, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_mutated_export_is_taken_or_refused_in_one_line(tmp_path, n):
    said = []
    for seed in range(n):
        chance = random.Random(f"export {seed}")
        (tmp_path / "mine.csv").write_bytes(mutated(chance))
        said.append(refusal(lambda chance=chance: read(tmp_path / "mine.csv", chance)))
    refused = [line for line in said if line is not None]
    assert [line for line in refused if len(line.splitlines()) != 1] == []
    assert 0.05 * n < len(refused) < 0.9 * n


@pytest.mark.parametrize("n", [100, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_mutated_rating_is_taken_or_refused_in_one_line(n):
    said = [refusal(lambda seed=seed: give(random.Random(f"rate {seed}"))) for seed in range(n)]
    refused = [line for line in said if line is not None]
    assert [line for line in refused if len(line.splitlines()) != 1] == []
    assert 0.1 * n < len(refused) < 0.99 * n
