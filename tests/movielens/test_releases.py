"""The table of releases is complete and says what is needed to find, verify and read each."""

from __future__ import annotations

import re

import pytest

from marquee.errors import MarqueeError
from marquee.movielens.parsers import LAYOUTS
from marquee.movielens.releases import RELEASES, release
from marquee.movielens.verify import RATINGS

OFFICIAL = [one for one in RELEASES.values() if one.url]


def test_every_release_is_there():
    assert list(RELEASES) == [
        *("synthetic-100k", "ml-latest-small", "ml-100k", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m"),
        *("ncf-ml-1m", "sasrec-ml-1m", "custom"),
    ]


@pytest.mark.parametrize("one", RELEASES.values(), ids=RELEASES)
def test_a_release_can_be_read_and_its_licence_is_one_line(one):
    assert release(one.name) is one
    assert one.layout in {*LAYOUTS, "custom"}
    assert one.licence
    assert "\n" not in one.licence
    if one.layout != "custom":
        assert set(RATINGS[one.layout][0]) <= set(one.files)


@pytest.mark.parametrize("one", OFFICIAL, ids=lambda one: one.name)
def test_an_official_release_can_be_verified(one):
    assert one.url == f"https://files.grouplens.org/datasets/movielens/{one.name}.zip"
    assert one.size > 900_000
    if one.name == "ml-latest-small":
        assert (one.md5, one.counts) == (None, None)  # it changes over time
    else:
        assert re.fullmatch("[0-9a-f]{32}", one.md5)
        ratings, users, movies = one.counts
        assert ratings > users > 0 < movies


def test_no_two_releases_share_an_md5_or_a_size():
    known = [(one.md5, one.size) for one in OFFICIAL if one.md5]
    assert all(len(set(column)) == len(known) == 6 for column in zip(*known, strict=True))


def test_an_unknown_release_is_answered_with_the_nearest():
    with pytest.raises(MarqueeError) as caught:
        release("ml-1M")
    assert str(caught.value) == (
        "dataset.name is 'ml-1M', which is no release; did you mean 'ml-1m'? (known: custom, ml-100k, "
        "ml-10m, ml-1m, ml-20m, ml-25m, ml-32m, ml-latest-small, ncf-ml-1m, sasrec-ml-1m, synthetic-100k)"
    )
