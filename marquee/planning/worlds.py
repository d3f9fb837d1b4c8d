"""The small worlds that a run is rehearsed in, shaped like the real one.

tiny   what a stage takes with next to no data: loading
few    all movies, and so few people that what a catalogue costs once is most of it
many   all movies, and four times the people: a straight line through both leads to everybody
slice  few people and few movies in proportion, for a fit that would take too long among all movies

A small release is rehearsed whole, as `many`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from marquee.foundation import params
from marquee.movielens.releases import SIMULATED, release
from marquee.planning.memory import cost
from marquee.planning.sizes import Extent, extent

TINY, FEW, MANY, SLICE = "tiny", "few", "many", "slice"
RATINGS = 1_000_000  # of few people at least; four times as many lie in no cache
TIMES = 4  # as many ratings of many
SLICED = 600_000  # ratings in a slice
EPOCHS = 2  # the first sets up and may load what was compiled; one more where the quicker is multiplied
WORK = 3e10  # of an epoch (`Cost.work`); a fit with more is rehearsed in a smaller world
SIMPLE = {"rating": "random_per_user", "ranking": "leave_last_out"}  # in place of a release's own files


def shapes(real: Extent, most: int) -> dict[str, dict[str, int]]:
    """world -> its `users`, `movies` and `ratings`; `most` is the longest list that is asked for."""
    few = max(RATINGS, 6 * real.items)

    def part(ratings: int, movies: int) -> dict[str, int]:
        users = round(real.users * ratings / real.ratings)
        return {"users": max(60, users), "movies": movies, "ratings": ratings}

    found = {TINY: {"users": 60, "movies": max(80, 2 * most), "ratings": 2400}}
    if TIMES * few < real.ratings:
        found |= {FEW: part(few, real.items), MANY: part(TIMES * few, real.items)}
    else:
        found |= {MANY: part(real.ratings, real.items)}
    if real.ratings > SLICED:
        found[SLICE] = part(SLICED, max(200, round(real.items * SLICED / real.ratings)))
    return found


def _rehearsed(settings: Mapping[str, Any], shape: Mapping[str, int], epochs: int) -> dict[str, Any]:
    """The parameters of a small world: everything as asked, but its size and the epochs."""
    known = release(params.block(settings, "dataset", params.Dataset).name)
    simulate = dict(settings.get("simulate") or {})
    if known.name != SIMULATED:
        csv = known.layout in ("csv", "custom")
        half = bool(known.scale and known.scale[2] == 0.5)
        simulate = {"format": "ml-32m" if csv else "ml-100k", "half_stars": half}
    simulate |= {**shape, "minimum": min(20, shape["ratings"] // shape["users"] // 2)}
    tasks = {}
    for task, block in settings["tasks"].items():
        given = block.get("split") == "file"
        tasks[task] = {**block, "split": SIMPLE[task]} if given else block
    return {
        **settings,
        "dataset": {"name": SIMULATED},
        "simulate": simulate,
        "tasks": tasks,
        "candidates": {**(settings.get("candidates") or {}), "file": None},
        "models": {name: _short(block, epochs) for name, block in settings["models"].items()},
    }


def _short(block: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    module = import_module(f"marquee.recommenders.{block['algorithm']}")
    names = {field.name for field in fields(module.Options)}
    few = {"epochs": epochs, "patience": epochs}
    return {**block, **{name: value for name, value in few.items() if name in names}}


def timed_in(entry: params.ModelEntry, small: Mapping[str, Extent]) -> tuple[str, ...]:
    """The worlds in which the entry is fitted and measured; a line is drawn through two."""
    lines = [(FEW, MANY), (FEW,)] if FEW in small else [(MANY,)]
    for worlds in lines:
        if cost(entry, small[worlds[-1]].of(entry)).work <= WORK:
            return worlds
    return (SLICE,) if SLICE in small else (MANY,)


def small_worlds(
    settings: Mapping[str, Any], real: Extent
) -> tuple[dict[str, dict[str, Any]], dict[str, Extent]]:
    """The parameters of each world, with the models that are timed there, and its extent."""
    most = max(params.block(settings, "evaluation", params.Evaluation).ks)
    found = shapes(real, most)
    epochs = EPOCHS + (FEW in found)
    worlds = {world: _rehearsed(settings, shape, epochs) for world, shape in found.items()}
    small = {world: extent(content) for world, content in worlds.items()}
    for world in set(worlds) - {TINY}:
        worlds[world]["models"] = {
            name: block
            for name, block in worlds[world]["models"].items()
            if world in timed_in(params.model(settings, name), small)
        }
    if SLICE in worlds and not worlds[SLICE]["models"]:
        del worlds[SLICE], small[SLICE]
    return worlds, small
