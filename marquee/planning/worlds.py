"""The small worlds that a run is rehearsed in, shaped like the real one.

tiny   what a stage takes with next to no data
slice  as many ratings for each user and movie as in the real one: what a row costs to solve
wide   few people, but all movies: what a catalogue costs to score, and reaching into it
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

TINY, SLICE, WIDE = "tiny", "slice", "wide"
RATINGS = 600_000  # in a slice at most
EPOCHS = 2  # the first may load what was compiled, the second is timed
WORK = 3e10  # of an epoch (`Cost.work`) in the wide world; a fit with more is rehearsed in the slice alone
SIMPLE = {"rating": "random_per_user", "ranking": "leave_last_out"}  # in place of a release's own files


def shapes(real: Extent, most: int) -> dict[str, dict[str, int]]:
    """world -> its `users`, `movies` and `ratings`; `most` is the longest list that is asked for."""
    history = real.ratings / real.users
    share = min(1.0, RATINGS / real.ratings)
    whole = {"users": real.users, "movies": real.items, "ratings": real.ratings}
    enough = max(12 * real.items, RATINGS // 6)  # so many people that what a catalogue costs once is little
    found = {
        TINY: {"users": 60, "movies": max(80, 2 * most), "ratings": 2400},
        SLICE: whole
        if share == 1
        else {
            "users": round(real.users * share),
            "movies": max(200, round(real.items * share)),
            "ratings": RATINGS,
        },
    }
    if share < 1 and enough < real.ratings:
        found[WIDE] = {"users": max(60, round(enough / history)), "movies": real.items, "ratings": enough}
    return found


def _rehearsed(settings: Mapping[str, Any], shape: Mapping[str, int]) -> dict[str, Any]:
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
        "models": {name: _short(block) for name, block in settings["models"].items()},
    }


def _short(block: Mapping[str, Any]) -> dict[str, Any]:
    module = import_module(f"marquee.recommenders.{block['algorithm']}")
    names = {field.name for field in fields(module.Options)}
    few = {"epochs": EPOCHS, "patience": EPOCHS}
    return {**block, **{name: value for name, value in few.items() if name in names}}


def timed_in(entry: params.ModelEntry, small: Mapping[str, Extent]) -> tuple[str, str]:
    """The worlds in which the entry's fit and its evaluation are timed."""
    if WIDE not in small:
        return SLICE, SLICE
    takes = cost(entry, small[WIDE].of(entry))
    if takes.work > WORK:
        return SLICE, SLICE
    return (SLICE if takes.solves else WIDE), WIDE


def small_worlds(
    settings: Mapping[str, Any], real: Extent
) -> tuple[dict[str, dict[str, Any]], dict[str, Extent]]:
    """The parameters of each world, and its extent; a fit has one epoch where they are not what is timed.

    In the wide one stand the models that are scored there.
    """
    most = max(params.block(settings, "evaluation", params.Evaluation).ks)
    worlds = {world: _rehearsed(settings, shape) for world, shape in shapes(real, most).items()}
    small = {world: extent(content) for world, content in worlds.items()}
    if WIDE in worlds:
        places = {name: timed_in(params.model(settings, name), small) for name in settings["models"]}
        for world in (SLICE, WIDE):
            worlds[world]["models"] = {
                name: block if places[name][0] == world or "epochs" not in block else {**block, "epochs": 1}
                for name, block in worlds[world]["models"].items()
                if world == SLICE or places[name][1] == WIDE
            }
    return worlds, small
