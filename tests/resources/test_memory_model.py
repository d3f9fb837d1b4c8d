"""Peaks by formula: they grow with what there is, and name what brings them down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marquee import config
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.memory_model import cost, memory_need, too_much
from marquee.resources.pipeline_sizes import Part, pipeline_sizes

PARAMS = config.read(Path(__file__).parents[2] / "params.yaml")
MODELS = list(PARAMS.models)
ENTRIES = list(PARAMS.models.values())
REAL = pipeline_sizes(replace(PARAMS, dataset=config.DatasetOptions("ml-1m")))
STAGES = [
    *("ingest", "split@rating", "split@ranking", "negatives", "candidates@rating", "candidates@ranking"),
    *(f"{kind}@{name}" for kind in ("train", "evaluate") for name in MODELS),
    "compare",
    "report",
]


def doubled(part: Part) -> Part:
    return Part(**{name: 2 * value for name, value in vars(part).items()})


TWICE = replace(
    REAL,
    users=2 * REAL.users,
    ratings=2 * REAL.ratings,
    parts={task: doubled(part) for task, part in REAL.parts.items()},
)


@pytest.mark.parametrize("stage", STAGES)
def test_twice_the_people_need_more_memory_and_at_most_twice(stage):
    one, two = (memory_need(stage, PARAMS, real).bytes for real in (REAL, TWICE))
    assert one < two <= 2 * one


@pytest.mark.parametrize("entry", ENTRIES, ids=MODELS)
def test_twice_the_ratings_of_twice_the_people_need_at_most_twice_the_memory(entry):
    sizes = REAL.of(entry)
    many = replace(sizes, users=2 * sizes.users, train=2 * sizes.train)
    one, two = cost(entry, sizes), cost(entry, many)
    assert two.model_bytes >= one.model_bytes
    assert two.peak_bytes <= 2 * one.peak_bytes


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "dim" in e.options], ids=lambda e: e.algorithm)
def test_the_options_that_a_formula_names_bring_the_memory_down(entry):
    wide = replace(entry, options={**entry.options, "dim": 256})
    narrow = replace(entry, options={**entry.options, "dim": 8})
    assert "dim" in cost(wide, REAL.of(entry)).reduce_with
    assert cost(narrow, REAL.of(entry)).peak_bytes < cost(wide, REAL.of(entry)).peak_bytes


def test_a_stage_that_does_not_fit_says_why_and_what_to_do():
    limit = Limit(GIB / 2, "0.5 GiB are available")
    line = too_much(memory_need("train@als_mf", PARAMS, TWICE), GIB, TWICE, limit)
    assert line is not None
    for words in ("GiB for 2,000,418 ratings of 12,080 users", "0.5 GiB are available", "models.als_mf.dim"):
        assert words in line
    assert too_much(memory_need("train@als_mf", PARAMS, REAL), 0, REAL, Limit(GIB, "")) is None
    assert too_much(memory_need("train@als_mf", PARAMS, REAL), 0, REAL, None) is None
