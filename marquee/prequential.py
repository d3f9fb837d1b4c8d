"""Evaluate a model on a stream of ratings: predict a batch, score the predictions, learn the batch.

Prequential evaluation (Dawid 1984; Gama, Sebastião and Rodrigues 2013) needs no held-out set: every rating is
predicted before it is learned. What is compared are ways to learn, `POLICIES`, of one model on one stream.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marquee import recommenders
from marquee.config import ModelEntry
from marquee.data.changes import Changes, UpdateData, changed
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.evaluation.evaluate import Evaluation, evaluate_ranking, evaluate_rating
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard.significance import Ratio, bootstrap, interval
from marquee.leaderboard.table import ratios_of
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.serving.online import Positives
from marquee.training.progress import Arrays, FitProgress

POLICIES = ("never", "fold_in", "update", "refit")
METRICS = ("ndcg@10", "rmse")
RESAMPLES, CONFIDENCE = 1000, 0.95
VALIDATION = 0.1  # of the ratings before the stream, the last ones: they choose the number of epochs, once
SECONDS = {"h": 3600, "d": 86400}


@dataclass(frozen=True)
class Stream:
    """Ratings in the order of time, and where its batches begin.

    ratings  users are numbered in the order in which they come
    cuts     int64 [n_batches + 1]: batch b is rows cuts[b]:cuts[b + 1]; those before are for the first fit
    scale    lowest and highest rating
    """

    ratings: Ratings
    cuts: np.ndarray
    catalogue: Catalogue
    scale: tuple[float, float]
    positives: Positives


def stream_of(
    ratings: Ratings,
    catalogue: Catalogue,
    scale: tuple[float, float],
    positives: Positives,
    start: float,
    every: str,
) -> Stream:
    """Order `ratings` by time, and cut them into batches after the first `start` of them.

    every  `5000`: so many ratings, `12h` or `2d`: so long. A batch without a rating is left out.

    Raises MarqueeError where the ratings have no times, and for less than one batch.
    """
    order = np.argsort(ratings.timestamp, kind="stable")
    whole = ratings.take(order)
    if not len(whole) or whole.timestamp[0] == whole.timestamp[-1]:
        raise MarqueeError("the ratings have no order in time: marquee online needs timestamps")
    users, first = np.unique(whole.user, return_index=True)
    place = np.empty(int(users[-1]) + 1, np.int32)
    place[users[np.argsort(first)]] = np.arange(len(users), dtype=np.int32)
    begin = round(start * len(whole))
    if every[-1:] in SECONDS:
        length = float(every[:-1]) * SECONDS[every[-1]]
        period = (whole.timestamp[begin:] - whole.timestamp[begin]) // length
        cuts = begin + np.flatnonzero(np.diff(period, prepend=-1))
    else:
        size = int(every)
        n = max(1, round((len(whole) - begin) / size))  # what is less than half a batch joins the last one
        cuts = begin + size * np.arange(n)
    if not 0 < begin < len(whole):
        raise MarqueeError(f"--start {start:g} leaves no rating to learn or to predict: choose 0.5 to 0.99")
    return Stream(
        replace(whole, user=place[whole.user]), np.append(cuts, len(whole)), catalogue, scale, positives
    )


@dataclass(frozen=True)
class Point:
    """One batch as one policy met it: `per_user` values of its metrics, and the seconds it took to learn."""

    policy: str
    batch: int
    result: Evaluation
    seconds: float


def run(
    name: str,
    entry: ModelEntry,
    stream: Stream,
    policies: Sequence[str],
    negatives: NegativeOptions,
    seed: int,
    refit_every: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> list[Point]:
    """Return a point for each batch and policy.

    never    the model of the first fit, which knows nobody who came later
    fold_in  the same, with every user of a batch folded in with all ratings before it
    update   `Recommender.update` after each batch
    refit    a fit on everything after every `refit_every`-th batch

    The number of epochs is chosen before the stream begins, on the last of the ratings before it.
    """
    first = stream.ratings.take(np.arange(stream.cuts[0]))
    fits = _Fits(name, entry, stream, negatives, seed)
    fits.choose_epochs(first)
    known, before = _learned(Ratings.empty(), first, None), fits.learn(Ratings.empty(), first)
    fitted, checkpoint = fits.fit(before)
    models = dict.fromkeys(policies, fitted)
    points = []
    for batch, (begin, end) in enumerate(zip(stream.cuts[:-1], stream.cuts[1:], strict=True)):
        rows = stream.ratings.take(np.arange(begin, end))
        changes = fits.changes(before, rows)
        for policy in policies:
            answering = _Answering(models[policy], before if policy == "fold_in" else None, rows.user)
            result = _evaluate(entry.task, answering, stream, known, before, rows)
            began = time.perf_counter()
            if policy == "update":
                data = UpdateData(changes, stream.catalogue, checkpoint)
                models[policy] = models[policy].update(data, named_rng(seed, f"update {batch}"))
            elif policy == "refit" and (batch + 1) % refit_every == 0:
                models[policy], _ = fits.fit(changes.after)
            if result is not None:
                points.append(Point(policy, batch, result, time.perf_counter() - began))
        known, before = _learned(known, rows, None), changes.after
        say(f"{name}: batch {batch + 1} of {len(stream.cuts) - 1}")
    return points


class _Fits:
    """Fit one block of `models:` on what is known at a moment."""

    def __init__(
        self, name: str, entry: ModelEntry, stream: Stream, negatives: NegativeOptions, seed: int
    ) -> None:
        self.name, self.entry, self.stream, self.negatives, self.seed = name, entry, stream, negatives, seed
        self.options = dict(entry.options)
        self.law = json.dumps({"sampling": negatives.sampling, "alpha": negatives.alpha})

    def changes(self, before: Ratings, rows: Ratings) -> Changes:
        before, positives = replace(before, sampling=self.law), self.stream.positives
        if self.entry.task == "rating":
            return changed(before, rows)
        return changed(before, rows, positives.threshold, positives.weigh)

    def learn(self, before: Ratings, rows: Ratings) -> Ratings:
        return self.changes(before, rows).after

    def choose_epochs(self, first: Ratings) -> None:
        """Set the number of epochs to the best one of a fit on the older ratings, by the newer ones."""
        cut = round((1 - VALIDATION) * len(first))
        older, newer = first.take(np.arange(cut)), first.take(np.arange(cut, len(first)))
        train = self.learn(Ratings.empty(), older)
        newer = self.learn(Ratings.empty(), newer.take(newer.user <= train.user.max(initial=-1)))
        progress = FitProgress(self.name, show=False)
        if "epochs" in self.options and len(newer):
            self.fit(train, newer, progress)
            sign = 1 if self.entry.task == "ranking" else -1
            best = max(progress.rows, key=lambda row: sign * row["validation"])
            self.options["epochs"] = int(best["epoch"])

    def fit(
        self, train: Ratings, validation: Ratings | None = None, progress: FitProgress | None = None
    ) -> tuple[Recommender, tuple[Arrays, Mapping[str, Any]] | None]:
        """Return the model, and what an update takes of its training."""
        model = recommenders.create(
            self.entry.algorithm, self.entry.task, self.options, f"models.{self.name}"
        )
        progress = progress or LastEpoch()
        catalogue = replace(self.stream.catalogue, n_users=int(train.user.max(initial=-1)) + 1)
        if model.uses_negatives and self.entry.task == "ranking":
            random = KeyedRandom(self.seed, "negatives")
            train = add_negatives(train, catalogue.n_items, self.negatives, random)
        data = TrainingData(train, Ratings.empty() if validation is None else validation, catalogue)
        model.fit(data, named_rng(self.seed, f"train@{self.name}"), progress)
        return model, progress.last if isinstance(progress, LastEpoch) else None


class LastEpoch(FitProgress):
    """Keep in memory what a fit stores after its last epoch."""

    last: tuple[Arrays, Mapping[str, Any]] | None = None

    def __init__(self) -> None:
        super().__init__(show=False)

    def save(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        self.last = arrays, metadata


class _Answering:
    """A model at a moment. A user that it does not know gets what it tells anybody.

    histories  what is known of all users, for those of a batch to be folded in with; None: the model's own
    """

    def __init__(self, model: Recommender, histories: Ratings | None, users: np.ndarray) -> None:
        self.model, self.users = model, np.unique(users)
        self.n_known = model.n_users if histories is None else 0
        own = Ratings.empty() if histories is None else histories.take(np.isin(histories.user, self.users))
        place = np.searchsorted(self.users, own.user).astype(np.int32)
        beyond = Ratings.of([len(self.users)], [0], own.rating[:1] if len(own) else 1.0)
        self.view = model.fold_in(concat(replace(own, user=place, negatives=None), beyond))

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self._ask(users, lambda model, rows, own: model.scores(own))

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self._ask(users, lambda model, rows, own: model.predict(own, items[rows]))

    def _ask(self, users: np.ndarray, ask: Callable[[Recommender, np.ndarray, np.ndarray], Any]) -> Any:
        known = users < self.n_known
        parts = []
        for model, rows in ((self.model, np.flatnonzero(known)), (self.view, np.flatnonzero(~known))):
            own = users[rows] if model is self.model else np.searchsorted(self.users, users[rows])
            if len(rows):
                parts.append((rows, ask(model, rows, own.astype(np.int32))))
        found = np.empty((len(users), *parts[0][1].shape[1:]), np.float32)
        for rows, values in parts:
            found[rows] = values
        return found


def _evaluate(
    task: str, model: _Answering, stream: Stream, known: Ratings, before: Ratings, rows: Ratings
) -> Evaluation | None:
    """Return what the metrics say of a batch; None where nobody in it has a positive that a list may hold."""
    catalogue = replace(stream.catalogue, n_users=int(max(rows.user.max(), known.user.max(initial=0))) + 1)
    users = np.unique(rows.user)
    own = known.take(np.isin(known.user, users))
    if task == "rating":
        low, high = stream.scale
        threshold = stream.positives.threshold
        return evaluate_rating(model, before, rows, low, high, own, threshold, None, catalogue, (10,))
    relevant = rows.take(rows.rating >= stream.positives.threshold)
    if not len(relevant):
        return None
    return evaluate_ranking(model, own, relevant, None, catalogue, (10,), before)


def _learned(known: Ratings, rows: Ratings, threshold: float | None) -> Ratings:
    return changed(known, rows, threshold).after


def curve(name: str, stream: Stream, points: Sequence[Point], seed: int) -> list[dict[str, Any]]:
    """Return a row for each point: its metrics with intervals over the users of the batch."""
    rows = []
    for point in points:
        begin, end = stream.cuts[point.batch : point.batch + 2]
        row: dict[str, Any] = {
            "model": name,
            "policy": point.policy,
            "batch": point.batch,
            "from": int(stream.ratings.timestamp[begin]),
            "until": int(stream.ratings.timestamp[end - 1]),
            "ratings": int(end - begin),
            "users": len(point.result.per_user["user"]),
        }
        result = ModelResult(name, "", point.result.metrics, point.result.per_user)
        found = {key: ratio for key, ratio in ratios_of(result).items() if key in METRICS}
        figures = bootstrap([*found.values()], RESAMPLES, named_rng(seed, f"batch {point.batch}"))
        for column, metric in enumerate(found):
            low, high = interval(figures[:, column], CONFIDENCE)
            row |= {metric: float(figures[0, column]), f"{metric}_low": low, f"{metric}_high": high}
        rows.append({**row, "seconds": point.seconds})
    return rows


def summary(name: str, points: Sequence[Point], seed: int) -> list[dict[str, Any]]:
    """Return for each policy and metric the value over the whole stream, and how far it is from `never`.

    A user's batches are one sampling unit: intervals are over users, and differences are paired.
    """
    policies = list(dict.fromkeys(point.policy for point in points))
    seconds = {policy: sum(p.seconds for p in points if p.policy == policy) for policy in policies}
    rows = []
    for metric in METRICS:
        pooled = {
            policy: _pooled([p.result for p in points if p.policy == policy], metric) for policy in policies
        }
        ratios = [ratio for ratio in pooled.values() if ratio is not None]
        if not ratios:
            continue
        figures = bootstrap(ratios, RESAMPLES, named_rng(seed, "stream"))
        for column, policy in enumerate(policies):
            low, high = interval(figures[:, column], CONFIDENCE)
            row = {"model": name, "policy": policy, "metric": metric, "value": float(figures[0, column])}
            row |= {"low": low, "high": high}
            if "never" in policies:
                difference = figures[:, column] - figures[:, policies.index("never")]
                low, high = interval(difference, CONFIDENCE)
                row |= {"from_never": float(difference[0]), "from_low": low, "from_high": high}
            rows.append({**row, "seconds": seconds[policy]})
    return rows


def _pooled(results: Sequence[Evaluation], metric: str) -> Ratio | None:
    """Add up a metric's terms by user over all batches; None where no batch has it."""
    found = [
        (result.per_user["user"], ratios_of(ModelResult("", "", result.metrics, result.per_user))[metric])
        for result in results
        if metric in result.metrics
    ]
    if not found:
        return None
    n = 1 + max(int(users.max()) for users, _ in found)
    total, count = np.zeros(n), np.zeros(n)
    for users, ratio in found:
        defined = ~np.isnan(ratio.total)
        weight = np.ones(len(users)) if ratio.count is None else ratio.count
        np.add.at(total, users[defined], ratio.total[defined])
        np.add.at(count, users[defined], weight[defined])
    return Ratio(total, count, found[0][1].root)
