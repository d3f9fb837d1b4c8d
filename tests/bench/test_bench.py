"""make bench: rounds by turns with a peer that is a small script, and a page that shows what was measured."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench import run, runner, scoring, speed_page, table, tuning
from bench.benchmarks import BENCHMARKS, Benchmark, System
from bench.peers import protocol
from bench.peers.protocol import setting, with_biases
from bench.venvs import PEERS

PEER = """
import json, sys, pathlib
import numpy as np
task, folder, *words = sys.argv[1:]
given = dict(word.split("=", 1) for word in words)
with open(pathlib.Path(folder) / "order.txt", "a") as file:
    file.write(task + "\\n")
if task == "broken":
    sys.exit("it has no hands")
epochs, pull = int(given["epochs"]), float(given.get("pull", 0))
print("a line of its own")
print(json.dumps({"seconds": [9.0] + [float(given["pace"])] * (epochs - 1), "units": 10, "peak_mib": 5}))
if "out" in given:
    train = np.load(pathlib.Path(folder) / "train_rating.npy")
    np.save(given["out"] + "/users.npy", np.ones((2, 1), np.float32))
    np.save(given["out"] + "/items.npy", np.full((3, 1), train.mean() + pull, np.float32))
"""
OURS = System("ours", "", ("calm",), {"epochs": 3, "pace": 0.5})
THEIRS = System("theirs", "rival", ("peer.py", "hasty"), {"epochs": 3, "pace": 2.0}, {"pull": (1, 0)})
BROKEN = System("broken", "rival", ("peer.py", "broken"), {"epochs": 3, "pace": 2.0})
CONTEST = Benchmark("als", "A contest", "rating", "rmse", "pass", (OURS, THEIRS, BROKEN), sizes=("1M",))


@pytest.fixture
def arena(tmp_path, monkeypatch):
    """A work folder with a few ratings; every system is the script above, run by this interpreter."""
    columns = {"user": [0, 0, 1], "item": [0, 1, 2], "rating": [3.0, 4.0, 5.0]}
    for part in ("train", "val", "test"):
        for name, values in columns.items():
            kind = np.float32 if name == "rating" else np.int32
            np.save(tmp_path / f"{part}_{name}.npy", np.array(values, kind))
    (tmp_path / "shape.json").write_text(json.dumps({"n_users": 2, "n_items": 3}))
    (tmp_path / "peer.py").write_text(PEER)
    monkeypatch.setattr(runner, "python", lambda peer: sys.executable)
    monkeypatch.setattr(runner, "command", lambda entrant: [str(tmp_path / "peer.py")])
    for module in (run.sizes, tuning.sizes):
        monkeypatch.setattr(module, "WORK", tmp_path)
        monkeypatch.setattr(module, "arrays", lambda size, task: tmp_path)
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(tuning, "TABLE", tmp_path / "tuning.csv")
    return tmp_path


def test_systems_take_turns_and_a_peer_that_fails_is_one_line(arena):
    run.hold(CONTEST, "1M", 64, 2, None)
    ours, theirs, broken = table.read("als")
    assert (arena / "order.txt").read_text().split()[:5] == ["calm", "hasty", "broken", "calm", "hasty"]
    assert float(ours["median"]) == 0.5, "the first pass warms up"
    assert float(theirs["ratio"]) == 0.25
    assert broken["note"] == "it has no hands"
    assert ours["accuracy"] == f"{(2 / 3) ** 0.5:.4f}"


def test_a_contest_goes_on_where_it_stopped(arena):
    run.hold(CONTEST, "1M", 64, 1, "rival")
    before = (arena / "order.txt").read_text().split()
    run.hold(CONTEST, "1M", 64, 2, "rival")
    after = (arena / "order.txt").read_text().split()[len(before) :]
    assert after == ["calm", "broken", "calm", "hasty"], "who broke is tried again, the other goes one on"


def test_who_was_less_accurate_has_a_ratio_that_does_not_count(arena):
    worse = replace(OURS, fixed={**OURS.fixed, "pull": 0.5})
    run.hold(replace(CONTEST, entrants=(worse, replace(THEIRS, grid={}))), "1M", 64, 1, None)
    row = table.read("als")[1]
    assert row["as_good"] == "no"
    assert speed_page._cells(row)[7] == "[0.25 (0.25 to 0.25)]"


def test_settings_are_those_that_were_best_on_validation(arena):
    assert tuning.chosen(CONTEST, "1M", THEIRS)["pull"] == 1, "the first of the grid where nothing was tried"
    tuning.tune(CONTEST, "4M", THEIRS, THEIRS.candidates())
    assert tuning.chosen(CONTEST, "1M", THEIRS)["pull"] == 0
    tuning.tune(CONTEST, "1M", THEIRS, tuning.ranked(CONTEST, "1M", THEIRS)[:1])
    assert [row["size"] for row in tuning.trials()] == ["4M", "4M", "1M"]


def test_a_grid_may_be_given():
    assert tuning.given(["pull=0.5", "cg=true,false"]) == [
        {"pull": 0.5, "cg": True},
        {"pull": 0.5, "cg": False},
    ]


def test_biases_are_columns_of_the_factors(tmp_path):
    rng = np.random.default_rng(0)
    p, q, a, b = (rng.normal(size=shape) for shape in ((2, 4), (3, 4), 2, 3))
    protocol.save(str(tmp_path), *with_biases(3.5, a, b, p, q))
    expected = 3.5 + a[:, None] + b + p @ q.T
    model = scoring.Products(tmp_path)
    np.testing.assert_allclose(model.scores(np.arange(2)), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(np.array([1]), np.array([2])), expected[1, 2], rtol=1e-5)


def test_a_setting_is_a_number_where_it_can_be():
    assert dict(map(setting, ["dim=64", "pull=0.01", "cg=true", "parts=train,val"])) == {
        "dim": 64,
        "pull": 0.01,
        "cg": True,
        "parts": "train,val",
    }


def test_every_peer_has_a_script_and_pinned_versions():
    for contest in BENCHMARKS.values():
        for entrant in contest.entrants[1:]:
            assert (PEERS / entrant.words[0]).is_file()
            pins = (PEERS / f"{entrant.peer}.txt").read_text("utf-8").splitlines()
            assert all("==" in line for line in pins if not line.startswith("#"))


def test_the_page_is_what_the_measurements_render_to():
    assert speed_page.PAGE.read_text("utf-8") == speed_page.page(), "run `python -m bench.speed_page`"
