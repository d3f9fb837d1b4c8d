"""The contract between a recommender and everything around it.

A module in this folder offers two names: `Options`, a frozen dataclass of what its block in params.yaml
may hold, and `Model`, a subclass of `Recommender`. The module's name is the `algorithm:` of that block.
docs/how-to/add-an-algorithm.md builds one step by step.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.evaluation.evaluate import validation_errors, validation_rmse
from marquee.evaluation.inner_product import pair_products
from marquee.evaluation.score_embeddings import item_score_embeddings, unit, user_score_embeddings
from marquee.training.loop import Trainer, train_epochs
from marquee.training.progress import Arrays, FitProgress, Progress
from marquee.training.training_data import TrainingData as TrainingData

if TYPE_CHECKING:
    from torch import nn

    from marquee.training.networks.trainer import TorchTrainer

RATING_BYTES = 20  # of a rating in memory: user, item and rating take 4 each, the timestamp 8
CSR_BYTES = 8  # of an entry of a sparse matrix: its column and its value
BLOCK = 1024  # items whose embeddings are in memory at a time


@dataclass(frozen=True)
class DataShape:
    """Count what a model learns from."""

    users: int
    items: int
    train: int  # ratings, or positives
    validation: int
    per_positive: int = 0  # stored negatives

    @property
    def rows(self) -> int:
        """Users and items: the rows of both factors."""
        return self.users + self.items


@dataclass(frozen=True)
class Cost:
    """State the memory of a fit.

    model_bytes     bytes of what `Recommender.state` returns
    training_bytes  bytes beside the model and the ratings at the peak of a fit, by the names of its arrays
    epochs          the maximum; 0 for a closed form
    reduce_with     the options that bring the memory down
    """

    model_bytes: int
    training_bytes: Mapping[str, int] = field(default_factory=dict)
    epochs: int = 0
    reduce_with: tuple[str, ...] = ()

    @property
    def peak_bytes(self) -> int:
        """Return the bytes that a fit needs at once beside the ratings."""
        copies = 3 if self.epochs else 1  # the model, its best epoch, and the checkpoint being written
        return copies * self.model_bytes + sum(self.training_bytes.values())


class Recommender(ABC):
    """Learn from ratings, then score every item for any user.

    A subclass declares `tasks`, `arrays` and `values`, and writes `cost`, `_fit`, `_fold_users`, and either
    `factors` or `scores` and `predict`. All else has a default.
    """

    tasks: ClassVar[frozenset[str]]  # what it can be trained for: "rating", "ranking"
    arrays: ClassVar[tuple[str, ...]] = ()  # the attributes that are its weights
    values: ClassVar[tuple[str, ...]] = ()  # the attributes that are stored as JSON beside them
    uses_negatives: ClassVar[bool] = False  # whether ranking is learned from sampled negatives
    task: str  # the one of `tasks` that this model is for
    n_users: int
    n_items: int
    fitted: Mapping[str, Any] = {}  # of a stored model: its data, and the parameters beside its options

    def __init__(self, options: Any) -> None:
        self.options = options
        self.task = min(self.tasks)  # where there are several, `create` sets the one that is asked for

    @classmethod
    @abstractmethod
    def cost(cls, options: Any, shape: DataShape) -> Cost:
        """Return the memory that a fit on data of this shape takes: the formulas of the class's docstring."""

    # Training

    @classmethod
    def fit_each(cls, every: Sequence[Any], data: TrainingData) -> Iterator[tuple[int, Self]]:
        """Yield (index in `every`, fitted model) for each options in `every`, in any order.

        `every` holds options of a closed form, to be compared on the validation data. A class may share work
        between the models and round more than `fit` does. A model does not depend on what else is in `every`,
        and is valid until the next one is asked for.
        """
        for place, options in enumerate(every):
            yield place, cls(options).fit(data)

    def fit(
        self, data: TrainingData, rng: np.random.Generator | None = None, progress: Progress | None = None
    ) -> Self:
        """Learn from `data`, and return the model itself.

        rng       the only source of chance; None: the same one each time
        progress  receives the learning curve and checkpoints; None: neither is shown or stored
        """
        self.n_users, self.n_items = data.catalogue.n_users, data.catalogue.n_items
        self._fit(data, rng or np.random.default_rng(0), progress or FitProgress(show=False))
        return self

    @abstractmethod
    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        """Set the weights. `n_users` and `n_items` are known by now."""

    def _train(
        self,
        trainer: Trainer,
        data: TrainingData,
        progress: Progress,
        use: Callable[[Arrays], None] | None = None,
    ) -> int:
        """Train to the best epoch on the validation data, and return its number.

        use  sets the model's weights from the trainer's; None where the trainer moves the model's own
        """

        def validate() -> float:
            if use:
                use(trainer.weights())
            return self.validate(data)

        try:
            best_epoch = train_epochs(
                trainer,
                self.options.epochs,
                self.options.patience,
                validate if len(data.validation) else None,
                progress,
                higher_is_better=self.task == "ranking",
            )
        finally:
            data.close()
        if use:
            use(trainer.weights())
        return best_epoch

    def validate(self, data: TrainingData) -> float:
        """Return NDCG@10 (among `data.candidates`, if any) or, for rating, RMSE on the validation data."""
        if self.task == "ranking":
            return float(data.ranked.ndcg(self, self.n_items).mean())
        return validation_rmse(self, data.validation)

    def validate_users(self, data: TrainingData) -> dict[str, np.ndarray]:
        """Return what `validate` is made of, float64 [users of the validation data] each, users ascending.

        `total` is the NDCG@10 and `count` 1 for ranking, squared errors and ratings for rating.
        """
        if self.task == "ranking":
            ndcg = data.ranked.ndcg(self, self.n_items)
            return {"total": ndcg, "count": np.ones(len(ndcg))}
        errors = validation_errors(self, data.validation)
        return {"total": errors["squared_error"], "count": errors["n"]}

    # Learning on

    def update(self, data: UpdateData, rng: np.random.Generator | None = None) -> Self:
        """Return a model that has learned `data.changes`, too; this one stays as it is.

        rng  the only source of chance; None: the same one each time

        Its `n_users` grows to `data.changes.n_users`: new users come after the known ones. Users who rated
        are solved for first, with the items fixed, then the items they rated, as the fit solves for them.
        EASE, and models of counts alone, become what a fit on `data.changes.after` gives; each class states
        how close its update comes. Without changes the result is this model, byte for byte. An update takes
        the memory of a fit.
        Raises MarqueeError where the algorithm has no update.
        """
        model = copy(self)
        model.n_users = max(self.n_users, data.changes.n_users)
        if len(data.changes.users):
            model._update(data, rng or np.random.default_rng(0))
        return model

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        """Replace the weights, and change none in place. `self` is the copy; its `n_users` is known."""
        raise MarqueeError(
            f"{self.algorithm} has no update: run `dvc repro` with the new ratings in the data set"
        )

    # Answers

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray] | None:
        """Return float32 [len(users), d] and [n_items, d] whose product is all scores, or None.

        Ranking then takes a fraction of the time that `scores` takes (`marquee.evaluation.inner_product`).
        """
        return None

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return float32 [len(users), n_items] for int32 `users` [n]: finite, higher is better."""
        left, right = self._factors(users)
        return left @ right.T

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float32 [n]: the ratings of the pairs (users[i], items[i]), on the scale but not clipped."""
        if self.task == "ranking":
            raise MarqueeError(f"{self.algorithm} ranks items and predicts no ratings: choose a rating model")
        left, right = self._factors(users)
        return pair_products(left, right[items])

    @property
    def predicts_products(self) -> bool:
        """Return whether a predicted rating is the product of two `factors`."""
        return type(self).predict is Recommender.predict and self.factors(slice(0)) is not None

    def _factors(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = self.factors(users)
        assert found is not None, f"{self.algorithm} must define factors, or scores and predict"
        return found

    def fold_in(self, histories: Ratings) -> Self:
        """Return a view that scores the users of `histories`, whose ids are 0..max, without training on them.

        The view shares this model's item side, unchanged. A user without ratings is allowed before one who
        has some. Each class states how close a training user's own history brings that user.
        """
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view._fold_users(histories)
        return view

    @abstractmethod
    def _fold_users(self, histories: Ratings) -> None:
        """Replace the user side by that of `histories`. `self` is the view; its `n_users` is known by now."""

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray | None:
        """Return float32 [len(history), len(items)]: what each rating of one user adds to each item's score.

        None where a score is no such sum; `marquee.serving.top_n` then leaves out each rating in turn.
        """
        return None

    # What was learned of items

    def item_embeddings(self, items: np.ndarray) -> np.ndarray | None:
        """Return [n, any] for `items` [n]: rows whose cosines are similarities; None if there are none.

        A row may be as long as the catalogue: ask for some items at a time.
        """
        return None

    def unit_embeddings(self, items: np.ndarray) -> np.ndarray:
        """Return float32 [n, d] for `items` [n]: embeddings of length 1; 0 for an item without any effect.

        Where there are no embeddings, an item is described by its scores (`item_score_embeddings`).
        """
        vectors = self.item_embeddings(items)
        return unit(item_score_embeddings(self, self.n_users, items) if vectors is None else vectors)

    def unit_user_embeddings(self, users: np.ndarray) -> np.ndarray:
        """Return float32 [n, d] for `users` [n]: vectors of length 1; 0 for a user whose scores are usual.

        A user is described by scores (`user_score_embeddings`). So every model has them, and users of one
        taste are close whatever their level is.
        """
        return unit(user_score_embeddings(self, self.n_users, self.n_items, users))

    def item_similarities(self, item: int) -> np.ndarray:
        """Return float32 [n_items]: the cosine of each item with `item`; all 0 if that has no embedding."""
        items = np.arange(self.n_items)
        own = self.unit_embeddings(items[item : item + 1])[0]
        sampled = self.item_embeddings(items[:1]) is None
        step = self.n_items if sampled else BLOCK  # the sampled users are scored once for all items
        blocks = (items[first : first + step] for first in range(0, self.n_items, step))
        return np.concatenate([self.unit_embeddings(block) @ own for block in blocks])

    def item_biases(self) -> np.ndarray | None:
        """Return [n_items]: what is added to each item's rating for every user; None without such a part."""
        return None

    def genre_embeddings(self) -> np.ndarray | None:
        """Return [n_genres, any], in the catalogue's order: what was learned of genres; None if nothing."""
        return None

    def report_counts(self) -> dict[str, int]:
        """Return counts for the model's metrics file, such as items that it leaves to popularity."""
        return {}

    # Storage

    @property
    def algorithm(self) -> str:
        """The name of the module, as params.yaml has it."""
        return type(self).__module__.rpartition(".")[2]

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return everything that `from_state` needs: named arrays, and a block of JSON."""
        return {name: getattr(self, name) for name in self.arrays}, {
            name: getattr(self, name) for name in self.values
        }

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        """Return the model that `state` described."""
        model = cls(options)
        vars(model).update(arrays, **metadata)
        return model


class NetworkRecommender(Recommender):
    """A recommender whose weights are those of a torch module, which `build` returns.

    torch takes a second to import. A method that can do without it takes what it needs of `weights`.
    """

    weights: Arrays  # the module's `state_dict`

    @abstractmethod
    def build(self, n_users: int) -> nn.Module:
        """Return the untrained module for so many users."""

    def network(self) -> nn.Module:
        """Return the trained module on the processor; it shares the memory of `weights`."""
        from marquee.training.networks.layers import with_weights

        return with_weights(partial(self.build, len(self.weights[self.tables("user")[0]])), self.weights)

    def tables(self, side: str) -> list[str]:
        """Return the names of the weights that have a row for each user, or each item: its embeddings."""
        return sorted(name for name in self.weights if re.search(rf"(^|\.){side}(_bias)?\.weight$", name))

    def _use(self, weights: Arrays) -> None:
        self.weights = weights

    def _fold_network(self, histories: Ratings, **loss: Any) -> None:
        """Replace the users' embeddings; `loss` is what `fold_in_network` is to minimize."""
        from marquee.training.networks.fold_in import fold_in_network

        tables = self.tables("user")
        self.weights = self.weights | fold_in_network(self.network(), tables, histories, **loss)

    @abstractmethod
    def _trainer(self, train: Ratings, rng: np.random.Generator, fresh: bool) -> TorchTrainer:
        """Return what trains on `train`: of untrained weights if `fresh`, else of those that it is given."""

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        from marquee.training.networks.further import learn_on

        self.weights = learn_on(self, data, rng)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return self.weights, super().state()[1]

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = super().from_state(options, {}, {"weights": arrays, **metadata})
        if not model.tables("user"):
            raise KeyError("user")  # the names of another version
        return model


def biased_factors(
    level: np.ndarray, item_bias: np.ndarray, users: np.ndarray | None = None, items: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return factors whose product is level_u + b_i + p_u · q_i: a bias is a column beside one of ones."""
    left, right = [level, np.ones_like(level)], [np.ones_like(item_bias), item_bias]
    if users is not None and items is not None:
        left, right = [*left, users], [*right, items]
    return np.column_stack(left), np.column_stack(right)
