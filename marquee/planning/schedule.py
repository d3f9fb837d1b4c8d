"""Which stages are rehearsed, where and in which order: a process for each group, which loads its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marquee.foundation import params
from marquee.planning.sizes import Extent
from marquee.planning.worlds import FEW, MANY, SLICE, TINY, timed_in

DATA = (
    "download",
    "ingest",
    "split@rating",
    "split@ranking",
    "negatives",
    "candidates@rating",
    "candidates@ranking",
)
Step = list[Any]  # a world, a stage, its arguments, and which models there are, if not all


def groups(worlds: Mapping[str, Mapping[str, Any]], small: Mapping[str, Extent]) -> Iterator[list[Step]]:
    """The data, the fits of each algorithm, what measures and draws them, and what closes a run; each with
    next to no data first, and what loads something twice."""
    yield [_step(world, stage) for world in (TINY, *worlds) for stage in DATA]
    models, where = worlds[TINY]["models"], places(worlds[TINY], small)
    for first in firsts(models):
        alike = [name for name in models if models[name]["algorithm"] == models[first]["algorithm"]]
        yield _everywhere("train", alike, [first], where)
    last, names = closing(where)
    drawn = shown(models, names)
    yield _everywhere("evaluate", drawn, drawn, where)
    yield [_step(last[-1], "pictures")]  # of those that are measured by now: the others' take as long
    if rest := [name for name in models if name not in drawn]:
        yield _everywhere("evaluate", rest, rest[:1], where)
    for stage in ("compare", "report"):
        yield [[*_step(world, stage), names] for world in (TINY, TINY, *last)]


def places(settings: Mapping[str, Any], small: Mapping[str, Extent]) -> dict[str, tuple[str, ...]]:
    return {name: timed_in(params.model(settings, name), small) for name in settings["models"]}


def closing(where: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], list[str]]:
    """The worlds in which a run is closed, and with which models: those that are timed among most people."""
    most = next(found for world in (MANY, FEW, SLICE) for found in where.values() if found[-1] == world)
    return most, [name for name, found in where.items() if found == most]


def firsts(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The first model of each algorithm: what it needs is loaded with it."""
    found: dict[str, str] = {}
    for name, block in models.items():
        found.setdefault(block["algorithm"], name)
    return list(found.values())


def shown(models: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """A model of each algorithm, and one of each among `names`, which are drawn where the run is closed."""
    return list(dict.fromkeys([*firsts(models), *firsts({name: models[name] for name in names})]))


def _everywhere(
    kind: str, names: Sequence[str], loading: Sequence[str], where: Mapping[str, Sequence[str]]
) -> list[Step]:
    steps = [_step(TINY, f"{kind}@{name}") for name in (*loading, *names)]
    return steps + [_step(world, f"{kind}@{name}") for name in names for world in where[name]]


def _step(world: str, stage: str) -> Step:
    kind, _, name = stage.partition("@")
    return [world, kind, [name] if name else []]
