"""From the timings of small worlds to what the real run takes, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marquee.foundation import params
from marquee.foundation.cost import Cost, Sizes
from marquee.planning.memory import cost, peak
from marquee.planning.schedule import DATA, closing, firsts, places, shown
from marquee.planning.sizes import Extent
from marquee.planning.worlds import FEW, MANY, TINY

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

    def base(self, stage: str) -> float:
        """Bytes that the interpreter holds by then, with next to no data."""
        return 1024 * self.first[TINY, stage]["peak"]


@dataclass(frozen=True)
class Growth:
    """From the worlds in which a stage is timed to the real one: along the straight line through both, or,
    where it is timed in one, through that and the one with next to no data."""

    timings: Timings
    real: Extent
    small: Mapping[str, Extent]

    def of(
        self,
        stage: str,
        worlds: Sequence[str],
        size: Callable[[Extent], float],
        part: Callable[[Mapping[str, Any]], Any],
    ) -> Any:
        """`part` of the stage's row where `size` is the real world's; it does not fall."""
        few, many = worlds if len(worlds) > 1 else (TINY, worlds[0])
        low, high, there = (size(extent) for extent in (self.small[few], self.small[many], self.real))
        less, more = (part(self.timings.last[world, stage]) for world in (few, many))
        return more + np.maximum(more - less, 0) * (there - high) / max(high - low, 1)


def planned(
    settings: Mapping[str, Any], real: Extent, small: Mapping[str, Extent], timings: Timings
) -> list[Planned]:
    """Every stage of a run, in its order; `small` are the extents of the worlds that were rehearsed."""
    growth, where, models = Growth(timings, real, small), places(settings, small), settings["models"]
    last, compared = closing(where)
    several = len(models) / len(compared)

    def row(stage: str, seconds: Seconds, disk: float, begun: str | None = None) -> Planned:
        """`begun` is the stage by which all that this one needs was loaded."""
        memory = timings.base(begun or stage) + peak(stage, settings, real).bytes
        return Planned(stage, seconds, memory, disk)

    def whole(stage: str, worlds: Sequence[str], size: Callable[[Extent], float]) -> tuple[Seconds, float]:
        return growth.of(stage, worlds, size, _whole), growth.of(stage, worlds, size, _disk)

    found = []
    for stage in DATA:
        seconds, disk = whole(stage, (FEW, MANY) if FEW in small else (MANY,), _ratings)
        if stage == "download" and not real.simulated:  # which takes what the network takes
            seconds = np.zeros(2)
        found.append(row(stage, timings.loading(stage) + seconds, disk))
    for name in models:
        stage, entry = f"train@{name}", params.model(settings, name)
        begun = f"train@{_first_of_its_kind(name, settings)}"
        once, epoch = _fit(stage, entry, where[name], growth)
        takes = cost(entry, real.of(entry))
        seconds = timings.loading(begun) + once + takes.epochs * epoch
        memory = timings.base(begun) + peak(stage, settings, real).bytes
        found.append(Planned(stage, seconds, memory, takes.kept, takes.epochs, epoch))
    disk = sum(growth.of(f"evaluate@{name}", where[name], _users, _disk) for name in models)
    found.append(row("evaluate", _scoring(settings, where, growth), disk, f"evaluate@{firsts(models)[-1]}"))
    gallery = timings.last[last[-1], "pictures"]
    drawn = len(models) / len(set(compared).intersection(shown(models, compared)))
    read = (real.ratings / small[last[-1]].ratings - 1) * _reading(gallery)
    found.append(row("pictures", drawn * _whole(gallery) + read, drawn * gallery["disk"], "compare"))
    seconds, disk = whole("compare", last, _users)
    found.append(row("compare", timings.loading("compare") + several * seconds, several * disk))
    page = timings.last[last[-1], "report"]
    read = growth.of("report", last, _ratings, _reading)
    seconds = timings.loading("report") + several * (_whole(page) - _reading(page)) + read
    found.append(row("report", seconds, several * page["disk"]))
    return found


def _fit(
    stage: str, entry: params.ModelEntry, worlds: Sequence[str], growth: Growth
) -> tuple[Seconds, Seconds]:
    """Seconds around the epochs, loading left out, and of each."""

    def by(size: Callable[[Any, Cost], float]) -> Callable[[Extent], float]:
        return lambda extent: size(extent.of(entry), cost(entry, extent.of(entry)))

    def of(part: str) -> Callable[[Mapping[str, Any]], Seconds]:
        return lambda row: np.array(row[part]) / (len(row["epochs"]) or 1)

    ranked = growth.of(stage, worlds, by(lambda sizes, _: _ranked(sizes)), of("validation"))
    if not cost(entry, growth.real.of(entry)).epochs:
        rest = growth.of(
            stage,
            worlds,
            by(lambda _, takes: takes.work),
            lambda row: _whole(row) - np.array(row["validation"]),
        )
        return rest + ranked, np.zeros(2)
    last = growth.of(stage, worlds, by(lambda _, takes: takes.work), _pass)
    saved = growth.of(stage, worlds, by(lambda _, takes: takes.kept), of("saving"))
    around = growth.of(stage, worlds, by(lambda sizes, _: sizes.train), _around)
    return around, last + ranked + saved


def _around(row: Mapping[str, Any]) -> Seconds:
    """Of a fit, all but its epochs: what the first one takes longer is setting up."""
    within = np.array(row["validation"]) + np.array(row["saving"])
    return np.maximum(_whole(row) - within - len(row["epochs"]) * _pass(row), 0)


def _pass(row: Mapping[str, Any]) -> Seconds:
    """Of an epoch that sets nothing up."""
    return np.min(row["epochs"][1:] or row["epochs"], axis=0)


def _scoring(settings: Mapping[str, Any], where: Mapping[str, Sequence[str]], growth: Growth) -> Seconds:
    """Of the process that measures all models: what each algorithm loads, each task's data, each model."""
    models = settings["models"]
    seconds = sum((growth.timings.loading(f"evaluate@{name}") for name in firsts(models)), np.zeros(2))
    for name in models:
        seconds += growth.of(
            f"evaluate@{name}",
            where[name],
            lambda extent: extent.users * extent.items,
            lambda row: _whole(row) - _reading(row),
        )
    for task in {block["task"] for block in models.values()}:
        alike = [name for name in models if models[name]["task"] == task]
        most = max(alike, key=lambda name: growth.small[where[name][-1]].ratings)
        seconds += growth.of(f"evaluate@{most}", where[most], _ratings, _reading)
    return seconds


def _ranked(sizes: Sizes) -> float:
    """What a validation by NDCG goes through: all movies for everyone held out."""
    return max(min(sizes.users, sizes.validation), 1) * sizes.items


def _ratings(extent: Extent) -> float:
    return extent.ratings


def _users(extent: Extent) -> float:
    return extent.users


def _first_of_its_kind(name: str, settings: Mapping[str, Any]) -> str:
    """The first model of the same algorithm: the one in whose rehearsal everything was loaded."""
    algorithm = settings["models"][name]["algorithm"]
    return next(
        other for other in firsts(settings["models"]) if settings["models"][other]["algorithm"] == algorithm
    )


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


def _reading(row: Mapping[str, Any]) -> Seconds:
    return np.array(row["reading"])


def _disk(row: Mapping[str, Any]) -> float:
    return row["disk"]
