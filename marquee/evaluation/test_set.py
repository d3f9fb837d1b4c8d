"""The test set of a task, with what its models may know, and the folder that an evaluation is stored in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from marquee.data.ratings import Catalogue, Ratings, pairs_of
from marquee.data.sampling import Candidates
from marquee.evaluation import residuals
from marquee.evaluation.evaluate import Evaluation, evaluate_ranking, evaluate_rating
from marquee.evaluation.learned import Learned, write_learned
from marquee.evaluation.long_tail import long_tail
from marquee.evaluation.metrics import Columns
from marquee.io import (
    as_array,
    as_table,
    atomic_folder,
    read_parquet,
    read_sealed,
    reading,
    sha256,
    to_arrays,
    write_parquet,
    write_sealed,
)
from marquee.parallel import counts

GROUPS = "groups.parquet"
GROUPED_BY = ("age", "gender")  # columns of data/users.parquet, where the release has them


@dataclass(frozen=True)
class TestSet:
    """One task's test rows, and the rows that a model has learned from or may know beside them.

    train               what the model was fitted on
    validation          what chose its epoch; never recommended again
    fold_in             ratings of users who were held out whole; empty under most splits
    candidates          the items that each user's test items are ranked among
    scale               the lowest and the highest rating
    positive_threshold  the rating from which a test rating counts as relevant
    ks                  list lengths
    low_rated           pairs below the threshold that lists leave out, too
    variants            further metrics of the ranking task, see `evaluate_ranking`
    """

    __test__ = False  # no test class, whatever its name says

    task: str
    train: Ratings
    validation: Ratings
    fold_in: Ratings
    test: Ratings
    candidates: Candidates
    catalogue: Catalogue
    scale: tuple[float, float]
    positive_threshold: float
    ks: tuple[int, ...]
    low_rated: Ratings = field(default_factory=Ratings.empty)
    variants: tuple[str, ...] = ()

    def known(self, column: str) -> np.ndarray:
        """Count the training ratings of each "user" or "item", those of folded-in users included."""
        n = self.catalogue.n_users if column == "user" else self.catalogue.n_items
        return counts(getattr(self.train, column), n) + counts(getattr(self.fold_in, column), n)

    def evaluate(self, model: Any) -> Evaluation:
        """Evaluate `model`, with users who were held out whole folded in."""
        if len(self.fold_in):
            model = model.fold_in(self.fold_in)
        known, tested = pairs_of(self.train, self.fold_in), np.unique(self.test.user)
        seen = [self.train, self.fold_in, self.validation]
        if 2 * len(tested) < self.catalogue.n_users:  # nobody looks up what the others have seen
            seen = [part.of_users(tested) for part in seen]
        lists = self.candidates, self.catalogue, self.ks
        if self.task == "ranking":
            return evaluate_ranking(
                model,
                pairs_of(*seen),
                self.test,
                *lists,
                known,
                low_rated=self.low_rated,
                variants=self.variants,
            )
        low, high = self.scale
        threshold = self.positive_threshold
        return evaluate_rating(model, known, self.test, low, high, pairs_of(*seen), threshold, *lists)

    def errors(self, result: Evaluation) -> dict[str, Any] | None:
        """Tabulate where the predictions of `result` err; None for a ranking model."""
        if not result.pairs:
            return None
        low, high = self.scale
        scale = {"low": low, "high": high}
        return residuals.tables(result.pairs, self.known("user"), self.known("item"), scale)

    def grouped_by(self, result: Evaluation, users: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return `user` and what divides them into groups: `training_ratings`, and GROUPED_BY of `users`.

        users  columns of data/users.parquet
        """
        tested = result.per_user["user"]
        known = self.known("user")
        told = {name: [users[name][user] for user in tested.tolist()] for name in GROUPED_BY if name in users}
        return {"user": tested.tolist(), "training_ratings": known[tested].tolist(), **told}

    def tail(self, result: Evaluation) -> dict[str, Any] | None:
        """Count which part of the catalogue the lists of `result` come from; None for a rating model."""
        if result.pairs:
            return None
        return long_tail(self.train.item, result.lists["item"], self.catalogue.n_items)


@dataclass(frozen=True)
class ModelResult:
    """One model's `metrics`, `per_user` values and perhaps `lists` on one task, as `Evaluation` has them.

    groups  what divides its users into groups, as `TestSet.grouped_by` has it
    """

    model: str
    task: str
    metrics: Mapping[str, float]
    per_user: Columns
    lists: Columns | None = None
    groups: Mapping[str, Sequence[Any]] | None = None


def store(
    result: Evaluation,
    about: Mapping[str, Any],
    folder: Path,
    samples: Sequence[Mapping[str, Any]] | None = None,
    shown: Learned | None = None,
    groups: Mapping[str, Any] | None = None,
    **tables: Mapping[str, Any] | None,
) -> None:
    """Write metrics, per-user values, lists and, for ratings, predictions into `folder`.

    about    model and task, and what else metrics.json is to say
    samples  what `marquee.evaluation.samples` returns; None writes none
    shown    what the figures show of the model; None writes none
    groups   what `TestSet.grouped_by` returns; None writes none
    tables   further JSON files by name; None writes none
    """
    import pyarrow as pa

    with atomic_folder(folder) as partial:
        if samples is not None:
            write_sealed(partial / "samples.json", {"users": samples})
        if shown is not None:
            write_learned(partial, shown)
        if groups is not None:
            write_parquet(partial / GROUPS, pa.table(dict(groups)))
        write_parquet(partial / "per_user.parquet", as_table(result.per_user))
        write_parquet(partial / "lists.parquet", result.lists_table())
        if result.pairs:
            write_parquet(partial / "predictions.parquet", as_table(result.pairs))
        for name, content in tables.items():
            if content is not None:
                write_sealed(partial / f"{name}.json", content)
        files = {path.name: sha256(path) for path in sorted(partial.iterdir())}
        found = {**about, "metrics": result.metrics, "counts": result.counts, "files": files}
        write_sealed(partial / "metrics.json", found)


def load(folder: Path, whole: bool = False) -> ModelResult:
    """Read the metrics and per-user values that `store` wrote; if `whole`, its lists and groups, too.

    Raises MarqueeError for other files there.
    """
    path, values = folder / "metrics.json", folder / "per_user.parquet"
    found = read_sealed(path)
    with reading(path):
        result = ModelResult(found["model"], found["task"], found["metrics"], {})
        if folder.name not in (result.model, result.task):
            raise ValueError(f"it belongs to {result.model}")
        for name, hashed in found["files"].items():
            with reading(folder / name):
                if sha256(folder / name) != hashed:
                    raise ValueError("it is not the file that was evaluated")
        lists = _lists(folder / "lists.parquet") if whole else None
        groups = read_parquet(folder / GROUPS).to_pydict() if whole else None
    return replace(result, per_user=to_arrays(read_parquet(values)), lists=lists, groups=groups)


def _lists(path: Path) -> Columns:
    with reading(path):
        table = read_parquet(path, ["user", "item"])
        items = table["item"].combine_chunks()
        matrix = as_array(items.flatten()).reshape(-1, items.type.list_size)
        return {"user": as_array(table["user"]), "item": matrix}
