"""The bootstrap against a slow twin and against known truths; p-values and Holm by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from marquee.leaderboard import significance
from marquee.leaderboard.significance import Ratio, bootstrap, holm, interval, p_value


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def users() -> dict[str, np.ndarray]:
    """Sums over the pairs of 23 users."""
    n = rng(7).integers(1, 9, 23).astype(float)
    return {"n": n, "squared_error": n * rng(8).random(23), "ndcg": rng(9).random(23)}


def resamples_of(n_users: int, n_resamples: int, seed: int) -> np.ndarray:
    """How often each resample contains each user: n_users times the fraction of it that is that user."""
    return n_users * bootstrap([Ratio(one) for one in np.eye(n_users)], n_resamples, rng(seed))[1:]


@pytest.mark.parametrize("cells", [1 << 21, 50 * 5])
def test_resamples_equal_a_loop_over_the_sampled_users(users, monkeypatch, cells):
    monkeypatch.setattr(significance, "CELLS", cells)  # the second: blocks of five users, the last of three
    n, squared, ndcg = users.values()
    ndcg[4] = np.nan
    counts = resamples_of(23, 50, seed=3)
    figures = bootstrap([Ratio(squared, n, root=True), Ratio(squared, n), Ratio(ndcg)], 50, rng(3))
    for times, found in zip([np.ones(23), *counts], figures, strict=True):
        pairs = total = value = defined = 0.0
        for user in np.repeat(np.arange(23), np.rint(times).astype(int)):
            pairs, total = pairs + n[user], total + squared[user]
            if user != 4:
                value, defined = value + ndcg[user], defined + 1
        assert found == pytest.approx([sqrt(total / pairs), total / pairs, value / defined], rel=1e-9)


def test_every_resample_has_as_many_users_as_there_are_each_as_likely(monkeypatch):
    monkeypatch.setattr(significance, "CELLS", 20_000 * 5)
    counts = resamples_of(12, 20_000, seed=1)
    assert counts.sum(1) == pytest.approx(np.full(20_000, 12))
    assert counts.mean(0) == pytest.approx(np.ones(12), abs=0.04)
    multinomial = np.eye(12) - 1 / 12
    assert np.cov(counts.T) == pytest.approx(multinomial, abs=0.05), (
        "within a block of users and across blocks"
    )


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    source, covered = rng(2), np.zeros(2)
    for _ in range(600):
        n = source.integers(1, 6, 100).astype(float)
        squared = source.gamma(n / 2, 2 * 0.81)  # sums of n squared errors of standard deviation .9
        skewed = source.exponential(0.3, 100)
        figures = bootstrap([Ratio(squared, n, root=True), Ratio(skewed)], 400, source)
        for column, truth in enumerate([0.9, 0.3]):
            low, high = interval(figures[:, column], 0.95)
            covered[column] += low <= truth <= high
    assert covered / 600 == pytest.approx([0.95, 0.95], abs=0.025)


def test_two_equally_good_models_seem_to_differ_about_as_often_as_the_level_says():
    source, found = rng(4), 0
    for _ in range(600):
        likes = source.random(150)[:, None] > 0.5
        hits = likes * (source.random((150, 2)) < 0.6)  # they agree on who is easy to please
        figures = bootstrap([Ratio(model) for model in hits.T.astype(float)], 300, source)
        found += p_value(figures[:, 0] - figures[:, 1]) < 0.05
    assert 0.03 < found / 600 < 0.075


def test_the_interval_is_made_of_percentiles_of_the_resamples():
    column = np.array([50.0, *range(101)])
    assert interval(column, 0.9) == pytest.approx((5, 95))


def test_p_counts_the_resamples_that_stray_as_far_as_zero_is():
    difference = np.array([2.0, 0, 2, 3, 4.5])  # they stray by 2, 0, 1 and 2.5
    assert p_value(difference) == (1 + 2) / (1 + 4)


def test_a_stray_that_equals_the_difference_but_for_rounding_counts():
    assert 0.3 - 0.1 < 2 * (0.4 - 0.3)
    assert p_value(np.array([0.4 - 0.3, 0.3 - 0.1])) == 1


def test_p_is_the_same_for_the_opposite_difference(users):
    figures = bootstrap([Ratio(users["ndcg"]), Ratio(users["n"] / 10)], 200, rng())
    difference = figures[:, 0] - figures[:, 1]
    assert p_value(difference) == p_value(-difference)


def test_equal_models_differ_by_nothing_with_p_one(users):
    figures = bootstrap([Ratio(users["ndcg"]) for _ in range(17)], 200, rng())
    for other in figures.T[1:]:
        difference = other - figures[:, 0]
        assert not difference.any(), "not even by the rounding of a sum"
        assert p_value(difference) == 1


def test_a_model_that_is_better_for_everyone_has_the_least_p_there_is(users):
    figures = bootstrap([Ratio(users["ndcg"] + 0.1), Ratio(users["ndcg"])], 999, rng())
    assert p_value(figures[:, 0] - figures[:, 1]) == 1 / 1000


def test_pairing_finds_what_two_separate_intervals_hide(users):
    figures = bootstrap([Ratio(users["ndcg"] + 0.1 * rng().random(23)), Ratio(users["ndcg"])], 999, rng())
    (low, _), (_, high) = interval(figures[:, 0], 0.95), interval(figures[:, 1], 0.95)
    assert low < high, "the intervals overlap"
    assert interval(figures[:, 0] - figures[:, 1], 0.95)[0] > 0


def test_the_same_generator_gives_the_same_bytes_and_another_one_others(users):
    ratios = [Ratio(users["squared_error"], users["n"], root=True), Ratio(users["ndcg"])]
    once = bootstrap(ratios, 200, rng(5))
    assert bootstrap(ratios, 200, rng(5)).tobytes() == once.tobytes()
    assert bootstrap(ratios, 200, rng(6)).tobytes() != once.tobytes()


def test_a_figure_is_the_same_to_the_last_bit_whatever_stands_beside_it(users):
    ratio = Ratio(users["ndcg"])
    alone = bootstrap([ratio], 200, rng(5))[:, 0]
    others = [Ratio(rng(seed).random(23)) for seed in range(9)]
    assert bootstrap([*others, ratio], 200, rng(5))[:, -1].tobytes() == alone.tobytes()


def test_sums_are_exact_so_that_the_order_of_users_does_not_show_in_the_last_bit():
    values = 10 ** rng(5).uniform(-6, 0, 5000)
    shuffled = [Ratio(rng(seed).permutation(values)) for seed in range(20)]
    figures = bootstrap(shuffled, 100, rng())[0]
    assert len(set(figures)) == 1
    assert figures[0] == pytest.approx(values.mean(), rel=1e-12)


def test_a_user_without_a_value_counts_neither_above_nor_below_the_line():
    values = np.array([1.0, np.nan, 0.0, np.nan])
    figures = bootstrap([Ratio(values)], 500, rng())[:, 0]
    counts = resamples_of(4, 500, seed=0)
    nobody = counts[:, 0] + counts[:, 2] == 0
    assert figures[0] == 0.5
    assert nobody.any()
    assert (np.isnan(figures[1:]) == nobody).all()
    assert interval(figures, 0.9) == (0, 1)
    astray = nobody | (figures[1:] == 0) | (figures[1:] == 1)
    assert p_value(figures) == (1 + astray.sum()) / 501, "a resample without a value counts as chance"


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 4 x .005, 3 x .01, 2 x .03, .04 raised to it
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm_agrees_with_the_hand(p, adjusted):
    assert holm(p) == pytest.approx(adjusted)
