"""Count the rows of every stage, from the chosen release and the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from marquee import config
from marquee.config import BY_SHARE, SplitOptions
from marquee.data.ratings import lowest_positive
from marquee.data.splits import FOLD_IN
from marquee.errors import MarqueeError
from marquee.movielens.releases import HALF_STARS, SIMULATED, release
from marquee.recommenders.base import DataShape

CHANGING = {"ml-latest-small": (100_836, 610, 9_724)}  # ratings, users, items of 2018
# Percent of the ratings with each value from the lowest, in ML-100K and, with half stars, in ML-25M
PERCENT = {False: (6.1, 11.4, 27.1, 34.2, 21.2), True: (1.6, 3.1, 1.6, 6.6, 5.0, 19.6, 12.7, 26.6, 8.8, 14.4)}


@dataclass(frozen=True)
class Part:
    """Rows of one task's split."""

    train: int
    validation: int
    test: int
    fold_in: int
    test_users: int
    low_rated: int = 0  # rows below the threshold


@dataclass(frozen=True)
class PipelineSizes:
    """The counts of a release, its splits and its samples."""

    users: int
    items: int
    ratings: int
    simulated: bool
    zip: int  # bytes of the official archive; 0 where there is none
    parts: Mapping[str, Part]  # task -> its split
    per_positive: int
    candidates: int

    def of(self, entry: config.ModelEntry) -> DataShape:
        part = self.parts[entry.task]
        stored = self.per_positive if entry.train_data == "negatives" else 0
        return DataShape(self.users, self.items, part.train, part.validation, stored)


def pipeline_sizes(params: config.Params, card: Mapping[str, Any] | None = None) -> PipelineSizes:
    """Return the sizes as published, or as in `card`, the counts of ingest, if it describes this release.

    Raises MarqueeError for a release whose size only ingest can count.
    """
    known = release(params.dataset.name)
    simulator = params.simulator
    simulated, half = known.name == SIMULATED, known.scale == HALF_STARS
    counts = known.counts or CHANGING.get(known.name)  # ratings, users, items
    if simulated:
        counts, half = (simulator.ratings, simulator.users, simulator.movies), simulator.half_stars
        if card and card["ratings"] != simulator.ratings:
            card = None
    histogram = {0.5 + n / 2 if half else 1.0 + n: percent for n, percent in enumerate(PERCENT[half])}
    scale, implicit = (min(histogram), max(histogram), 0.5 if half else 1.0), params.implicit
    if card and card["name"] == known.name:
        counts = card["ratings"], card["users"], card["items"]
        histogram = dict(zip(card["histogram"]["rating"], card["histogram"]["count"], strict=True))
        scale = (card["scale"]["low"], card["scale"]["high"], card["scale"]["step"])
        implicit = card.get("feedback") == "implicit"
    if counts is None:
        raise MarqueeError(f"the size of {known.name} is not known: run `dvc repro ingest`, then plan again")
    ratings, users, items = counts
    parts = {}
    for task in config.TASKS:
        options, least = params.tasks[task], 0.0
        if task == "ranking":
            least = lowest_positive(options.positive_threshold, *scale, implicit)
        kept = sum(n for rating, n in histogram.items() if rating >= least or implicit)
        rows = 0 if implicit and task == "rating" else round(ratings * kept / sum(histogram.values()))
        low_rated = ratings - rows if task == "ranking" else 0
        parts[task] = replace(_part(rows, users, options), low_rated=low_rated)
    negatives, candidates = params.negatives.per_positive, min(params.candidates.per_user, items)
    return PipelineSizes(users, items, ratings, simulated, known.size, parts, negatives, candidates)


def _part(rows: int, users: int, options: SplitOptions) -> Part:
    """Return the parts of `rows`; splits given by files are taken to test on a fifth, as published ones."""
    if options.split in ("leave_last_out", "leave_random_out"):
        held = min(users, rows // 3)
        return Part(rows - 2 * held, held, held, 0, held)
    if options.split in BY_SHARE:
        validation, test = round(rows * options.validation), round(rows * options.test)
        return Part(rows - validation - test, validation, test, 0, min(users, test))
    if options.split == "user_holdout":
        held_out = round(rows * options.test)
        test = round(held_out * (1 - FOLD_IN))
        part = Part(rows - held_out, 0, test, held_out - test, min(round(users * options.test), test))
    else:
        pieces = {"k_fold": options.n_folds, "sliding_window": options.n_folds + 1}.get(options.split, 5)
        test = round(rows / pieces)
        windowed = options.split == "sliding_window"
        whole = round(rows * options.fold / pieces) if windowed else rows - test
        part = Part(whole, 0, test, 0, min(users, test))
    validation = round(part.train * options.validation)
    return replace(part, train=part.train - validation, validation=validation)
