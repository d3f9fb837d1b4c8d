"""The recommenders under the field's names, with the ids and titles of the data they were fitted on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from marquee.api import lists, storage
from marquee.api.dataset import SEED, Dataset
from marquee.api.split import Part, whole_part
from marquee.data.ratings import Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.recommenders import create
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import named_rng
from marquee.serving.catalogue import MovieFilter
from marquee.training.progress import FitProgress

if TYPE_CHECKING:
    import pandas as pd

Taste = Mapping[Any, float] | Sequence[Any]  # ratings by title, or a list of liked titles


class Model:
    """A recommender and the data that it was fitted on.

    recommender     what the pipeline trains: arrays in, arrays out
    task            "ranking" or "rating"
    learning_curve  a DataFrame: a row for each epoch of the last fit
    """

    algorithm: ClassVar[str]
    recommender: Recommender
    task: str
    dataset: Dataset
    trained_on: Ratings  # the training rows
    folded_in: Ratings  # the rows of users who were held out whole
    positive_threshold: float | None

    def __init_subclass__(cls) -> None:
        """Give the class the signature and the docstring of its algorithm."""
        module = import_module(f"marquee.recommenders.{cls.algorithm}")
        cls.__doc__ = f"{inspect.getdoc(module)}\n\n{inspect.getdoc(module.Model)}"
        only = inspect.Parameter.KEYWORD_ONLY
        options = [inspect.Parameter(one.name, only, default=one.default) for one in fields(module.Options)]
        own = [inspect.Parameter("task", only, default=None), inspect.Parameter("seed", only, default=SEED)]
        cls.__signature__ = inspect.Signature([*options, *own])  # type: ignore[attr-defined]

    def __init__(self, *, task: str | None = None, seed: int = SEED, **options: Any) -> None:
        """Raises MarqueeError for an unknown option, an impossible value, or a task it cannot do."""
        self.tasks: frozenset[str] = import_module(f"marquee.recommenders.{self.algorithm}").Model.tasks
        self.options = create(self.algorithm, task or min(self.tasks), options, self.name).options
        self.seed, self._given, self._task = seed, options, task

    @property
    def name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self._given.items())})"

    def fit(
        self, train: Part | Dataset, validation: Part | None = None, *, show_progress: bool = False
    ) -> Self:
        """Learn from `train`; `validation` decides the epoch to stop at. Returns the model itself.

        train  the train part of a split, `Dataset.positives(4)`, or a whole data set

        Where a loss needs negatives, four are sampled for each positive, uniformly.
        Raises MarqueeError where the rows do not suit the model, and where the parts are of two splits.
        """
        train = whole_part(train, None, self.seed) if isinstance(train, Dataset) else train
        if not isinstance(train, Part):
            raise MarqueeError(
                f"train is a {type(train).__name__}: give a part of mq.split, or mq.load(frame)"
            )
        for part, role in ((train, "train"), (validation, "validation")):
            if part is not None and part.name != role:
                raise MarqueeError(
                    f"{role} is the {part.name} part of a split, and a model may learn from neither its "
                    f"validation nor its test rows: give the {role} part"
                )
        if validation is not None and validation.parts is not train.parts:
            raise MarqueeError("train and validation come from two calls of mq.split: take both from one")
        task = self._task or (min(self.tasks) if len(self.tasks) == 1 else train.task)
        if task != train.task:
            fault = {
                "ranking": f"{self.name} ranks, and learns from positives only, but train holds ratings: "
                "split with positive_threshold=, or fit on Dataset.positives()",
                "rating": f"{self.name} predicts ratings, but train holds positives only: "
                "split without positive_threshold",
            }
            raise MarqueeError(fault[task])
        self.task, self.dataset, self.positive_threshold = task, train.dataset, train.positive_threshold
        self.trained_on, self.folded_in = train.rows, train.parts.fold_in
        self.recommender = create(self.algorithm, task, self._given, self.name)
        rows = train.rows
        if task == "ranking" and self.recommender.uses_negatives:
            random = train.dataset.random(train.seed, "negatives")
            rows = add_negatives(
                rows, train.dataset.catalogue.n_items, NegativeOptions(), random, train.dataset.user_ids
            )
        progress = FitProgress(self.name, show=show_progress)
        held_out = validation.rows if validation is not None else Ratings.empty()
        data = TrainingData(rows, held_out, train.dataset.catalogue)
        self.recommender.fit(data, named_rng(self.seed, f"train@{self.algorithm}"), progress)
        progress.close()
        self._curve = progress.rows
        return self

    @property
    def learning_curve(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self._curve)

    def recommend(
        self,
        taste: Taste | None = None,
        *,
        user_id: Any = None,
        k: int = 10,
        genres: Sequence[str] = (),
        year_from: int | None = None,
        year_to: int | None = None,
        min_ratings: int | None = None,
        explain: bool = False,
    ) -> pd.DataFrame:
        """Return the best k movies that the user has not rated, best first.

        taste    of a new user: {"Alien (1979)": 5, ...}, or a list of liked titles. A key is a title or a
                 part of one, "#" and a movie id, or a movie id
        user_id  a user of the data, instead; with `taste`, whose ratings then add to this user's
        min_ratings  that a movie needs in training; None: 20 for a rating model, or less in small data, and 0
                 for a ranking model
        explain  adds a column with the ratings that raised the score

        Raises MarqueeError for a title that fits no movie or several, an unknown user, and a rating that is
        not on the scale.
        """
        genres = (genres,) if isinstance(genres, str) else tuple(genres)
        return lists.recommend(
            self, taste, user_id, k, MovieFilter(genres, year_from, year_to), min_ratings, explain
        )

    def similar(self, title: Any, k: int = 10) -> pd.DataFrame:
        """Return the k movies most similar to one, as the model sees them. `title` as in `recommend`."""
        return lists.similar(self, title, k)

    def save(self, folder: str | Path) -> None:
        """Write the model and its data into `folder`; `load_model` reads them."""
        storage.save(self, Path(folder))

    def require_data(self, part: Part) -> None:
        """Raise MarqueeError unless the model is fitted, on the users and movies of `part`."""
        self.require_fit()
        for ids in ("user_ids", "movie_ids"):
            own, other = getattr(self.dataset, ids), getattr(part.dataset, ids)
            if not np.array_equal(own, other):
                raise MarqueeError(
                    f"{self.name} was fitted on other data: fit it on a part of the same split"
                )

    def require_fit(self) -> None:
        if not hasattr(self, "recommender"):
            raise MarqueeError(f"{self.name} is not trained: call fit first")


class Popularity(Model):
    algorithm = "popularity"


class PopularRecent(Model):
    algorithm = "popular_recent"


class ItemKNN(Model):
    algorithm = "item_knn"


class EASE(Model):
    algorithm = "ease"


class IALS(Model):
    algorithm = "ials"


class MFBCE(Model):
    algorithm = "mf_bce"


class NeuralMF(Model):
    algorithm = "neural_mf"


class BiasModel(Model):
    algorithm = "bias"


class ALS(Model):
    algorithm = "als"


class SGDMF(Model):
    algorithm = "sgd_mf"


class AutoRec(Model):
    algorithm = "autorec"


CLASSES = {one.algorithm: one for one in Model.__subclasses__()}
