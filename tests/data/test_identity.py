"""Data sets are told apart by their catalogue, and models and results carry which one they know."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marquee.data.identity import identity_of, label, require_same
from marquee.errors import MarqueeError
from marquee.io import write_parquet
from marquee.movielens.fingerprint import fingerprint

MOVIES = {"movie_id": [1, 2], "title": ["Heat", None], "year": [1995, None], "genres": [["Drama"], []]}
USERS = {"user_id": ["ann", "bob"]}


def of(movies: dict | None = None, users: dict | None = None) -> str:
    return fingerprint(pa.table({**MOVIES, **(movies or {})}), pa.table({**USERS, **(users or {})}))


def test_equal_counts_and_ids_with_other_titles_are_another_catalogue():
    """As the simulated data and ML-100K are: 943 users and 1,682 movies, numbered from 1."""
    others = [{"title": ["Heat", "Fargo"]}, {"year": [1995, 1972]}, {"genres": [["War"], []]}]
    found = {
        of(),
        *(of(movies) for movies in others),
        of({"movie_id": [1, 3]}),
        of(None, {"user_id": ["ann", "c"]}),
    }
    assert len(found) == 6


def test_the_fingerprint_is_the_same_in_every_process_and_for_any_layout():
    """It is stored in files whose bytes must not change: a change of this value retrains every model."""
    assert of() == "b37eb110e1baac21"
    halves = pa.concat_tables([pa.table(MOVIES).slice(0, 1), pa.table(MOVIES).slice(1)])
    assert fingerprint(halves, pa.table(USERS)) == of()


def test_the_identity_is_read_from_the_movies(tmp_path):
    path = tmp_path / "movies.parquet"
    about = '{"n_users": 2, "name": "mine", "fingerprint": "0123456789abcdef"}'
    write_parquet(path, pa.table(MOVIES).replace_schema_metadata({"catalogue": about}))
    assert label(identity_of(path)) == "mine (01234567)"
    write_parquet(path, pa.table(MOVIES))
    with pytest.raises(MarqueeError, match="run `dvc repro ingest`"):
        identity_of(path)


def test_a_difference_names_both_data_sets_and_the_command():
    one, other = ({"name": name, "fingerprint": name * 8} for name in ("ab", "cd"))
    require_same(one, {**one, "name": "a copy of it"}, "models/ease", "data/", "run it")
    with pytest.raises(MarqueeError) as caught:
        require_same(one, other, "models/ease", "data/", "run `dvc repro train@ease`")
    assert str(caught.value) == (
        "models/ease was made from ab (abababab), but data/ holds cd (cdcdcdcd): run `dvc repro train@ease`"
    )
    with pytest.raises(MarqueeError, match="models/ease was stored by another version"):
        require_same(None, other, "models/ease", "data/", "run it")
