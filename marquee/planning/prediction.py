"""From the timings of small worlds to what the real run takes, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marquee.foundation import params
from marquee.foundation.cost import Sizes
from marquee.planning.memory import cost, peak
from marquee.planning.schedule import DATA, drawn
from marquee.planning.sizes import Extent
from marquee.planning.worlds import SLICE, TINY, WIDE, timed_in

Seconds = np.ndarray  # float64 [2]: by the clock of a quiet machine (`quiet`), and of processor time


@dataclass(frozen=True)
class Planned:
    """What a stage will take.

    seconds  as logs/stages.jsonl counts: without starting Python; for a fit at most, with all its epochs
    memory   bytes at the peak
    disk     bytes that it leaves
    epochs   at most so many, of `epoch` seconds each; 0 where there are none
    """

    stage: str
    seconds: Seconds
    memory: float
    disk: float
    epochs: int = 0
    epoch: Seconds = field(default_factory=lambda: np.zeros(2))

    def with_epochs(self, epochs: int) -> Seconds:
        """Seconds of a fit that stopped after so many."""
        return self.seconds - (self.epochs - epochs) * self.epoch


@dataclass(frozen=True)
class Timings:
    """The rows of `stages.rehearse`: (world, stage) -> its row, of the first run and of the last."""

    first: Mapping[tuple[str, str], Mapping[str, Any]]
    last: Mapping[tuple[str, str], Mapping[str, Any]]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Timings:
        rows = [{name: _spans(value) for name, value in row.items()} for row in rows]
        named = [((row["step"][0], "@".join([row["step"][1], *row["step"][2]])), row) for row in rows]
        return cls(dict(reversed(named)), dict(named))

    def loading(self, stage: str) -> Seconds:
        """What a process spends once: importing, and loading what was compiled."""
        return np.maximum(_whole(self.first[TINY, stage]) - self.settled(stage), 0)

    def settled(self, stage: str) -> Seconds:
        return _whole(self.last[TINY, stage])

    def more(self, world: str, stage: str) -> Seconds:
        """What a world takes beyond next to no data, but for its movies."""
        row = self.last[world, stage]
        return np.maximum(_whole(row) - np.array(row["catalogue"]) - self.settled(stage), 0)

    def base(self, stage: str) -> float:
        """Bytes that the interpreter holds by then, with next to no data."""
        return 1024 * self.first[TINY, stage]["peak"]


def planned(
    settings: Mapping[str, Any], real: Extent, small: Mapping[str, Extent], timings: Timings
) -> list[Planned]:
    """Every stage of a run, in its order; `small` are the extents of the worlds that were rehearsed."""
    names = list(settings["models"])
    of_models = [f"{kind}@{name}" for kind in ("train", "evaluate") for name in names]
    found = []
    for stage in (*DATA, *of_models, "pictures", "compare", "report"):
        kind, _, name = stage.partition("@")
        if kind == "train":
            found.append(_train(stage, params.model(settings, name), settings, real, small, timings))
            continue
        start = f"{kind}@{_first_of_its_kind(name, settings)}" if kind == "evaluate" else stage
        seconds, disk = _stage(kind, stage, name, settings, real, small, timings)
        if kind not in ("pictures", "report"):  # which are rehearsed once, their loading with it
            seconds = seconds + timings.loading(start)
        base = timings.base("compare" if kind in ("pictures", "report") else start)
        found.append(Planned(stage, seconds, base + peak(stage, settings, real).bytes, disk))
    return found


def _stage(
    kind: str,
    stage: str,
    name: str,
    settings: Mapping[str, Any],
    real: Extent,
    small: Mapping[str, Extent],
    timings: Timings,
) -> tuple[Seconds, float]:
    """Seconds without loading, and bytes on the disk, of a stage that does not train."""
    wide = WIDE if (WIDE, stage) in timings.last else SLICE
    if kind == "evaluate":
        grown = real.users * real.items / (small[wide].users * small[wide].items)
    elif kind == "compare":
        grown = real.users / small[wide].users
    else:
        wide = wide if kind in ("pictures", "report") else SLICE  # of the data a slice is more
        grown = (real.ratings - small[TINY].ratings) / max(small[wide].ratings - small[TINY].ratings, 1)
    row = timings.last[wide, stage]
    if kind in ("pictures", "report"):  # drawing takes its time; what is read for it grows
        models = settings["models"]
        several = len(models) / len(drawn(models)) if kind == "pictures" else 1
        return several * _whole(row) + (grown - 1) * np.array(row["reading"]), several * row["disk"]
    few = timings.last[TINY, stage]["disk"]
    people = real.users / small[wide].users if kind == "evaluate" else grown
    movies = real.items / small[wide].items * np.array(row["catalogue"])
    seconds = timings.settled(stage) + grown * timings.more(wide, stage) + movies
    return seconds, few + people * max(row["disk"] - few, 0)


def _train(
    stage: str,
    entry: params.ModelEntry,
    settings: Mapping[str, Any],
    real: Extent,
    small: Mapping[str, Extent],
    timings: Timings,
) -> Planned:
    world, wide = timed_in(entry, small)
    row, scored, rest = (timings.last[where, stage] for where in (world, wide, SLICE))
    sizes = real.of(entry)
    takes, took, part = cost(entry, sizes), *(cost(entry, small[where].of(entry)) for where in (world, SLICE))
    ranked = _ranked(sizes) / _ranked(small[wide].of(entry)) * np.array(scored["validation"])
    around = _whole(rest) - np.array(rest["validation"]) - np.array(rest["saving"]) - timings.settled(stage)
    if takes.epochs:
        ranked = ranked / len(scored["epochs"])
        saved = takes.kept / took.kept * np.array(row["saving"]) / len(row["epochs"])
        epoch = takes.work / took.work * np.array(row["epochs"][-1]) + ranked + saved
        around = around - np.sum(rest["epochs"], axis=0)
        once = np.maximum(around, 0) * sizes.train / small[SLICE].of(entry).train
    else:
        epoch = np.zeros(2)
        once = np.maximum(around, 0) * takes.work / part.work + ranked
    first = f"train@{_first_of_its_kind(entry.name, settings)}"
    return Planned(
        stage,
        timings.loading(first) + timings.settled(stage) * (not takes.epochs) + once + takes.epochs * epoch,
        timings.base(first) + peak(stage, settings, real).bytes,
        takes.kept,
        takes.epochs,
        epoch,
    )


def _ranked(sizes: Sizes) -> float:
    """What a validation by NDCG goes through: all movies for everyone held out."""
    return max(min(sizes.users, sizes.validation), 1) * sizes.items


def _first_of_its_kind(name: str, settings: Mapping[str, Any]) -> str:
    """The first model of the same algorithm: the one in whose rehearsal everything was loaded."""
    algorithm = settings["models"][name]["algorithm"]
    return next(other for other, block in settings["models"].items() if block["algorithm"] == algorithm)


def quiet(seconds: float, processor_seconds: float) -> list[float]:
    """Where others want the machine too, the clock shows more than the processor: then that is the time."""
    return [min(seconds, processor_seconds), processor_seconds]


def _spans(value: Any) -> Any:
    """Every pair of times in a row of a rehearsal, as on a quiet machine."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, float) for one in value):
        return quiet(*value)
    return [_spans(one) for one in value] if isinstance(value, list) else value


def _whole(row: Mapping[str, Any]) -> Seconds:
    return np.array(row["whole"])
