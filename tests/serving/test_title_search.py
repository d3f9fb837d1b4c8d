from __future__ import annotations

import pytest

from marquee.movielens.titles import split_title
from marquee.serving.title_search import TitleSearch
from marquee.serving.title_words import bare, plain

FILED = [
    "Heat (1995)",
    "Heat (1972)",
    "Toy Story (1995)",
    "Toy Story 2 (1999)",
    "Matrix, The (1999)",
    "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
    "Godfather, The (1972)",
    "Godfather: Part II, The (1974)",
    "Professional, The (a.k.a. Leon: The Professional) (1994)",
    "M*A*S*H (1970)",
    "Star Wars: Episode IV - A New Hope (1977)",
    "Jurassic Park (1993)",
    "Lost World: Jurassic Park, The (1997)",
    "Shawshank Redemption, The (1994)",
    "Die Hard (1988)",
    "Hard (1998)",
    "2001: A Space Odyssey (1968)",
    "Avventura, L' (1960)",
]
SPLIT = [split_title(filed) for filed in FILED]
SEARCH = TitleSearch([title for title, _ in SPLIT], [year for _, year in SPLIT])


def found(wanted: str) -> list[str]:
    return [FILED[item] for item in SEARCH.find(wanted)]


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("Toy Story (1995)", "Toy Story (1995)"),
        ("TOY STORY", "Toy Story (1995)"),
        ("toy  story!", "Toy Story (1995)"),
        ("toystory", "Toy Story (1995)"),
        ("the matrix", "Matrix, The (1999)"),
        ("Matrix, The (1999)", "Matrix, The (1999)"),
        ("matrix, the", "Matrix, The (1999)"),
        ("matrix", "Matrix, The (1999)"),
        ("A Matrix", "Matrix, The (1999)"),
        ("amelie", FILED[5]),
        ("AMÉLIE", FILED[5]),
        ("le fabuleux destin d'amelie poulain", FILED[5]),
        ("godfather", "Godfather, The (1972)"),
        ("teh godfather", "Godfather, The (1972)"),
        ("godfather part ii", "Godfather: Part II, The (1974)"),
        ("leon the professional", FILED[8]),
        ("mash", "M*A*S*H (1970)"),
        ("a new hope", FILED[10]),
        ("starwars", FILED[10]),
        ("hope star wars", FILED[10]),
        ("jurasic park", "Jurassic Park (1993)"),
        ("shawshenk", "Shawshank Redemption, The (1994)"),
        ("shawshank redmption", "Shawshank Redemption, The (1994)"),
        ("heat (1995)", "Heat (1995)"),
        ("heat 1972", "Heat (1972)"),
        ("2001", "2001: A Space Odyssey (1968)"),
        ("l'avventura", "Avventura, L' (1960)"),
        ("avventura", "Avventura, L' (1960)"),
    ],
)
def test_a_movie_is_found_by_what_users_call_it(wanted, title):
    assert found(wanted) == [title]


def test_a_name_with_its_article_comes_before_one_that_only_looks_like_it_without():
    assert found("die hard") == ["Die Hard (1988)"]
    assert found("hard") == ["Hard (1998)"]


def test_all_that_fit_are_given_back():
    assert found("heat") == ["Heat (1995)", "Heat (1972)"]
    assert found("park jurassic") == ["Jurassic Park (1993)", "Lost World: Jurassic Park, The (1997)"]


def test_a_year_that_is_one_off_is_forgiven_unless_another_movie_has_it():
    assert found("toy story (1996)") == ["Toy Story (1995)"]
    assert found("heat (1973)") == ["Heat (1972)"]
    assert found("heat (1980)") == []


@pytest.mark.parametrize("wanted", ["xyzzy", "", "()", "*", "heat of the night", "leno"])
def test_what_nothing_fits_finds_nothing(wanted):
    assert found(wanted) == []


def test_the_nearest_titles_are_suggested():
    assert FILED[SEARCH.closest("godfathers (1972)")[0]] == "Godfather, The (1972)"
    assert SEARCH.closest("xyzzyxyzzy") == []


def test_an_exact_search_forgives_no_slip_and_takes_no_part():
    assert SEARCH.exact("Matrix", 1999) == [4]
    assert SEARCH.exact("The Matrix", 1998) == [4]
    assert SEARCH.exact("Matrx") == []
    assert SEARCH.exact("Redemption") == []


def test_a_catalogue_may_lack_titles_and_years():
    search = TitleSearch([None, "Heat", None], [None, None, 1995])
    assert search.find("heat") == [1]
    assert search.find("heat (1995)") == [1], "a year only tells apart what has one"


def test_plain_words():
    assert plain("  Wallace & Gromit: The Wrong Trousers! ") == "wallace and gromit the wrong trousers"
    assert plain("Señorita Œuvre Straße Ødegård") == "senorita oeuvre strasse odegard"
    assert bare("The Wrong Trousers") == "wrong trousers"
    assert bare("Them") == "them"
