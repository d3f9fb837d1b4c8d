"""The experiments that docs/results.md is made of, as commands that a user can type.

A protocol is a release with its preset (presets/<release>.yaml) and the few keys that the protocol itself
sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SOURCE = "SOURCE"  # stands for where the release comes from
TARGET = "compare"  # the last stage that the page needs; figures and the report are skipped


@dataclass(frozen=True)
class Protocol:
    """One run, or with `folds` one for each fold.

    settings  overrides of the release's preset
    tasks     the tasks whose tables are shown
    twin      the protocol that this one repeats with another seed: a column of its tables, under this title
    """

    name: str
    title: str
    text: str
    release: str
    settings: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("rating", "ranking")
    folds: tuple[int, ...] = ()
    twin: str = ""

    def runs(self) -> list[list[str]]:
        """Give the command of each run, after `use`."""
        return [run((*self.settings, f"tasks.rating.fold={fold}")) for fold in self.folds] or [
            run(self.settings)
        ]

    def commands(self) -> list[str]:
        """Give the lines that a user types."""
        lines = [f"marquee use {self.release} --source {SOURCE}"]
        if not self.folds:
            return [*lines, " ".join(run(self.settings))]
        command = " ".join(run((*self.settings, "tasks.rating.fold=$fold")))
        return [*lines, f"for fold in {' '.join(map(str, self.folds))}; do", f"    {command}", "done"]


def run(settings: Sequence[str]) -> list[str]:
    """Give the words of the command that runs the pipeline with `settings`."""
    if not settings:
        return ["dvc", "repro", TARGET]
    return ["dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting)), TARGET]


LEAVE_LAST_OUT = (
    "Ranking: ratings from 4 are positives; each user's last positive is the test, the one before it the "
    "validation. Lists rank the whole catalogue. “Of 100” ranks the test movie among 99 sampled ones, for "
    "comparison with papers only."
)
PROTOCOLS = (
    Protocol(
        "ml-100k",
        "ML-100K, 80/20 by user",
        "Rating: a fifth of each user's ratings is the test, a twentieth is the validation. "
        f"{LEAVE_LAST_OUT}",
        "ml-100k",
    ),
    Protocol(
        "ml-100k-folds",
        "ML-100K, official folds",
        "The test sets are the release's own u1 to u5, each a fifth of the ratings; the validation is a "
        "twentieth of a fold's training ratings. A figure is the mean over the five folds. Its interval "
        "resamples users, each with the test ratings of all folds. Differences are not tested.",
        "ml-100k",
        ("tasks.rating.split=file",),
        tasks=("rating",),
        folds=(1, 2, 3, 4, 5),
    ),
    Protocol(
        "ml-1m",
        "ML-1M",
        "Only the order of a user's times is used. Rating: a random tenth is the test, a random twentieth is "
        f"the validation. {LEAVE_LAST_OUT}",
        "ml-1m",
    ),
    Protocol("ml-1m-seed-1", "seed 1", "", "ml-1m", ("seed=1",), twin="ml-1m"),
)
