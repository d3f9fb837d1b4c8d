"""Run one fit of a trial: the training of the pipeline, with other options, and paused where asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from marquee.config import ModelEntry
from marquee.errors import MarqueeError
from marquee.leaderboard.metrics import VALIDATED
from marquee.recommenders import create
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import named_rng
from marquee.training.progress import Arrays, FitProgress
from marquee.tuning import store
from marquee.tuning.store import PARTS, Fit, Fitted


@dataclass(frozen=True)
class Job:
    """Say what is tuned: a block of params.yaml, on whose seed, and the folder of the search's store.

    sampled  validation items are ranked among sampled candidates, and not in the whole catalogue
    """

    name: str
    entry: ModelEntry
    seed: int
    folder: Path
    sampled: bool = False

    @property
    def metric(self) -> str:
        """The metric by which trials are compared."""
        return "sampled_" * self.sampled + VALIDATED[self.entry.task]

    @property
    def higher_is_better(self) -> bool:
        return self.entry.task == "ranking"

    def model(self, options: Mapping[str, Any]) -> Recommender:
        """Return the untrained model of the block, with `options` in place of its own."""
        entry = self.entry
        return create(entry.algorithm, entry.task, {**entry.options, **options}, f"models.{self.name}")

    def best_of(self, values: Sequence[float]) -> float:
        return max(values) if self.higher_is_better else min(values)


class PausedProgress(FitProgress):
    """Write the checkpoint after epoch `last` only: a killed trial repeats one fit, which is short."""

    def __init__(self, checkpoint: Path, last: int | None) -> None:
        super().__init__(checkpoint=checkpoint, show=False)
        self.last = last

    def save(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        if self.last in (None, metadata["epoch"]):
            super().save(arrays, metadata)


def run(job: Job, fit: Fit, data: TrainingData) -> Fitted:
    """Fit as `train@<model>` would, from where the trial paused, and store the result.

    The random numbers are those of the stage, too: the winner's fit is the one that the pipeline repeats.
    """
    model = job.model(fit.options)
    if fit.epochs is not None:
        model.options = replace(model.options, epochs=min(fit.epochs, model.options.epochs))
    progress = PausedProgress(store.checkpoint(job.folder, fit.trial), fit.epochs)
    watch, users = Watch(), None
    try:
        model.fit(data, named_rng(job.seed, f"train@{job.name}"), progress)
        curve = [row["validation"] for row in progress.rows][: fit.epochs]  # a checkpoint may be further
        users = model.validate_users(data) if fit.whole else None
        if curve:
            value = job.best_of(curve)
        elif users is not None and job.entry.task == "ranking":
            value = float(users["total"].mean())  # as `validate` has it
        else:
            value = model.validate(data)
        found = watch.found(value, curve)
    except MarqueeError as error:  # such as a loss that is no longer finite
        found = watch.found(None, error=str(error))
    store.write(job.folder, fit, found, users)
    if fit.whole:
        progress.close()
    return found


def run_closed(job: Job, fits: Sequence[Fit], data: TrainingData) -> Iterator[tuple[Fit, Fitted]]:
    """Compare closed forms on one of `PARTS` of the validation users; work that they share is done once."""
    models = [job.model(fit.options) for fit in fits]
    part = replace(data, validation=some_users(data, named_rng(job.seed, f"tune@{job.name}")))
    fitted = type(models[0]).fit_each([model.options for model in models], data)
    watch = Watch()
    for place, model in fitted:
        model.task = job.entry.task
        try:
            found = watch.found(model.validate(part))
        except MarqueeError as error:
            found = watch.found(None, error=str(error))
        store.write(job.folder, fits[place], found)
        yield fits[place], found
        watch = Watch()


def some_users(data: TrainingData, rng: np.random.Generator) -> Any:
    """Return the validation rows of one of `PARTS` of its users, drawn from `rng`."""
    users = np.unique(data.validation.user)
    chosen = rng.permutation(users)[: -(-len(users) // PARTS)]
    return data.validation.take(np.isin(data.validation.user, chosen))


class Watch:
    """Measure the seconds and the peak memory of a fit, in MiB; None on a system without /proc."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew

    def found(self, value: float | None, curve: Sequence[float] = (), error: str = "") -> Fitted:
        seconds = round(time.perf_counter() - self.started, 3)
        return Fitted(value, list(curve), error, seconds, _peak_mib())


def _peak_mib() -> int | None:
    try:
        rows = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(row.split()[1]) // 1024 for row in rows if row.startswith("VmHWM")), None)
