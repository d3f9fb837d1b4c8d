"""A stream of ratings: what is predicted before it is learned, by each way to learn."""

from __future__ import annotations

import numpy as np
import pytest

from marquee import prequential
from marquee.config import ModelEntry
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions
from marquee.errors import MarqueeError
from marquee.figures.prequential import prequential_curves
from marquee.serving.online import Positives

N_ITEMS = 40
POLICIES = prequential.POLICIES


def arrivals() -> Ratings:
    """Users come one after another; each rates half of the movies of one colour, two of them late."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(80):
        own = rng.permutation(np.arange(user % 2, N_ITEMS, 2))[:12]
        times = 100 * user + np.sort(rng.integers(0, 200, 12))
        rows += [(user, item, time) for item, time in zip(own, times, strict=True)]
    user, item, time = np.array(rows).T
    return Ratings.of(79 - user, item, rng.choice([4, 5], len(user)), time)  # the last user comes first


def stream(every: str = "100", start: float = 0.6) -> prequential.Stream:
    shape = Catalogue.of(0, N_ITEMS)
    return prequential.stream_of(arrivals(), shape, (1, 5), Positives(4), start, every)


def points(algorithm: str, task: str, **options: object) -> list[prequential.Point]:
    train_data = "negatives" if algorithm == "mf_bce" else task
    entry = ModelEntry(task, train_data, algorithm, options)
    return prequential.run("m", entry, stream(), POLICIES, NegativeOptions(), seed=1)


def test_users_are_numbered_as_they_come_and_batches_hold_everything_once():
    for every in ("100", "1h", "2d"):
        found = stream(every)
        assert (np.diff(found.ratings.timestamp) >= 0).all()
        newest = np.maximum.accumulate(found.ratings.user)
        assert (np.diff(newest, prepend=-1) <= 1).all()
        assert (np.diff(found.cuts) > 0).all()
        assert found.cuts[-1] == len(found.ratings)
    hours = found = stream("1h")
    start = hours.ratings.timestamp[found.cuts[:-1]]
    assert ((start - start[0]) // 3600 == np.unique((start - start[0]) // 3600)).all()


def test_ratings_without_times_and_a_start_at_the_end_are_refused():
    without = Ratings.of([0, 1], [0, 1], [4, 5])
    with pytest.raises(MarqueeError, match="no order in time"):
        prequential.stream_of(without, Catalogue.of(0, 2), (1, 5), Positives(4), 0.5, "1")
    with pytest.raises(MarqueeError, match="leaves no rating"):
        stream(start=0.9999)


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [("ease", {"regularization": 5.0}), ("ials", {"dim": 4, "epochs": 5}), ("popularity", {})],
)
def test_who_learns_on_knows_the_new_users_and_who_does_not_guesses(algorithm, options):
    found = points(algorithm, "ranking", **options)
    value = {row["policy"]: row["value"] for row in prequential.summary("m", found, seed=1)}
    if algorithm == "popularity":
        assert value["update"] == value["refit"]
        assert value["never"] == value["fold_in"]
        return
    assert value["update"] > value["never"] + 0.02
    assert value["fold_in"] > value["never"] + 0.02
    assert value["update"] == pytest.approx(value["refit"], abs=0.03)


def test_a_rating_model_has_errors_with_intervals_in_every_batch():
    rows = prequential.curve("m", stream(), points("bias", "rating"), seed=1)
    assert len(rows) == len(POLICIES) * (len(stream().cuts) - 1)
    for row in rows:
        assert row["rmse_low"] <= row["rmse"] <= row["rmse_high"]
        assert row["ndcg@10_low"] <= row["ndcg@10"] <= row["ndcg@10_high"]
    assert sum(row["ratings"] for row in rows) == len(POLICIES) * (len(arrivals()) - stream().cuts[0])
    updated, again = ([row["rmse"] for row in rows if row["policy"] == one] for one in ("update", "refit"))
    assert updated == again, "the biases of an update are those of a fit"
    assert len(prequential_curves(rows, prequential.METRICS).axes) == 2


def test_the_whole_stream_is_the_mean_over_all_users_of_all_batches():
    found = points("popularity", "ranking")
    values = [
        value for point in found if point.policy == "never" for value in point.result.per_user["ndcg@10"]
    ]
    rows = prequential.summary("m", found, seed=1)
    never = next(row for row in rows if row["policy"] == "never")
    assert never["value"] == pytest.approx(np.mean(values), abs=1e-9)
    assert (never["from_never"], never["from_low"], never["from_high"]) == (0, 0, 0)


def test_a_network_goes_on_from_its_optimizer():
    found = points("mf_bce", "ranking", dim=4, epochs=8, learning_rate=0.02, batch_size=64, device="cpu")
    value = {row["policy"]: row["value"] for row in prequential.summary("m", found, seed=1)}
    assert value["update"] > value["never"]
