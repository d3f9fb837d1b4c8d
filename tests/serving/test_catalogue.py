from __future__ import annotations

import pytest

from marquee.errors import MarqueeError
from marquee.serving.catalogue import MovieCatalogue, MovieFilter

MOVIES = MovieCatalogue(
    ids=[1, 2, 3, 4, 5],
    titles=["Alien", "unknown", None, "Airplane!", "Alien"],
    years=[1979, None, 1990, 1980, 1979],
    genres=[["Horror", "Sci-Fi"], [], ["Sci-Fi"], ["Comedy", "Sci-Fi"], ["Horror"]],
)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (MovieFilter(), [0, 1, 2, 3, 4]),
        (MovieFilter(genres=("scifi",)), [0, 2, 3]),
        (MovieFilter(genres=("Sci-Fi", "HORROR")), [0]),
        (MovieFilter(year_from=1980), [2, 3]),
        (MovieFilter(year_to=1979), [0, 4]),
        (MovieFilter(year_from=1979, year_to=1980), [0, 3, 4]),
        (MovieFilter(exclude_unknown=True), [0, 3, 4]),
        (MovieFilter(genres=("sci fi",), exclude_unknown=True), [0, 3]),
    ],
)
def test_what_may_be_recommended(wanted, kept):
    assert MOVIES.keep(wanted).nonzero()[0].tolist() == kept


def test_an_unknown_genre_names_the_nearest():
    with pytest.raises(MarqueeError, match=r"'Scifii' .*; did you mean 'Sci-Fi'"):
        MOVIES.keep(MovieFilter(genres=("Scifii",)))


def test_filters_that_leave_nothing_say_so():
    with pytest.raises(MarqueeError, match="none of 5 movies"):
        MOVIES.keep(MovieFilter(year_from=2050))


def test_movies_of_one_name_are_told_apart_by_id():
    with pytest.raises(
        MarqueeError, match=r"fits 2 movies: Alien \(1979\) = #1; Alien \(1979\) = #5; say which"
    ):
        MOVIES.find_one("alien", MOVIES.search())
    assert MOVIES.find_one("#5", MOVIES.search()) == 4


def test_a_movie_without_a_title_goes_by_its_id():
    assert [MOVIES.name(item) for item in range(4)] == ["Alien (1979)", "unknown", "#3", "Airplane! (1980)"]


def test_many_fitting_titles_stay_one_line():
    many = MovieCatalogue(list(range(20)), [f"Part {i}" for i in range(20)], [None] * 20, [[]] * 20)
    with pytest.raises(MarqueeError, match=r"fits 20 movies: .*; and 14 more; say which one") as caught:
        many.find_one("part", many.search())
    assert "\n" not in str(caught.value)
