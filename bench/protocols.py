"""What docs/results.md is made of: a data set, its protocol, and the overrides of one `dvc exp run`.

Overrides of a model's settings were chosen on validation ratings or positives (docs/lab/ says how);
whatever is not overridden is as in params.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SOURCE = "SOURCE"  # stands for where the release comes from
TARGET = "compare"  # the stage that ends a run: pictures and the report say nothing more here


@dataclass(frozen=True)
class Protocol:
    """One experiment, or with `folds` one for each.

    tasks  those whose tables are shown
    twin   the recipe that this one repeats with another seed; it gives that one's tables a column, its title
    """

    name: str
    title: str
    protocol: str
    overrides: tuple[str, ...]
    tasks: tuple[str, ...] = ("rating", "ranking")
    folds: tuple[int, ...] = ()
    twin: str = ""

    def runs(self) -> list[tuple[str, ...]]:
        """The overrides of each run."""
        return [(*self.overrides, f"tasks.rating.fold={fold}") for fold in self.folds] or [self.overrides]


ML_1M = (
    "dataset.name=ml-1m",
    f"dataset.source={SOURCE}",
    "tasks.rating.split=random",
    "tasks.rating.test=0.1",
    "tasks.rating.validation=0.05",
    "models.bias.user_damping=6",
    "models.bias.item_damping=9",
    "models.ease.regularization=800",
    "models.item_knn.n_neighbors=20",
    "models.item_knn.shrinkage=0",
    "models.ials.dim=64",
    "models.ials.regularization=0.003",
    "models.sgd_mf_biased.dim=256",
    "models.sgd_mf_biased.regularization=0.035",
    "models.sgd_mf_biased.learning_rate=0.01",
    "models.sgd_mf_biased.init_std=0.003",
    "models.autorec_user.weight_decay=1500",
)
LEAVE_LAST_OUT = (
    "positives are ratings from 4; each user's last is the test, the one before it the validation. "
    "Lists come from the whole catalogue; “of 100” ranks the test movie among 99 drawn ones, for comparison "
    "with papers only."
)
PROTOCOLS = (
    Protocol(
        "ml-100k",
        "ML-100K, 80/20 by user",
        "Rating: a fifth of each user's ratings is the test, a twentieth decides when training stops. "
        f"Ranking: {LEAVE_LAST_OUT}",
        (
            "dataset.name=ml-100k",
            f"dataset.source={SOURCE}",
            "tasks.rating.split=random_per_user",
            "tasks.rating.test=0.2",
            "tasks.rating.validation=0.05",
            "models.sgd_mf_biased.regularization=0.08",
            "models.sgd_mf_biased.init_std=0.01",
            "models.ials.regularization=0.001",
            "models.item_knn.n_neighbors=10",
            "models.item_knn.shrinkage=0",
        ),
    ),
    Protocol(
        "ml-100k-folds",
        "ML-100K, official folds",
        "The release's own u1 to u5, each a fifth of the ratings; a twentieth of a fold's training ratings "
        "decides when training stops. A figure is the mean of the five folds'; its interval draws users, "
        "each with the test ratings of all folds. Differences are not tested.",
        (
            "dataset.name=ml-100k",
            f"dataset.source={SOURCE}",
            "tasks.rating.split=file",
            "tasks.rating.validation=0.05",
        ),
        tasks=("rating",),
        folds=(1, 2, 3, 4, 5),
    ),
    Protocol(
        "ml-1m",
        "ML-1M",
        "Of a user's times only their order is used. "
        "Rating: a random tenth is the test, a random twentieth decides when training stops. "
        f"Ranking: {LEAVE_LAST_OUT}",
        ML_1M,
    ),
    Protocol("ml-1m-seed-1", "seed 1", "", (*ML_1M, "seed=1"), twin="ml-1m"),
)


def by_name(name: str) -> Protocol:
    return next(recipe for recipe in PROTOCOLS if recipe.name == name)


def command(overrides: Sequence[str], folds: Sequence[int] = ()) -> str:
    """What a user types, in lines of at most 110 characters."""
    words = [f"-S {override}" for override in (*overrides, *["tasks.rating.fold=$fold"] * bool(folds))]
    lines = ["dvc exp run"]
    for word in (*words, TARGET):
        if len(lines[-1]) + len(word) > 100:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    if folds:
        lines = [f"for fold in {' '.join(map(str, folds))}; do", *(f"    {line}" for line in lines), "done"]
    return "\n".join(lines)
