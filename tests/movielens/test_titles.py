import pytest

from marquee.movielens.titles import split_title


@pytest.mark.parametrize(
    ("filed", "title", "year"),
    [
        ("Glass Orchard (1994)", "Glass Orchard", 1994),
        ("Orchard, The (1994)", "The Orchard", 1994),
        ("Orchard of Glass, An (1994)", "An Orchard of Glass", 1994),
        ("Verger, Le (1994)", "Le Verger", 1994),
        ("Orchard, The (Uomo del frutteto, L') (1995)", "The Orchard (L'Uomo del frutteto)", 1995),
        ("Orchard, The (a.k.a. Grove, The) (1995)", "The Orchard (a.k.a. The Grove)", 1995),
        ("Apple, Pear and Plum, The (1961)", "The Apple, Pear and Plum", 1961),
    ],
)
def test_an_article_behind_a_comma_returns_to_the_front(filed, title, year):
    assert split_title(filed) == (title, year)


@pytest.mark.parametrize(
    ("filed", "title", "year"),
    [
        ("Orchard", "Orchard", None),
        ("unknown", "unknown", None),
        ("1999: An Orchard", "1999: An Orchard", None),
        ("Orchard (1994) ", "Orchard", 1994),
        ("Orchard (1994) (V)", "Orchard", 1994),
        ("Orchard (1975-1979)", "Orchard", 1975),
        ("Orchard (2009– )", "Orchard", 2009),
        ("Orchard (1950) Returns (1994)", "Orchard (1950) Returns", 1994),
        ("(1994)", "(1994)", 1994),
    ],
)
def test_the_year_is_the_one_in_brackets_at_the_end(filed, title, year):
    assert split_title(filed) == (title, year)


@pytest.mark.parametrize(
    "title", ["Texas, Paris", "Cry, the Orchard", "Plum, Pear, Apple", "Sleep (La Nuit)"]
)
def test_a_comma_without_an_article_stays_as_it_is(title):
    assert split_title(f"{title} (1994)") == (title, 1994)


def test_blanks_are_tidied():
    assert split_title("White  Orchard (Verger blanc ) (1995)") == ("White Orchard (Verger blanc)", 1995)
