"""The simulated MovieLens looks like the real one, follows its own truth, and can be learned."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from marquee.config import parse
from marquee.errors import MarqueeError
from marquee.rng import named_rng
from marquee.simulator import selection
from marquee.simulator.ground_truth import GroundTruth
from marquee.simulator.options import GENRES
from marquee.simulator.simulate import START, SimulatorOptions, simulate

SMALL = SimulatorOptions(users=30, movies=50, ratings=700)


def written(options: SimulatorOptions, folder: Path, seed: int = 1) -> dict[str, bytes]:
    folder.mkdir()
    simulate(options, folder, named_rng(seed, "simulate"))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def share_of_top_tenth(counts: np.ndarray) -> float:
    return np.sort(counts)[-round(len(counts) / 10) :].sum() / counts.sum()


# The shape of ML-100K; the figures after ≈ are its own


def test_the_default_dataset_has_the_size_of_ml_100k(simulated):
    assert len(simulated.ratings) == 100_000
    assert np.bincount(simulated.ratings.user).min() >= 20
    assert (len(np.unique(simulated.ratings.user)), len(np.unique(simulated.ratings.item))) == (943, 1682)
    assert (simulated.folder / "u.info").read_text() == "943 users\n1682 items\n100000 ratings\n"


def test_each_star_is_given_as_often_as_in_ml_100k(simulated):
    percent = np.bincount(simulated.ratings.rating.astype(int), minlength=6)[1:] / 1000
    np.testing.assert_allclose(percent, [6.11, 11.37, 27.15, 34.17, 21.20], atol=0.2)


def test_popularity_has_the_tail_of_ml_100k(simulated):
    counts = np.bincount(simulated.ratings.item)
    assert counts.max() == pytest.approx(583, rel=0.1)
    assert np.median(counts) == pytest.approx(27, rel=0.2)
    assert share_of_top_tenth(counts) == pytest.approx(0.427, abs=0.02)
    assert (counts < 10).mean() == pytest.approx(0.315, abs=0.03)


def test_activity_has_the_tail_of_ml_100k(simulated):
    counts = np.bincount(simulated.ratings.user)
    assert counts.max() == pytest.approx(737, rel=0.2)
    assert np.median(counts) == pytest.approx(65, rel=0.1)
    assert share_of_top_tenth(counts) == pytest.approx(0.319, abs=0.02)


def test_better_known_movies_are_better_liked(simulated):
    counts = np.bincount(simulated.ratings.item)
    means = np.bincount(simulated.ratings.item, simulated.ratings.rating) / counts
    assert np.corrcoef(counts, means)[0, 1] == pytest.approx(0.43, abs=0.06)


def test_a_movie_has_one_to_three_of_nineteen_genres(simulated):
    assert set(simulated.genres.sum(1)) == {0, 1, 2, 3}  # 0: the reader drops `unknown`
    lines = (simulated.folder / "u.item").read_text("latin-1").splitlines()
    flags = np.array([line.split("|")[5:] for line in lines]).astype(int)
    assert flags.shape == (1682, 19)
    assert set(flags.sum(1)) == {1, 2, 3}
    assert (flags.sum(0) > 0).all()
    assert (flags[flags[:, 0] == 1, 1:] == 0).all()


def test_genres_are_as_frequent_and_as_often_rated_as_in_ml_100k(simulated):
    movies, rated = simulated.genres.mean(0) * 100, simulated.genres[simulated.ratings.item].mean(0) * 100
    for name, of_movies, of_ratings in (
        ("Drama", 43.1, 39.9),
        ("Comedy", 30.0, 29.8),
        ("Action", 14.9, 25.6),
        ("Romance", 14.7, 19.5),
        ("Sci-Fi", 6.0, 12.7),
        ("Documentary", 3.0, 0.8),
    ):
        place = list(GENRES).index(name)
        assert movies[place] == pytest.approx(of_movies, abs=4)
        assert rated[place] == pytest.approx(of_ratings, abs=6)


def test_titles_are_unique_and_filed_as_movielens_files_them(simulated):
    assert len(set(simulated.titles)) == 1682
    years = pd.Series(simulated.titles).str.extract(r"^[^()|]+ \((\d{4})\)$")[0].astype(int)
    assert years.between(1922, 1997).all()
    assert any(title.rpartition(" (")[0].endswith(", The") for title in simulated.titles)
    assert any(not title.isascii() for title in simulated.titles)


def test_ratings_come_in_sessions_over_seven_months(simulated):
    time = simulated.ratings.timestamp
    assert time.min() >= START
    assert 200 < (time.max() - START) / 86_400 <= 215
    gap = np.diff(time)[np.diff(simulated.ratings.user) == 0]
    assert np.median(gap) < 60
    breaks = np.bincount(simulated.ratings.user[1:][np.diff(simulated.ratings.user) == 0], gap > 3600)
    assert (breaks == 0).mean() == pytest.approx(0.61, abs=0.06)  # have a single session


def test_users_begin_with_what_everyone_knows(simulated):
    user, item = simulated.ratings.user, simulated.ratings.item
    n = np.bincount(user)
    place = (np.arange(len(user)) - np.repeat(np.cumsum(n) - n, n)) / n[user]
    known = np.bincount(item)[item]
    quarters = [known[(place >= q) & (place < q + 0.25)].mean() for q in (0, 0.25, 0.5, 0.75)]
    np.testing.assert_allclose(quarters, [213, 174, 153, 132], rtol=0.12)


def test_rows_are_in_no_order(simulated):
    user = pd.read_csv(simulated.folder / "u.data", sep="\t", header=None)[0]
    assert abs(user.corr(pd.Series(range(100_000)))) < 0.02


def test_demographics_are_given_for_each_user(simulated):
    users = pd.read_csv(simulated.folder / "u.user", sep="|", header=None, dtype={4: str})
    assert users[0].tolist() == list(range(1, 944))
    assert users[1].between(12, 75).all()
    assert set(users[2]) == {"M", "F"}
    assert users[4].str.fullmatch(r"\d{5}").all()


# Same bytes, other bytes


@pytest.mark.parametrize("layout", ["ml-100k", "ml-32m"])
def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, layout):
    first, again, other = (
        written(replace(SMALL, format=layout), tmp_path / name, seed)
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert first == again
    assert all(
        first[name] != other[name] for name in first if name[2:] not in ("genre", "occupation", "info")
    )


def test_the_number_of_threads_does_not_matter(tmp_path, simulated):
    code = (
        "import sys; from pathlib import Path; from marquee.rng import named_rng;"
        "from marquee.simulator.simulate import SimulatorOptions, simulate;"
        "simulate(SimulatorOptions(), Path(sys.argv[1]), named_rng(2024, 'simulate'))"
    )
    one = {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_NUM_THREADS": "1",
        "PYTHONHASHSEED": "7",
    }
    subprocess.run([sys.executable, "-c", code, tmp_path], env={**os.environ, **one}, check=True)
    for path in simulated.folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


# Other options


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"users": 30, "movies": 50, "ratings": 700}, id="small"),
        pytest.param({"users": 30, "movies": 25, "ratings": 750, "focus": 3}, id="everything rated"),
        pytest.param({"users": 30, "movies": 40, "ratings": 600}, id="everyone at the minimum"),
        pytest.param(
            {"users": 7, "movies": 20, "ratings": 20, "min_ratings_per_user": 1}, id="each movie once"
        ),
        pytest.param({"users": 1, "movies": 1, "ratings": 1, "min_ratings_per_user": 1}, id="one of each"),
    ],
)
def test_a_small_dataset_keeps_its_promises(tmp_path, options):
    wanted = SimulatorOptions(**options)
    written(wanted, tmp_path / "simulated")
    rows = pd.read_csv(tmp_path / "simulated" / "u.data", sep="\t", names=["user", "movie", "rating", "time"])
    assert len(rows) == wanted.ratings
    assert not rows.duplicated(["user", "movie"]).any()
    assert sorted(rows.user.unique()) == list(range(1, wanted.users + 1))
    assert sorted(rows.movie.unique()) == list(range(1, wanted.movies + 1))
    assert rows.user.value_counts().min() >= wanted.min_ratings_per_user
    assert rows.rating.between(1, 5).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratings": 2_000_000}, "at most simulator.users times simulator.movies"),
        ({"ratings": 18_000}, "at least simulator.users times simulator.min_ratings_per_user"),
        ({"users": 50, "ratings": 1500}, "at least simulator.movies, since every movie is rated"),
        (
            {"users": 5, "movies": 10, "ratings": 50, "min_ratings_per_user": 11},
            "simulator.min_ratings_per_user",
        ),
        ({"movies": 0}, "simulator.movies is 0, but must be at least 1"),
        ({"noise": 0}, "simulator.noise is 0.0, but must be above 0"),
        ({"format": "ml-1m"}, "simulator.format is 'ml-1m'"),
        ({"tastes": 1}, "did you mean 'taste'"),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, message):
    with pytest.raises(MarqueeError, match=message) as caught:
        parse(SimulatorOptions, options, "simulator")
    assert "\n" not in str(caught.value)


def test_the_newer_format_reads_with_plain_pandas(tmp_path):
    files = written(replace(SMALL, format="ml-32m", half_stars=True), tmp_path / "simulated")
    assert set(files) == {"ratings.csv", "movies.csv", "truth.safetensors"}
    assert all(
        line.endswith(b"\r\n") for name in files if "csv" in name for line in files[name].splitlines(True)
    )
    ratings = pd.read_csv(tmp_path / "simulated" / "ratings.csv")
    assert list(ratings.columns) == ["userId", "movieId", "rating", "timestamp"]
    assert [kind.kind for kind in ratings.dtypes] == ["i", "i", "f", "i"]
    assert set(ratings.rating) == set(np.arange(0.5, 5.5, 0.5))
    assert ratings.sort_values(["userId", "movieId"]).index.is_monotonic_increasing
    movies = pd.read_csv(tmp_path / "simulated" / "movies.csv")
    assert movies.movieId.tolist() == list(range(1, 51))
    assert movies.title.str.fullmatch(r".+ \(\d{4}\)").all()
    assert set(movies.genres.str.split("|").explode()) <= {*GENRES, "Children", "(no genres listed)"}


def test_the_same_dataset_in_the_newer_format_has_the_same_ratings(tmp_path):
    written(SMALL, tmp_path / "old")
    written(replace(SMALL, format="ml-32m"), tmp_path / "new")
    old = pd.read_csv(tmp_path / "old" / "u.data", sep="\t", header=None).sort_values([0, 1]).to_numpy()
    assert (pd.read_csv(tmp_path / "new" / "ratings.csv").to_numpy() == old).all()


# The truth


def test_the_truth_is_small(simulated):
    assert (simulated.folder / "truth.safetensors").stat().st_size < 300_000


def test_ratings_average_to_what_the_truth_expects(simulated):
    expected = simulated.truth.expected_ratings(simulated.ratings.user, simulated.ratings.item)
    assert expected.dtype == np.float32
    surprise = simulated.ratings.rating - expected
    order = np.argsort(expected)
    for tenth in (*np.array_split(order, 10), order):
        assert abs(surprise[tenth].mean()) < 4 * surprise[tenth].std() / np.sqrt(len(tenth))


def test_as_many_are_positive_as_the_truth_expects(simulated):
    users = np.arange(943)
    chances = simulated.truth.scores(users, 4.0) / simulated.truth.chances(users)
    pairs = simulated.ratings.user, simulated.ratings.item
    assert (simulated.ratings.rating >= 4).mean() == pytest.approx(chances[pairs].mean(), abs=0.006)


def test_every_rating_counts_where_positives_begin_below_the_scale(simulated):
    users = np.arange(5)
    np.testing.assert_array_equal(simulated.truth.scores(users, 0.0), simulated.truth.chances(users))
    assert (simulated.truth.scores(users, 5.5) == 0).all()


def test_chances_sum_to_one(simulated):
    chances = simulated.truth.chances(np.arange(943))
    assert chances.shape == (943, 1682)
    assert (chances > 0).all()
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("few", "dearer"),
    [
        pytest.param(1 << 20, 16, id="all looked at"),
        pytest.param(0, 0, id="proposed"),
        pytest.param(40_000, 0, id="proposed, the rest looked at"),
    ],
)
def test_movies_are_chosen_one_after_the_other_by_their_chances(few, dearer, monkeypatch):
    """Against the slow twin: choice by choice for each user, dropping what is chosen already."""
    monkeypatch.setattr(selection, "FEW", few)
    monkeypatch.setattr(selection, "DEARER", dearer)
    n, moods, movies = 20_000, np.array([0.7, 0.3]), np.array([[0.5, 0.2, 0.2, 0.1], [0.0, 0.1, 0.2, 0.7]])
    nothing = np.zeros(1, np.float32)
    truth = GroundTruth(*[nothing] * 7, np.tile(moods, (n, 1)).astype(np.float32), movies.astype(np.float32))
    chosen = selection.choose(truth, np.full(n, 3), named_rng(1, "choices")).reshape(n, 3)
    rng = named_rng(2, "twin")
    twin = np.array([rng.choice(4, 3, replace=False, p=moods @ movies) for _ in range(n)])
    for place in range(3):
        ours, theirs = (np.bincount(x[:, place], minlength=4) / n for x in (chosen, twin))
        np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_without_focus_everyone_chooses_by_popularity(tmp_path):
    written(replace(SMALL, focus=0.0), tmp_path / "simulated")
    chances = GroundTruth.load(tmp_path / "simulated" / "truth.safetensors").chances(np.arange(30))
    np.testing.assert_allclose(chances, np.broadcast_to(chances[0], chances.shape), rtol=1e-5)


def test_users_rate_what_they_like(simulated):
    taste = simulated.truth.user_factors @ simulated.truth.movie_factors.T  # (n_users, n_movies)
    assert taste[simulated.ratings.user, simulated.ratings.item].mean() > taste.mean() + 0.1


# It can be learned, and the truth knows better


@pytest.mark.slow
def test_two_million_ratings_fit_into_350_megabytes(tmp_path):
    code = (
        "import sys; from pathlib import Path; from marquee.rng import named_rng;"
        "from marquee.simulator.simulate import SimulatorOptions, simulate;"
        "options = SimulatorOptions(users=13_000, movies=9_000, ratings=2_000_000, half_stars=True, "
        "format='ml-32m');"
        "simulate(options, Path(sys.argv[1]), named_rng(1, 'simulate'));"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 350_000  # kB
    ratings = pd.read_csv(tmp_path / "ratings.csv")
    assert len(ratings) == 2_000_000
    assert (ratings.userId.nunique(), ratings.movieId.nunique()) == (13_000, 9_000)
    assert not ratings.duplicated(["userId", "movieId"]).any()
    assert ratings.userId.value_counts().min() >= 20
