"""Complete titles: what is found, and what must not be."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.movielens.titles import split_title
from marquee.serving.title_matching import TitleMatcher
from marquee.serving.title_words import canonical, name_keys

FILED = [
    "Matrix, The (1999)",
    "Die Hard (1988)",
    "Star Wars: Episode IV - A New Hope (1977)",
    "Star Wars: Episode V - The Empire Strikes Back (1980)",
    "Godfather: Part II, The (1974)",
    "Mission: Impossible 2 (2000)",
    "Three Colors: Red (1994)",
    "101 Dalmatians (1961)",
    "William Shakespeare's Romeo and Juliet (1996)",
    "Interview with the Vampire (1994)",
    "Star Trek: The Wrath of Khan (1982)",
    "Professional, The (a.k.a. Leon: The Professional) (1994)",
    "Hard 8 (a.k.a. Sydney, a.k.a. Hard Eight) (1996)",
    "Naked Gun 2 1/2: The Smell of Fear, The (1991)",
    "Dead Man Walking (1995)",
    "Fear, The (1995)",
    "Chasing Amy (1997)",
    "Chasing Amy (1997)",
    "Promise, The (Versprechen, Das) (1994)",
    "Promise, The (Promesse, La) (1996)",
    "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1963)",
    "Beverly Hills Cop III (1994)",
    "Blechtrommel, Die (1979)",
    "Alien³ (1992)",
    "$ (1971)",
    "Seven (Se7en) (1995)",
    "Lost World: Jurassic Park, The (1997)",
    "Jurassic Park (1993)",
]
SPLIT = [split_title(filed) for filed in FILED]
COUNTS = np.arange(len(FILED))
MATCHER = TitleMatcher([title for title, _ in SPLIT], [year for _, year in SPLIT], lambda: COUNTS)


@pytest.mark.parametrize(
    ("title", "year", "filed"),
    [
        ("The Matrix", 1999, 0),
        ("matrix, the", 1999, 0),
        ("Matrix", 1999, 0),
        ("The Matrix", 1998, 0),
        ("Star Wars", 1977, 2),
        ("Star Wars: A New Hope", 1977, 2),
        ("The Empire Strikes Back", 1980, 3),
        ("Star Wars Episode 5: The Empire Strikes Back", 1980, 3),
        ("The Godfather Part Two", 1974, 4),
        ("The Godfather 2", 1974, 4),
        ("Mission: Impossible II", 2000, 5),
        ("Three Colours: Red", 1994, 6),
        ("One Hundred and One Dalmatians", 1961, 7),
        ("Romeo + Juliet", 1996, 8),
        ("Interview with the Vampire: The Vampire Chronicles", 1994, 9),
        ("Star Trek II: The Wrath of Khan", 1982, 10),
        ("Léon: The Professional", 1994, 11),
        ("Léon", 1994, 11),
        ("Sydney", 1996, 12),
        ("Hard Eight", 1996, 12),
        ("The Naked Gun 2½: The Smell of Fear", 1991, 13),
        ("Chasing Amy", 1997, 17),
        ("La promesse", 1996, 19),
        ("Doctor Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964, 20),
        ("Die Blechtrommel", 1979, 22),
        ("Alien 3", 1992, 23),
        ("$", 1971, 24),
        ("Se7en", 1995, 25),
    ],
)
def test_a_movie_is_found_as_other_catalogues_write_it(title, year, filed):
    assert MATCHER.match([title], year) == [filed]


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Hard", 1988),
        ("Hard", 1989),
        ("The Matrix", 2003),
        ("Dead Man", 1995),
        ("Fear", 1995),
        ("The Godfather", 1974),
        ("Godfather Part III", 1974),
        ("Beverly Hills Cop", 1994),
        ("Beverly Hills Cop II", 1994),
        ("Jurassic Park", 1997),
        ("Vampire", 1994),
        ("Mission", 2000),
        ("!!!", 1971),
        ("", 1999),
        ("The", 1999),
        ("Star Trek III: The Wrath of Someone Else", 1982),
    ],
)
def test_another_movie_is_not_taken_for_it(title, year):
    assert MATCHER.match([title], year) == []


def test_what_fits_two_movies_is_left_open():
    assert MATCHER.match(["The Promise"], 1995) == [18, 19]
    assert MATCHER.match(["The Promise"], None) == [18, 19]
    assert MATCHER.match(["The Promise"], 1994) == [18]


def test_a_translated_title_counts_if_the_year_is_exact_and_the_original_comes_first():
    assert MATCHER.match(["The Matrix", "Die Hard"], 1999) == [0]
    assert MATCHER.match(["Das Versprechen", "La promessa"], 1994) == [18]
    assert MATCHER.match(["Unknown Original", "The Matrix"], 1999) == [0]
    assert MATCHER.match(["Unknown Original", "The Matrix"], 1998) == []


def test_numbers_and_spellings_are_one():
    assert canonical("Rocky II") == canonical("Rocky Part Two") == ["rocky", "2"]
    assert canonical("Twenty Four 7") == ["24", "7"]
    assert canonical("20,000 Leagues") == canonical("Twenty Thousand Leagues") == ["20000", "leagues"]
    assert canonical("The Thirteenth Floor") == canonical("The 13th Floor")
    assert canonical("I Shot Him") == ["i", "shot", "him"]
    assert canonical("History, Part I") == ["history", "1"]
    assert name_keys("2 1") != name_keys("21")
    assert canonical("Catch Twenty-Two: Theatre Colour") == ["catch", "22", "theater", "color"]
