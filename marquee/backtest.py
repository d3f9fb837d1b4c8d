"""Backtest: fit and evaluate models in each window of time, on what came before it.

The windows, seeds and candidates are those of the stages under `split: sliding_window`, so that a run of the
pipeline on one `fold` gives the numbers of that window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marquee.config import ModelEntry, Params
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import add_negatives, sample_candidates
from marquee.data.splits import Split, split
from marquee.data.time_order import time_warnings
from marquee.errors import MarqueeError
from marquee.evaluation.test_set import ModelResult, TestSet
from marquee.leaderboard.windows import Window
from marquee.recommenders import create
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.progress import FitProgress

RECENT = "popular_recent"  # the baseline that every table by time has
Say = Callable[[str], Any]


@dataclass(frozen=True)
class BacktestData:
    """What `ingest` stored.

    user_ids, movie_ids  the release's own
    scale                the lowest and the highest rating
    positive_threshold   the rating from which a rating is a positive
    implicit             whether every row is a positive, and its rating a count
    """

    ratings: Ratings
    catalogue: Catalogue
    user_ids: np.ndarray
    movie_ids: np.ndarray
    scale: tuple[float, float]
    positive_threshold: float
    implicit: bool

    def random(self, seed: int, purpose: str) -> KeyedRandom:
        return KeyedRandom(seed, purpose, self.user_ids, self.movie_ids)


def chosen_models(params: Params, task: str, names: list[str]) -> dict[str, ModelEntry]:
    """Return the blocks of `names`, or all of the task, and for ranking the baseline `popular_recent`.

    Raises MarqueeError for an unknown name and for a model of another task.
    """
    known = dict(params.models)
    if task == "ranking":
        known.setdefault(RECENT, ModelEntry(task, task, RECENT, {}))
    own = [name for name, entry in known.items() if entry.task == task]
    for name in names:
        if name not in own:
            entry = params.model(name)
            raise MarqueeError(f"models.{name} is for the {entry.task} task: pass --task {entry.task}")
    if not own:
        raise MarqueeError(f"params.yaml has no {task} model: add a block under models, or take another task")
    wanted = [*names, *[RECENT] * (task == "ranking")] if names else own
    return {name: known[name] for name in dict.fromkeys(wanted)}


def backtest(
    data: BacktestData, params: Params, task: str, models: Mapping[str, ModelEntry], say: Say
) -> list[Window]:
    """Return each window of `params.tasks[task]`, which splits by `sliding_window`, with its results.

    say  gets a line for each fit, and for what is unusual about the times
    """
    options = params.tasks[task]
    threshold = data.positive_threshold if task == "ranking" else None
    random = data.random(params.seed, f"split@{task}")
    windows = []
    for number in range(1, options.n_folds + 1):
        asked = replace(options, fold=number, positive_threshold=threshold)
        parts = split(data.ratings, asked, random, implicit=data.implicit)
        if number == 1:
            for warning in time_warnings(data.ratings, parts, options.split):
                say(f"warning: {warning}")
        test_set = _test_set(data, params, task, parts)
        window = Window(number, np.unique(parts.train.user), _about(parts))
        for name, entry in models.items():
            started = time.perf_counter()
            result = _evaluated(data, params, name, entry, test_set)
            window.results.append(result)
            say(f"window {number} of {options.n_folds}: {name}, {time.perf_counter() - started:.1f} s")
        windows.append(window)
    return windows


def _test_set(data: BacktestData, params: Params, task: str, parts: Split) -> TestSet:
    low_rated = parts.low_rated if params.evaluate.mask == "rated" else Ratings.empty()
    seen, sizes = (parts.train, parts.validation, parts.fold_in, low_rated), data.catalogue
    random = data.random(params.seed, f"candidates@{task}")
    candidates = sample_candidates(
        seen, parts.test, sizes.n_users, sizes.n_items, params.candidates.per_user, random
    )
    return TestSet(
        task,
        parts.train,
        parts.validation,
        parts.fold_in,
        parts.test,
        candidates,
        data.catalogue,
        data.scale,
        data.positive_threshold,
        params.evaluate.ks,
        low_rated,
    )


def _evaluated(
    data: BacktestData, params: Params, name: str, entry: ModelEntry, test_set: TestSet
) -> ModelResult:
    model = create(entry.algorithm, entry.task, entry.options, f"models.{name}")
    train = test_set.train
    if entry.train_data == "negatives":
        random, n_items = data.random(params.seed, "negatives"), data.catalogue.n_items
        train = add_negatives(train, n_items, params.negatives, random, data.user_ids)
    fit = TrainingData(train, test_set.validation, data.catalogue)
    model.fit(fit, named_rng(params.seed, f"train@{name}"), FitProgress(name, show=False))
    found = test_set.evaluate(model)
    return ModelResult(name, entry.task, found.metrics, found.per_user, found.lists)


def _about(parts: Split) -> dict[str, int]:
    users = np.unique(parts.test.user)
    return {
        "train_from": int(parts.train.timestamp.min()),
        "test_from": int(parts.test.timestamp.min()),
        "test_to": int(parts.test.timestamp.max()),
        "train": len(parts.train),
        "validation": len(parts.validation),
        "test": len(parts.test),
        "test_users": len(users),
        "new_users": int(np.isin(users, parts.train.user, invert=True).sum()),
    }
