"""The leaderboard of each group of users: by how much they rated, and by what the release tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marquee.config import CompareOptions
from marquee.evaluation.test_set import GROUPED_BY, ModelResult
from marquee.leaderboard import table
from marquee.leaderboard.table import Row
from marquee.movielens.demographics import AGES
from marquee.rng import named_rng

Levels = dict[str, np.ndarray]  # name of a level -> bool [m]: is a user in it


def group_rows(evaluated: Sequence[ModelResult], options: CompareOptions, seed: int) -> list[Row]:
    """Return the rows of each task's primary metric for each group, with the keys of `table.GROUP_HEADER`.

    Groups are those of the first model's `groups`. Intervals and tests are those of `table.compare`, on the
    users of a level. They are not adjusted for the number of groups.
    """
    rows: list[Row] = []
    for task, metric in table.primary_metrics(options).items():
        board = [one for one in evaluated if one.task == task]
        if not board:
            continue
        sign = table.direction(metric)
        board.sort(key=lambda one: (one.model == table.ORACLE, -sign * one.metrics[metric], one.model))
        for group, levels in user_groups(board[0].groups or {}).items():
            for level, members in levels.items():
                part = [table.of_users(one, members, [metric]) for one in board]
                ratios = {(one.model, metric): table.ratios_of(one)[metric] for one in part}
                rng = named_rng(seed, f"compare {task} {group} {level}")
                head = {"group": group, "level": level, "users": int(members.sum())}
                rows += [head | row for row in table.board_rows(part, ratios, options, rng)]
    return rows


def user_groups(users: Mapping[str, Sequence[Any]]) -> dict[str, Levels]:
    """Return group -> level -> its members among m `users`, which are columns of `TestSet.grouped_by`.

    activity  quartiles of the training ratings; users without any are a level of their own
    age       as MovieLens divides it; and gender: where the release tells them

    A level without members is left out, and so is a column that is not there.
    """
    columns = {name: list(users[name]) for name in GROUPED_BY if name in users}
    if "age" in columns:
        columns["age"] = [
            age and AGES[max(low for low in AGES if low <= max(age, 1))] for age in columns["age"]
        ]
    order = {"age": [*AGES.values()], "gender": sorted({*filter(None, columns.get("gender", []))})}
    known = np.asarray(users.get("training_ratings", ()))
    groups = {"activity": _activity(known)}
    for name, values in columns.items():
        groups[name] = {level: np.array([value == level for value in values]) for level in order[name]}
    told = {group: {k: x for k, x in levels.items() if x.any()} for group, levels in groups.items()}
    return {group: levels for group, levels in told.items() if levels}


def _activity(known: np.ndarray) -> Levels:
    levels, counted = {"no training rating": known == 0}, known[known > 0]
    if not len(counted):
        return levels
    low = int(counted.min())
    for high in np.unique(np.quantile(counted, [0.25, 0.5, 0.75, 1], method="lower")).tolist():
        levels[f"{low} to {high}" if low < high else f"{low}"] = (known >= low) & (known <= high)
        low = high + 1
    return levels
