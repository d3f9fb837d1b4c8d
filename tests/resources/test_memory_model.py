"""Peaks by formula: they grow with the data, and name the parameters that lower them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from marquee import config
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.memory_model import memory_need, model_cost, too_much
from marquee.resources.pipeline_sizes import Part, pipeline_sizes
from marquee.resources.plan import stages

SETTINGS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
MODELS = list(SETTINGS["models"])
ENTRIES = [config.model(SETTINGS, name) for name in MODELS]
ML_1M = pipeline_sizes({**SETTINGS, "dataset": {"name": "ml-1m"}})
GROWING = [
    stage for stage in stages(SETTINGS) if not stage.startswith(("download", "oracle", "plot", "report"))
]


def doubled(part: Part) -> Part:
    return Part(**{name: 2 * value for name, value in vars(part).items()})


TWICE = replace(
    ML_1M,
    users=2 * ML_1M.users,
    ratings=2 * ML_1M.ratings,
    parts={task: doubled(part) for task, part in ML_1M.parts.items()},
)


@pytest.mark.parametrize("stage", GROWING)
def test_twice_the_users_need_more_memory_and_at_most_twice(stage):
    one, two = (memory_need(stage, SETTINGS, sizes).bytes for sizes in (ML_1M, TWICE))
    assert one < two <= 2 * one


@pytest.mark.parametrize("entry", ENTRIES, ids=MODELS)
def test_twice_the_ratings_of_twice_the_users_need_at_most_twice_the_memory(entry):
    one, two = model_cost(entry, ML_1M), model_cost(entry, TWICE)
    assert two.model_bytes >= one.model_bytes
    assert two.peak_bytes <= 2 * one.peak_bytes


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "dim" in e.options], ids=lambda e: e.name)
def test_the_options_that_a_formula_names_bring_the_memory_down(entry):
    wide = replace(entry, options={**entry.options, "dim": 256})
    narrow = replace(entry, options={**entry.options, "dim": 8})
    assert "dim" in model_cost(wide, ML_1M).reduce_with
    assert model_cost(narrow, ML_1M).peak_bytes < model_cost(wide, ML_1M).peak_bytes


def test_a_stage_that_does_not_fit_says_why_and_what_to_do():
    limit = Limit(GIB / 2, "0.5 GiB are available")
    line = too_much(memory_need("train@als_mf", SETTINGS, TWICE), GIB, TWICE, limit)
    assert line is not None
    for words in ("2,000,418 ratings of 12,080 users", "0.5 GiB are available", "models.als_mf.dim"):
        assert words in line
    assert too_much(memory_need("train@als_mf", SETTINGS, ML_1M), 0, ML_1M, Limit(GIB, "")) is None
    assert too_much(memory_need("train@als_mf", SETTINGS, ML_1M), 0, ML_1M, None) is None


def test_the_oracle_needs_memory_for_simulated_data_only():
    simulated = pipeline_sizes({**SETTINGS, "dataset": {"name": "synthetic-100k"}})
    assert memory_need("oracle", SETTINGS, simulated).bytes > 0
    assert memory_need("oracle", SETTINGS, ML_1M).bytes == 0
