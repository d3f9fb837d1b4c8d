"""Groups of users: who is in them, and that their figures are those of their users alone."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.config import CompareOptions
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard.groups import group_rows, user_groups
from marquee.leaderboard.table import GROUP_HEADER

OPTIONS = CompareOptions(200, 0.95, 10)
USERS = np.array([0, 2, 3, 5, 6, 7, 8, 9], np.int32)  # of ten; the others are not tested
KNOWN = [4, 1, 0, 7, 7, 20, 30, 31]
TOLD = {"age": [17, 1, 18, 24, 25, 56, 73, None], "gender": ["F", "M", None, *["M"] * 5]}
GROUPS = {"user": USERS.tolist(), "training_ratings": KNOWN, **TOLD}


def by_level(levels: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {level: USERS[inside].tolist() for level, inside in levels.items()}


def test_activity_is_quartiles_of_those_with_a_training_rating():
    found = by_level(user_groups({"training_ratings": KNOWN})["activity"])
    assert found == {
        "no training rating": [3],
        "1 to 4": [0, 2],
        "5 to 7": [5, 6],
        "8 to 20": [7],
        "21 to 31": [8, 9],
    }


def test_equal_activity_is_one_level():
    levels = user_groups({"training_ratings": [5] * 8})["activity"]
    assert by_level(levels) == {"5": USERS.tolist()}


def test_ages_in_years_and_in_codes_are_in_the_same_levels():
    found = user_groups(GROUPS)
    assert by_level(found["age"]) == {
        "under 18": [0, 2],
        "18-24": [3, 5],
        "25-34": [6],
        "56 or more": [7, 8],
    }
    assert by_level(found["gender"]) == {"F": [0], "M": [2, 5, 6, 7, 8, 9]}


def test_what_a_release_does_not_tell_is_no_group():
    nobody = {"age": [None] * 8, "gender": [None] * 8}
    assert list(user_groups({**GROUPS, **nobody})) == ["activity"]
    assert user_groups({}) == {}


def ranking(model: str, ndcg: np.ndarray) -> ModelResult:
    return ModelResult(
        model, "ranking", {"ndcg@10": ndcg.mean()}, {"user": USERS, "ndcg@10": ndcg}, groups=GROUPS
    )


def rating(n: np.ndarray, squared: np.ndarray) -> ModelResult:
    per_user = {"user": USERS, "n": n, "squared_error": squared, "absolute_error": squared}
    rmse = float(np.sqrt(squared.sum() / n.sum()))
    return ModelResult("bias", "rating", {"rmse": rmse, "mse": rmse**2, "mae": 0.5}, per_user, groups=GROUPS)


def test_a_group_has_the_metric_of_its_users_with_interval_and_test():
    chance = np.random.default_rng(0)
    one, other = chance.random(8), chance.random(8)
    n, squared = np.arange(1.0, 9), chance.random(8)
    board = [ranking("a", one), ranking("b", other), rating(n, squared)]
    rows = group_rows(board, OPTIONS, 1)
    assert {tuple(row) for row in rows} == {GROUP_HEADER}
    men = USERS != 0
    men &= USERS != 3
    found = {(row["task"], row["model"]): row for row in rows if row["level"] == "M"}
    assert found["ranking", "a"]["value"] == pytest.approx(one[men].mean(), abs=1e-6)
    assert found["rating", "bias"]["value"] == pytest.approx(
        np.sqrt(squared[men].sum() / n[men].sum()), abs=1e-6
    )
    assert {row["users"] for row in found.values()} == {6}
    best = max(("a", "b"), key=lambda model: found["ranking", model]["value"])
    assert found["ranking", best]["best"] == 1
    assert found["ranking", {"a": "b", "b": "a"}[best]]["p_holm"] is not None
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]


def test_a_group_does_not_depend_on_the_other_users():
    chance = np.random.default_rng(1)
    one = chance.random(8)
    changed = np.where(np.isin(USERS, [0, 3]), 1 - one, one)
    rows = [group_rows([ranking("a", x)], OPTIONS, 1) for x in (one, changed)]
    same = [[row for row in found if row["level"] in ("M", "5 to 7")] for found in rows]
    assert same[0] == same[1]
    assert rows[0] != rows[1]
