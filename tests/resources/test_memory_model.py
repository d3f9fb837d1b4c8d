"""Peaks by formula: they grow with the data, and name the parameters that lower them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marquee import config
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.memory_model import BASES, memory_need, model_cost, too_much
from marquee.resources.pipeline_sizes import Part, pipeline_sizes
from marquee.resources.plan import stages
from tests.all_models import PARAMS

ML_1M = pipeline_sizes(replace(PARAMS, dataset=config.DatasetOptions("ml-1m")))
GROWING = [
    stage
    for stage in stages(PARAMS)
    if not stage.startswith(("check", "download", "oracle", "plot", "report"))
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
    one, two = (memory_need(stage, PARAMS, sizes).bytes for sizes in (ML_1M, TWICE))
    assert one < two <= 2 * one


@pytest.mark.parametrize("name", PARAMS.models)
def test_twice_the_ratings_of_twice_the_users_need_at_most_twice_the_memory(name):
    one, two = (model_cost(name, PARAMS.model(name), sizes) for sizes in (ML_1M, TWICE))
    assert two.model_bytes >= one.model_bytes
    assert two.peak_bytes <= 2 * one.peak_bytes


@pytest.mark.parametrize("name", [name for name, one in PARAMS.models.items() if "dim" in one.options])
def test_the_options_that_a_formula_names_bring_the_memory_down(name):
    entry = PARAMS.model(name)
    narrow, wide = (
        model_cost(name, replace(entry, options={**entry.options, "dim": dim}), ML_1M) for dim in (8, 256)
    )
    assert "dim" in wide.reduce_with
    assert narrow.peak_bytes < wide.peak_bytes


def test_a_stage_that_does_not_fit_says_why_and_what_to_do():
    limit = Limit(GIB / 4, "0.2 GiB are available")
    line = too_much(memory_need("train@als_mf", PARAMS, TWICE), TWICE, limit)
    assert line is not None
    for words in ("2,000,418 ratings of 12,080 users", "0.2 GiB are available", "models.als_mf.dim"):
        assert words in line
    assert too_much(memory_need("train@als_mf", PARAMS, ML_1M), ML_1M, Limit(GIB, "")) is None
    assert too_much(memory_need("train@als_mf", PARAMS, ML_1M), ML_1M, None) is None


def test_the_oracle_needs_memory_for_simulated_data_only():
    for sizes, more in ((pipeline_sizes(PARAMS), True), (ML_1M, False)):
        need = memory_need("oracle", PARAMS, sizes)
        assert (need.bytes > BASES["oracle"] << 20) == more
