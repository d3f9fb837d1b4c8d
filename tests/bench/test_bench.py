"""Rounds by turns with a peer that is a small script, and a page that shows what was measured."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from bench import measured_tables, online, output, run, runner, scoring, speed_page, tuning
from bench.benchmarks import BENCHMARKS, Benchmark, System
from bench.peers import protocol
from bench.peers.protocol import setting, with_biases
from bench.sizes import SIZES
from bench.venvs import PEERS

PEER = """
import json, sys, pathlib
import numpy as np
task, folder, *words = sys.argv[1:]
given = dict(word.split("=", 1) for word in words)
with open(pathlib.Path(folder) / "order.txt", "a") as file:
    file.write(task + "\\n")
if task == "broken":
    sys.exit("no such library")
epochs, shift = int(given["epochs"]), float(given.get("shift", 0))
print("a line of its own")
print(json.dumps({"seconds": [9.0] + [float(given["pace"])] * (epochs - 1), "units": 10, "peak_mib": 5}))
if "out" in given:
    train = np.load(pathlib.Path(folder) / "train_rating.npy")
    np.save(given["out"] + "/users.npy", np.ones((2, 1), np.float32))
    np.save(given["out"] + "/items.npy", np.full((3, 1), train.mean() + shift, np.float32))
"""
OURS = System("ours", ("calm",), fixed={"epochs": 3, "pace": 0.5})
PEERS_OWN = {"peer": "rival", "fixed": {"epochs": 3, "pace": 2.0}}
THEIRS = System("theirs", ("peer.py", "hasty"), grid={"shift": (1, 0)}, **PEERS_OWN)
BROKEN = System("broken", ("peer.py", "broken"), **PEERS_OWN)
BENCHMARK = Benchmark("als", "rating", "rmse", (OURS, THEIRS, BROKEN), sizes=("1M",))


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
    monkeypatch.setattr(runner, "command", lambda system: [str(tmp_path / "peer.py")])
    monkeypatch.setattr(run.sizes, "WORK", tmp_path)
    monkeypatch.setattr(run.sizes, "arrays", lambda size, task: tmp_path)
    monkeypatch.setattr(output, "RESULTS", tmp_path)
    return tmp_path


def test_systems_take_turns_and_a_peer_that_fails_is_listed_with_its_error(arena):
    run.measure(BENCHMARK, "1M", 64, 2, None, write=True)
    ours, theirs, broken = output.read("als")
    assert (arena / "order.txt").read_text().split()[:5] == ["calm", "hasty", "broken", "calm", "hasty"]
    assert float(ours["median"]) == 0.5, "the first epoch warms up"
    assert float(theirs["ratio"]) == 0.25
    assert broken["note"] == "no such library"
    assert ours["accuracy"] == f"{(2 / 3) ** 0.5:.4f}"
    assert [row["table"] for row in output.read(output.MEASURED)] == ["als"]


def test_without_write_the_rows_are_printed_and_no_table_is_touched(arena, capsys):
    run.measure(BENCHMARK, "1M", 64, 1, None)
    tuning.tune(BENCHMARK, "1M", THEIRS, THEIRS.candidates())
    assert not list(arena.glob("*.csv"))
    assert "| theirs " in capsys.readouterr().out


def test_an_interrupted_benchmark_resumes(arena):
    run.measure(BENCHMARK, "1M", 64, 1, "rival")
    before = (arena / "order.txt").read_text().split()
    run.measure(BENCHMARK, "1M", 64, 2, "rival")
    after = (arena / "order.txt").read_text().split()[len(before) :]
    assert after == ["calm", "broken", "calm", "hasty"], (
        "the failed peer is tried again, the other goes one on"
    )


def test_the_ratio_to_a_more_accurate_peer_does_not_count(arena):
    worse = replace(OURS, fixed={**OURS.fixed, "shift": 0.5})
    systems = (worse, replace(THEIRS, grid={}))
    run.measure(replace(BENCHMARK, systems=systems), "1M", 64, 1, None, write=True)
    row = output.read("als")[1]
    assert row["as_good"] == "no"
    assert speed_page._cells(row)[7] == "[0.25 (0.25 to 0.25)]"


def test_settings_are_those_that_were_best_on_validation(arena):
    assert tuning.chosen(BENCHMARK, "1M", THEIRS)["shift"] == 1, "untuned, the first of the grid"
    tuning.tune(BENCHMARK, "4M", THEIRS, THEIRS.candidates(), write=True)
    assert tuning.chosen(BENCHMARK, "1M", THEIRS)["shift"] == 0
    tuning.tune(BENCHMARK, "1M", THEIRS, tuning.ranked(BENCHMARK, "1M", THEIRS)[:1], write=True)
    assert [row["size"] for row in output.read("tuning")] == ["4M", "4M", "1M"]


def test_a_grid_may_be_given():
    assert tuning.grid(["shift=0.5", "cg=true,false"]) == [
        {"shift": 0.5, "cg": True},
        {"shift": 0.5, "cg": False},
    ]


def test_every_chosen_setting_of_ours_is_an_option_of_its_algorithm():
    for benchmark in BENCHMARKS.values():
        module = import_module(f"marquee.recommenders.{benchmark.ours.words[0]}")
        for size in SIZES:
            module.Options(**tuning.chosen(benchmark, size, benchmark.ours), dim=64)


def test_biases_are_columns_of_the_factors(tmp_path):
    rng = np.random.default_rng(0)
    p, q, a, b = (rng.normal(size=shape) for shape in ((2, 4), (3, 4), 2, 3))
    protocol.save(str(tmp_path), *with_biases(3.5, a, b, p, q))
    expected = 3.5 + a[:, None] + b + p @ q.T
    model = scoring.Products(tmp_path)
    np.testing.assert_allclose(model.scores(np.arange(2)), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(np.array([1]), np.array([2])), expected[1, 2], rtol=1e-5)


def test_a_setting_is_a_number_where_it_can_be():
    assert dict(map(setting, ["dim=64", "shift=0.01", "cg=true", "parts=train,val"])) == {
        "dim": 64,
        "shift": 0.01,
        "cg": True,
        "parts": "train,val",
    }


def test_every_peer_has_a_script_and_pinned_versions():
    for benchmark in BENCHMARKS.values():
        for system in benchmark.systems[1:]:
            assert (PEERS / system.words[0]).is_file()
            pins = (PEERS / f"{system.peer}.txt").read_text("utf-8").splitlines()
            assert all("==" in line for line in pins if not line.startswith("#"))


def test_the_page_of_updates_is_what_the_measurements_render_to():
    assert online.PAGE.read_text("utf-8") == online.page(), "run `python -m bench.online --write`"


def test_the_page_is_what_the_measurements_render_to():
    for name, (page, *_) in measured_tables.TABLES.items():
        written = measured_tables.page(name)
        assert (output.ROOT / page).read_text("utf-8") == written, (
            "run `python -m bench.measured_tables --write`"
        )
    assert speed_page.PAGE.read_text("utf-8") == speed_page.page(), "run `python -m bench.speed_page --write`"
