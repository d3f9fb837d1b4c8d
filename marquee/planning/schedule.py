"""Which stages are rehearsed, where and in which order: a process for each group, which loads its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from marquee.foundation import params
from marquee.planning.sizes import Extent
from marquee.planning.worlds import SLICE, TINY, WIDE, timed_in

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
    """The data, the models of each algorithm, and what closes a run."""
    yield [_step(world, stage) for world in (TINY, *worlds) for stage in DATA]
    settings, wide = worlds[TINY], WIDE if WIDE in worlds and worlds[WIDE]["models"] else SLICE
    models = settings["models"]
    for _, same in groupby(
        sorted(models, key=lambda name: models[name]["algorithm"]), lambda name: models[name]["algorithm"]
    ):
        yield _of_algorithm(list(same), settings, small)
    yield [[*_step(wide, "pictures"), drawn(worlds[wide]["models"])]]
    yield [*(_step(world, "compare") for world in (TINY, TINY, wide)), _step(wide, "report")]


def _of_algorithm(
    names: Sequence[str], settings: Mapping[str, Any], small: Mapping[str, Extent]
) -> list[Step]:
    """Each with next to no data, the first one twice: it loads. Then where it is timed."""
    first, kinds = min(names, key=list(settings["models"]).index), ("train", "evaluate")
    steps = [_step(TINY, f"{kind}@{first}") for kind in kinds]
    steps += [_step(TINY, f"{kind}@{name}") for name in names for kind in kinds]
    for name in names:
        fit, scored = timed_in(params.model(settings, name), small)
        steps += [_step(world, f"train@{name}") for world in dict.fromkeys([SLICE, fit, scored])]
        steps.append(_step(scored, f"evaluate@{name}"))
    return steps


def drawn(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One model of each algorithm: the others' pictures take as long."""
    return list({block["algorithm"]: name for name, block in reversed(list(models.items()))}.values())


def _step(world: str, stage: str) -> Step:
    kind, _, name = stage.partition("@")
    return [world, kind, [name] if name else []]
