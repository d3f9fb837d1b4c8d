"""From timings of small worlds to a plan, the timings made up: three seconds, and one a thousand ratings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from marquee.foundation import params
from marquee.planning.limits import GIB, Limit
from marquee.planning.memory import peak
from marquee.planning.prediction import Timings, planned
from marquee.planning.schedule import closing, firsts, groups, places, shown
from marquee.planning.sizes import extent
from marquee.planning.table import text
from marquee.planning.worlds import FEW, MANY, SLICE, TINY, small_worlds, timed_in

EVERYTHING = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
MODELS = {
    name: EVERYTHING["models"][name] for name in ("popularity", "bias", "ials", "sgd_mf", "als_mf", "ease")
}
MODELS["ease"] = {**MODELS["ease"], "memory": 100}  # room for all movies, which is too much
SETTINGS = {**EVERYTHING, "dataset": {"name": "ml-25m"}, "models": MODELS}
REAL = extent(SETTINGS)
WORLDS, SMALL = small_worlds(SETTINGS, REAL)


ONCE, EACH = 3.0, 1e-3  # seconds: of a catalogue, however many people there are, and of a rating


def timings(small=SMALL, worlds=WORLDS, loading=0.0) -> Timings:
    def row(step, again):
        ratings = small[step[0]].ratings
        took = 0.0 if step[0] == TINY else ONCE + EACH * ratings
        fit = step[1] == "train" and "epochs" in MODELS[step[2][0]]
        nothing = [0.0, 0.0]
        parts = {"epochs": [[took / 2] * 2, [took / 4] * 2, [took / 5] * 2] if fit else []}
        parts |= {"validation": nothing, "saving": nothing, "reading": [took, took]}
        whole = took + loading * (step[0] == TINY and not again)
        return {"step": step[:3], "whole": [whole, whole], **parts, "disk": 20 * ratings, "peak": 150_000}

    rows, known = [], set()
    for steps in groups(worlds, small):
        for step in steps:
            rows.append(row(step, str(step[:3]) in known))
            known.add(str(step[:3]))
    return Timings.of(rows)


def plan(real=REAL, **options):
    return {row.stage: row for row in planned(SETTINGS, real, SMALL, timings(**options))}


def test_small_worlds_have_all_movies_and_the_histories_of_the_real_one():
    assert (
        SMALL[TINY].ratings
        < SMALL[SLICE].ratings
        < SMALL[FEW].ratings
        < SMALL[MANY].ratings
        < REAL.ratings / 5
    )
    assert SMALL[FEW].items == SMALL[MANY].items == REAL.items
    for world in (FEW, MANY, SLICE):
        assert SMALL[world].ratings / SMALL[world].users == pytest.approx(REAL.ratings / REAL.users, rel=0.01)


def test_a_small_release_is_rehearsed_whole():
    settings = {**SETTINGS, "dataset": {"name": "ml-100k"}}
    whole = extent(settings)
    _, small = small_worlds(settings, whole)
    assert list(small) == [TINY, MANY]
    assert (small[MANY].users, small[MANY].items, small[MANY].ratings) == (943, 1682, 100_000)
    assert WORLDS[MANY]["models"]["als_mf"]["epochs"] == 3  # the quicker of two is multiplied


def test_a_model_that_cannot_be_fitted_to_all_movies_is_rehearsed_in_the_slice():
    where = places(SETTINGS, SMALL)
    assert where["ease"] == (SLICE,)
    assert where["als_mf"] == (FEW, MANY)
    assert [name for name in MODELS if name in WORLDS[MANY]["models"]] == [m for m in MODELS if m != "ease"]
    assert closing(where) == ((FEW, MANY), [m for m in MODELS if m != "ease"])


def test_what_takes_no_time_is_timed_among_the_most_people():
    entry = params.model(SETTINGS, "popularity")
    assert timed_in(entry, SMALL) == (FEW, MANY)
    assert timed_in(entry, {TINY: SMALL[TINY], MANY: SMALL[MANY]}) == (MANY,)


def test_the_first_of_each_algorithm_in_their_order():
    models = {"a": {"algorithm": "als"}, "b": {"algorithm": "bias"}, "c": {"algorithm": "als"}}
    assert firsts(models) == ["a", "b"]
    assert shown(models, ["b", "c"]) == ["a", "b", "c"]  # a is drawn elsewhere, and the page wants its like


@pytest.mark.parametrize("stage", ["ingest", "split@rating", "train@bias"])
def test_what_is_done_once_is_not_multiplied(stage):
    assert plan()[stage].seconds[0] == pytest.approx(ONCE + EACH * REAL.ratings, rel=1e-3)
    assert plan()["split@rating"].disk == pytest.approx(20 * REAL.ratings, rel=0.01)


def test_the_quickest_later_epoch_counts_and_the_rest_is_setting_up():
    row, took = plan()["train@als_mf"], ONCE + EACH * REAL.ratings
    assert row.epoch[0] == pytest.approx(took / 5, rel=1e-3)
    assert row.with_epochs(0)[0] == pytest.approx(took - 3 * took / 5, rel=1e-3)


@pytest.mark.parametrize("stage", ["ingest", "train@als_mf", "compare", "report"])
def test_what_a_process_loads_is_added_once(stage):
    assert plan(loading=2.0)[stage].seconds[0] - plan()[stage].seconds[0] == pytest.approx(2)


def test_a_tasks_data_are_read_once_for_all_its_models_and_an_algorithm_is_loaded_once():
    alone = plan()["evaluate"].seconds[0]
    assert alone == pytest.approx(len(params.TASKS) * (ONCE + EACH * REAL.ratings))
    assert plan(loading=2.0)["evaluate"].seconds[0] - alone == pytest.approx(2 * len(firsts(MODELS)))


def test_a_download_takes_what_the_network_takes():
    assert plan()["download"].seconds[0] == 0
    assert plan(replace(REAL, simulated=True))["download"].seconds[0] > EACH * REAL.ratings


def test_twice_the_people_with_as_many_ratings_each_take_about_twice_the_time():
    two = {
        task: replace(part, **{name: 2 * value for name, value in vars(part).items()})
        for task, part in REAL.parts.items()
    }
    one, many = plan(), plan(replace(REAL, users=2 * REAL.users, ratings=2 * REAL.ratings, parts=two))
    for stage in set(one) - {"download", "train@ease", "pictures"}:
        assert many[stage].seconds[0] / one[stage].seconds[0] == pytest.approx(2, rel=0.2), stage


def test_a_fit_that_stops_early_takes_so_many_epochs_less():
    row = plan()["train@sgd_mf"]
    assert row.epochs == MODELS["sgd_mf"]["epochs"]
    assert np.allclose(row.with_epochs(row.epochs - 10), row.seconds - 10 * row.epoch)


def test_the_table_has_a_line_for_each_stage_and_says_what_does_not_fit():
    rows = planned(SETTINGS, REAL, SMALL, timings())
    needs = {row.stage: peak(row.stage, SETTINGS, REAL) for row in rows}
    lines = text(rows, 1.0, REAL, needs, Limit(8 * GIB, "8 GiB are available")).splitlines()
    assert len(rows) == 7 + len(MODELS) + 4
    assert [line.split()[0] for line in lines[1 : 1 + len(rows)]] == [row.stage for row in rows]
    refused = [line.split()[0] for line in lines if "needs about" in line]
    assert refused == ["train@ease", "evaluate", "pictures"]
