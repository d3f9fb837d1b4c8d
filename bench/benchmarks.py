"""Who meets whom, over what, and with which settings to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

Settings = dict[str, Any]
LARGE = ("16M", "25M", "32M")
SMALL = ("ml-100k", "ml-1m", "1M", "4M")


@dataclass(frozen=True)
class System:
    """A system in a contest.

    peer     its environment, `bench/peers/<peer>.txt`; ours has none
    words    ours: the algorithm; a peer's: its script under bench/peers, and TASK
    fixed    settings that are never tried otherwise
    grid     setting -> what is tried on validation; without a trial the first of each
    also     further grids, where one setting makes another range of the next
    like     another system that has the same objective, whose choice it takes
    threads  how many it may use; each is tried once at a size, and the fastest runs the rounds
    limits   environment variables that keep its libraries to their best number of threads
    sizes    where it enters
    rounds   at most so many: 1 for who is told of only
    """

    name: str
    peer: str
    words: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    also: tuple[Mapping[str, tuple[Any, ...]], ...] = ()
    like: str = ""
    threads: tuple[int, ...] = (2,)
    limits: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[str, ...] = SMALL + LARGE
    rounds: int = 99

    def candidates(self) -> list[Settings]:
        """Every point of the grids."""
        return [
            dict(zip(grid, values, strict=True))
            for grid in (self.grid, *self.also)
            for values in product(*grid.values())
        ]


@dataclass(frozen=True)
class Benchmark:
    """One kind of model, fitted by all to the same rows.

    task    whose split, of `sizes.TASKS`
    metric  "ndcg@10" or "rmse" on the test rows, scored by our evaluation
    pass_   what is timed: an iteration or an epoch
    unit    "s", of a pass; or "M/s", million pairs or triples in a second
    sizes   by default, as are the `dims`; accuracy is measured, and everybody meets, at f = 64 alone
    """

    key: str
    title: str
    task: str
    metric: str
    pass_: str
    entrants: tuple[System, ...]
    unit: str = "s"
    sizes: tuple[str, ...] = ("ml-1m", "25M")
    dims: tuple[int, ...] = (64,)

    @property
    def ours(self) -> System:
        return self.entrants[0]


ONE_BLAS = {"OPENBLAS_NUM_THREADS": "1"}
IALS = Benchmark(
    key="ials",
    title="Implicit alternating least squares",
    task="ranking",
    metric="ndcg@10",
    pass_="iteration",
    entrants=(
        System(
            "Marquee `ials`",
            "",
            ("ials",),
            {"epochs": 15},
            {"regularization": (0.003, 0.001, 0.01), "unobserved_weight": (0.3, 0.1, 1.0)},
        ),
        System(
            "implicit ALS, CG",
            "implicit",
            ("fit_implicit.py", "als"),
            {"epochs": 15, "cg": True},
            {"regularization": (10.0, 3.0, 30.0), "alpha": (5.0, 10.0, 2.0)},
            limits=ONE_BLAS,
        ),
        System(
            "implicit ALS, Cholesky",
            "implicit",
            ("fit_implicit.py", "als"),
            {"epochs": 15, "cg": False},
            like="implicit ALS, CG",
            limits=ONE_BLAS,
            rounds=1,
        ),
        System(
            "LensKit ImplicitMF",
            "lenskit",
            ("fit_lenskit.py", "implicit_mf"),
            {"epochs": 15},
            {"regularization": (10.0, 3.0, 30.0), "weight": (4.0, 9.0, 1.0)},
            rounds=1,
        ),
    ),
    dims=(64, 128, 256),
)
ALS = Benchmark(
    key="als",
    title="Explicit alternating least squares, with biases",
    task="rating",
    metric="rmse",
    pass_="iteration",
    entrants=(
        System(
            "Marquee `als_mf`",
            "",
            ("als",),
            {"epochs": 15},
            {"regularization": (25.0, 20.0, 30.0, 14.0)},
            also=(
                {
                    "frequency_exponent": (1.0,),
                    "regularization": (0.05, 0.1, 0.15),
                    "user_bias_regularization": (0.05,),
                    "item_bias_regularization": (0.05,),
                },
            ),
        ),
        System(
            "LensKit BiasedMF",
            "lenskit",
            ("fit_lenskit.py", "biased_mf"),
            {"epochs": 15, "damping": 5.0},
            {"regularization": (0.1, 0.05, 0.15, 0.2)},
        ),
        System(
            "Spark ALS, local",
            "pyspark",
            ("fit_spark.py", "als"),
            {"epochs": 15, "regularization": 0.1},
            sizes=("ml-100k", "ml-1m"),
            rounds=1,
        ),
    ),
)
SGD = Benchmark(
    key="sgd",
    title="Stochastic gradient descent on ratings, with biases",
    task="rating",
    metric="rmse",
    pass_="epoch",
    entrants=(
        System(
            "Marquee `sgd_mf`",
            "",
            ("sgd_mf",),
            {"use_biases": True, "init_std": 0.01},
            {
                "regularization": (0.045, 0.035, 0.06),
                "learning_rate": (0.02, 0.03),
                "learning_rate_decay": (0.95, 0.9),
                "epochs": (40, 20),
            },
        ),
        System(
            "cornac MF",
            "cornac",
            ("fit_cornac.py", "mf"),
            {},
            {
                "regularization": (0.02, 0.03, 0.04),
                "learning_rate": (0.01, 0.007, 0.015),
                "shuffled": (False,),
                "epochs": (20, 40),
            },
            threads=(1, 2),
        ),
        System(
            "Surprise SVD",
            "surprise",
            ("fit_surprise.py", "svd"),
            {"epochs": 20},
            {"regularization": (0.02, 0.05, 0.1), "learning_rate": (0.005, 0.01)},
            threads=(1,),
            sizes=("ml-100k", "ml-1m", "1M"),
            rounds=1,
        ),
    ),
)
SAMPLED = Benchmark(
    key="sampled",
    title="Losses over sampled pairs",
    task="ranking",
    metric="ndcg@10",
    pass_="epoch",
    unit="M/s",
    entrants=(
        System(
            "Marquee `mf_bce`",
            "",
            ("mf_bce",),
            {"resample_negatives": True, "epochs": 30},
            {"learning_rate": (0.002, 0.005), "regularization": (0.0, 0.01, 0.03)},
            threads=(1, 2),
        ),
        System(
            "RecBole BPR",
            "recbole",
            ("fit_recbole.py", "bpr"),
            {"batch_size": 2048, "epochs": 20},
            {"learning_rate": (0.001, 0.003), "regularization": (0.0, 1e-5)},
            threads=(1,),
            sizes=SMALL,
        ),
        System(
            "implicit BPR",
            "implicit",
            ("fit_implicit.py", "bpr"),
            {"epochs": 100},
            {"learning_rate": (0.02, 0.05), "regularization": (0.01, 0.03, 0.1)},
            limits=ONE_BLAS,
        ),
        System(
            "cornac BPR",
            "cornac",
            ("fit_cornac.py", "bpr"),
            {"epochs": 100},
            {"learning_rate": (0.02, 0.05), "regularization": (0.003, 0.01, 0.03)},
            threads=(2, 1),
            rounds=1,
        ),
    ),
    sizes=("ml-1m",),
)
BENCHMARKS = {contest.key: contest for contest in (IALS, ALS, SGD, SAMPLED)}
