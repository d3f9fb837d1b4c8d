"""The store of what visitors rate."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from marquee.errors import MarqueeError
from marquee.movielens.feedback import to_table
from marquee.server import feedback
from marquee.server.feedback import Feedback, hashed, new_token


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = Feedback("sqlite:///data/feedback/feedback.sqlite")
    yield opened
    opened.close()


def row(movie: int, rating: float | None, title: str = "Heat (1995)") -> dict:
    return {"movie": str(movie), "title": title, "rating": rating, "position": None}


def test_the_last_rating_of_a_movie_counts_and_one_taken_back_does_not(store):
    one, two = new_token(), new_token()
    store.add(one, "custom", "ease", [row(1, 5), row(2, 3)])
    store.add(two, "custom", None, [row(1, 1)])
    store.add(one, "custom", None, [row(1, 2)])
    store.add(one, "custom", None, [row(2, None)])
    found = [(one["visitor"], one["movie"], one["rating"]) for one in store.latest()]
    assert sorted(found) == sorted([(hashed(one), "1", 2), (hashed(two), "1", 1)])
    assert len(store.of(one)) == 4
    assert to_table(store.latest()).num_rows == 2


def test_each_commit_is_synced_and_the_write_ahead_log_is_on(store):
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_what_a_visitor_deletes_is_gone_from_the_files(store):
    token, other = new_token(), new_token()
    store.add(other, "custom", None, [row(1, 5, "Another (1999)")])
    store.add(token, "custom", None, [row(number, 5, "Unforgettable (2001)") for number in range(100)])
    files = list(Path("data/feedback").glob("feedback.sqlite*"))
    assert any(b"Unforgettable" in path.read_bytes() for path in files)
    assert store.forget(token) == 100
    assert not any(b"Unforgettable" in path.read_bytes() for path in files if path.exists())
    assert (store.of(token), len(store.of(other))) == ([], 1)


def test_a_visitor_may_give_so_many_ratings_and_no_more(store, monkeypatch):
    monkeypatch.setattr(feedback, "MOST", 3)
    token = new_token()
    store.add(token, "custom", None, [row(1, 5), row(2, 5)])
    with pytest.raises(MarqueeError, match="3 ratings"):
        store.add(token, "custom", None, [row(3, 5), row(4, 5)])
    assert len(store.of(token)) == 2


def test_tokens_are_long_and_differ():
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert min(map(len, made)) == 43  # 256 bits


def test_a_database_without_its_driver_says_what_to_install():
    with pytest.raises(MarqueeError, match="run `pip install 'psycopg2'`"):
        Feedback("postgresql+psycopg2://localhost/marquee")


def test_a_driver_that_misses_its_library_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "psycopg.py").write_text("raise ImportError('no pq wrapper available')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MarqueeError, match=r"run `pip install 'psycopg\[binary\]'`"):
        Feedback("postgresql+psycopg://localhost/marquee")


@pytest.mark.parametrize("url", ["nonsense", "nonsense://x", "sqlite:////proc/none/x.sqlite"])
def test_an_address_that_is_none_says_so(url):
    with pytest.raises((MarqueeError, OSError)) as found:
        Feedback(url)
    assert "\n" not in str(found.value)


def test_another_program_reads_while_it_is_written(store):
    store.add(new_token(), "custom", None, [row(1, 5)])
    with sqlite3.connect("data/feedback/feedback.sqlite") as reader:
        assert reader.execute("select count(*) from ratings").fetchone() == (1,)
        store.add(new_token(), "custom", None, [row(1, 5)])
