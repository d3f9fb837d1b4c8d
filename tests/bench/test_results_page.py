"""docs/results.md: what it shows is what was measured, and nothing is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from bench import results_page
from bench.protocols import PROTOCOLS, command
from bench.reproduce_results import mean_over_folds

MODELS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text("utf-8"))["models"]


def test_the_page_is_what_the_measurements_render_to():
    assert results_page.PAGE.read_text("utf-8") == results_page.page(results_page.results()), (
        "run `python -m bench.results_page`"
    )


def test_every_model_has_a_row_for_its_task():
    found = results_page.results()
    assert {"ml-100k", "ml-1m"} <= set(found)
    for recipe in PROTOCOLS:
        if recipe.name in found:
            wanted = {name for name, block in MODELS.items() if block["task"] in recipe.tasks}
            assert set(found[recipe.name]["models"]) == wanted, f"run `make results RECIPE={recipe.name}`"


def test_the_commands_on_the_page_are_the_recipes():
    for recipe in PROTOCOLS:
        if recipe.name in results_page.results():
            assert results_page.results()[recipe.name]["overrides"] == list(recipe.overrides)


def test_a_long_command_is_folded_and_its_folds_are_a_loop():
    assert command(["seed=1"]) == "dvc exp run -S seed=1 compare"
    assert command(["seed=1"], [1, 2]).splitlines() == [
        "for fold in 1 2; do",
        "    dvc exp run -S seed=1 -S tasks.rating.fold=$fold compare",
        "done",
    ]
    first, second = command(["a=" + "x" * 60, "b=" + "y" * 60]).splitlines()
    assert first.endswith(" \\")
    assert second.startswith("    -S b=")


def test_a_verdict_knows_which_way_is_better():
    assert results_page.verdict("rmse", theirs=0.88, ours=0.88) == "reached"
    assert results_page.verdict("rmse", theirs=0.87, ours=0.88) == "**.0100 behind**"
    assert results_page.verdict("sampled_hit@10", theirs=0.87, ours=0.88) == "reached"


def test_the_mean_over_folds_counts_each_fold_once():
    """Errors of 1 star for five ratings in one fold, of 3 for a single one in the other."""
    one = {"user": [0], "n": [5.0], "squared_error": [5.0], "absolute_error": [5.0]}
    other = {"user": [1], "n": [1.0], "squared_error": [9.0], "absolute_error": [3.0]}
    folds = [{name: np.array(values) for name, values in fold.items()} for fold in (one, other)]
    found = mean_over_folds(folds)
    assert found["rmse"]["value"] == found["mae"]["value"] == 2
    assert found["rmse"]["folds"] == [1, 3]
    assert found["mse"]["value"] == 5
