"""From timings of small worlds to a plan, the timings made up: a second for a thousand ratings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from marquee.planning.limits import GIB, Limit
from marquee.planning.memory import peak
from marquee.planning.prediction import Timings, planned
from marquee.planning.schedule import groups
from marquee.planning.sizes import extent
from marquee.planning.table import text
from marquee.planning.worlds import SLICE, TINY, WIDE, small_worlds

EVERYTHING = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
MODELS = {
    name: EVERYTHING["models"][name] for name in ("popularity", "bias", "ials", "sgd_mf", "als_mf", "ease")
}
MODELS["ease"] = {**MODELS["ease"], "memory": 100}  # room for all movies, which is too much
SETTINGS = {**EVERYTHING, "dataset": {"name": "ml-25m"}, "models": MODELS}
REAL = extent(SETTINGS)
WORLDS, SMALL = small_worlds(SETTINGS, REAL)


def timings(seconds: float = 1e-3) -> Timings:
    def row(step):
        ratings = SMALL[step[0]].ratings
        span = [seconds * ratings, seconds * ratings]
        nothing = [0.0, 0.0]
        fit = step[1] == "train" and "epochs" in MODELS[step[2][0]]
        parts = {"epochs": [[x / 4 for x in span]] * 2 if fit else [], "validation": nothing}
        parts |= {"saving": nothing, "catalogue": nothing, "reading": span}
        return {"step": step[:3], "whole": span, **parts, "disk": 20 * ratings, "peak": 150_000}

    return Timings.of([row(step) for steps in groups(WORLDS, SMALL) for step in steps])


def plan(real=REAL):
    return {row.stage: row for row in planned(SETTINGS, real, SMALL, timings())}


def test_small_worlds_are_small_and_the_wide_one_has_all_movies():
    assert SMALL[TINY].ratings < SMALL[SLICE].ratings < REAL.ratings / 10
    assert SMALL[WIDE].ratings < REAL.ratings / 10
    assert SMALL[WIDE].items == REAL.items
    assert SMALL[SLICE].ratings / SMALL[SLICE].users == pytest.approx(REAL.ratings / REAL.users, rel=0.01)


def test_a_model_that_cannot_be_fitted_to_all_movies_is_rehearsed_in_the_slice():
    assert "ease" not in WORLDS[WIDE]["models"]
    assert "als_mf" in WORLDS[WIDE]["models"]


def test_what_takes_a_second_for_a_thousand_ratings_takes_as_much_at_full_size():
    assert plan()["split@rating"].seconds[0] == pytest.approx(REAL.ratings / 1000, rel=0.01)
    assert plan()["split@rating"].disk == pytest.approx(20 * REAL.ratings, rel=0.01)


def test_twice_the_people_with_as_many_ratings_each_take_about_twice_the_time():
    two = {
        task: replace(part, **{name: 2 * value for name, value in vars(part).items()})
        for task, part in REAL.parts.items()
    }
    one, many = plan(), plan(replace(REAL, users=2 * REAL.users, ratings=2 * REAL.ratings, parts=two))
    for stage in set(one) - {"train@ease", "pictures", "report"}:
        assert many[stage].seconds[0] / one[stage].seconds[0] == pytest.approx(2, rel=0.2), stage


def test_a_fit_that_stops_early_takes_so_many_epochs_less():
    row = plan()["train@sgd_mf"]
    assert row.epochs == MODELS["sgd_mf"]["epochs"]
    assert np.allclose(row.with_epochs(row.epochs - 10), row.seconds - 10 * row.epoch)


def test_the_table_has_a_line_for_each_stage_and_says_what_does_not_fit():
    rows = planned(SETTINGS, REAL, SMALL, timings())
    needs = {row.stage: peak(row.stage, SETTINGS, REAL) for row in rows}
    lines = text(rows, 1.0, REAL, needs, Limit(8 * GIB, "8 GiB are available")).splitlines()
    assert len(rows) == 7 + 2 * len(MODELS) + 3
    assert [line.split()[0] for line in lines[1 : 1 + len(rows)]] == [row.stage for row in rows]
    refused = [line.split()[0] for line in lines if "needs about" in line]
    assert refused == ["train@ease", "evaluate@ease", "pictures"]
