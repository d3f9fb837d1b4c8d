"""The experiments that docs/results.md is made of, as commands that a user can type.

A protocol is a preset (presets/<preset>.yaml), whose comment has the paper, the filter, the split and the
mask, and what is run beside it: another release, a few keys, several folds or seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marquee.config.presets import models_of

SOURCE = "SOURCE"  # stands for where the release comes from
TARGET = "compare"  # the last stage that the page needs; figures and the report are skipped


@dataclass(frozen=True)
class Protocol:
    """One run, or with `repeat` one for each of its values.

    dataset   a release instead of the preset's own
    settings  overrides of the preset
    tasks     the tasks whose tables are shown, but for those that another protocol shows of the same run
    repeat    a key and its values, as `marquee repeat` takes them
    twin      the protocol that this one repeats with other settings: a column of its tables, under this title
    control   the twin is rows of the table, below the others, and no column
    run_of    the protocol whose run has the figures, since the two presets agree in all that they depend on
    shown     metric -> heading, where they are not the page's usual ones; the headline metric first
    """

    name: str
    title: str
    text: str
    preset: str
    settings: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("rating", "ranking")
    repeat: str = ""
    twin: str = ""
    control: bool = False
    run_of: str = ""
    dataset: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> list[str]:
        """List the folds or seeds."""
        return self.repeat.partition("=")[2].split(",") if self.repeat else []

    def use(self, source: str) -> list[str]:
        """Give the words of the command that writes params.yaml."""
        other = ["--dataset", self.dataset] if self.dataset else []
        every = [] if models_of(self.preset) else ["--models", "all"]
        return ["marquee", "use", self.preset, *other, "--source", source, *every]

    def run(self) -> list[str]:
        """Give the words of the command that runs the pipeline."""
        if self.repeat:
            return ["marquee", "repeat", self.repeat]
        return run(self.settings)

    def commands(self) -> list[str]:
        """Give the lines that a user types."""
        return [" ".join(words) for words in (self.use(SOURCE), self.run())]


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
FULL_RANKING = {
    "ndcg@10": "NDCG@10",
    "recall@10": "Recall@10",
    "mrr@10": "MRR@10",
    "hit@10": "Hit@10",
    "precision@10": "Precision@10",
}
NEXT_ITEM = {"ndcg@10": "NDCG@10", "hit@10": "Recall@10", "mrr@10": "MRR@10", "coverage@10": "coverage"}
PROTOCOLS = (
    Protocol(
        "ml-100k",
        "ML-100K, 80/20 by user",
        "Rating: a fifth of each user's ratings is the test, a twentieth is the validation. "
        f"{LEAVE_LAST_OUT}",
        "ml-100k",
    ),
    Protocol(
        "u1-u5",
        "ML-100K, official folds",
        "The test sets are the release's own u1 to u5, each a fifth of the ratings; the validation is a "
        "twentieth of a fold's training ratings, which the published models have to train on. A figure is"
        " the mean over the five folds. Its interval resamples users, each with the test ratings of all "
        "folds. Differences are not tested.",
        "u1-u5",
        tasks=("rating",),
        repeat="tasks.rating.fold=1,2,3,4,5",
    ),
    Protocol(
        "ml-1m",
        "ML-1M",
        f"Only the order of a user's times is used. {LEAVE_LAST_OUT}",
        "ml-1m",
    ),
    Protocol("ml-1m-seed-1", "seed 1", "", "ml-1m", ("seed=1",), twin="ml-1m"),
    Protocol(
        "ml-1m-90-10",
        "ML-1M, ratings 90/10",
        "A random tenth of the ratings is the test, a random twentieth the validation; the published models "
        "train on that twentieth, too. Papers give the mean over several splits: here it is one split, with "
        "another seed beside it.",
        "ml-1m-90-10",
        tasks=("rating",),
        run_of="ml-1m",
    ),
    Protocol(
        "ml-1m-90-10-seed-1",
        "seed 1",
        "",
        "ml-1m-90-10",
        ("seed=1",),
        tasks=("rating",),
        twin="ml-1m-90-10",
        run_of="ml-1m-seed-1",
    ),
    Protocol(
        "ncf-ml-1m",
        "ML-1M, the files of the NCF paper",
        "Each user's last rating is ranked among the 99 movies that He et al. (2017) published; every rating "
        "is a positive and there is no validation. The settings of `ials` are those that `marquee tune` "
        "found on one random training rating of each user; it then learns from all of them. The published "
        "settings are a little better on this test (docs/lab/ials.md). “Of 100” leaves out "
        "the test movie where a user's 99 have it. "
        "“As given” ranks it with itself and ties in the middle, a formula of its own (`sampled_midrank_`).",
        "ncf-ml-1m",
        tasks=("ranking",),
        shown={
            "sampled_hit@10": "Hit@10 of 100",
            "sampled_ndcg@10": "NDCG@10 of 100",
            "sampled_midrank_hit@10": "Hit@10 as given",
            "sampled_midrank_ndcg@10": "NDCG@10 as given",
            "ndcg@10": "NDCG@10",
        },
    ),
    Protocol(
        "recbole-ml-1m",
        "ML-1M, RecBole's benchmark",
        "Ratings from 3, 10-core; of each user's n positives floor(n/10) are the test and floor(n/10) the "
        "validation, at random; lists rank the whole catalogue without training and validation items.",
        "recbole-ml-1m",
        tasks=("ranking",),
        shown=FULL_RANKING,
    ),
    Protocol(
        "recbole-ml-100k",
        "ML-100K, RecBole's split",
        "All ratings are positives and nothing is filtered; of each user's n ratings floor(n/10) are the "
        "test and floor(n/10) the validation, at random. A figure is the mean over five seeds. Its "
        "interval resamples users, each with the test ratings of all seeds. Differences are not tested. One "
        "split says little: seeds scatter by the column std, so a single one can be below the published mean "
        "(docs/lab/baselines.md has twenty).",
        "recbole-ml-100k",
        tasks=("ranking",),
        repeat="seed=1,2,3,4,5",
        shown=FULL_RANKING,
    ),
    Protocol(
        "next-item-ml-1m",
        "ML-1M, next item",
        "The histories of Kang and McAuley (2018); each user's last movie is the test, the one before it "
        "the validation; lists rank the whole catalogue without both. No model here knows the order, and "
        "none sees the validation movie when it ranks, as the published ones do. So to shuffle the "
        "training histories would change no figure. The rows “shuffled” are the control: whole histories "
        "are shuffled before the split, so the test movie is any of the user's (`leave_random_out`). The "
        "difference is what it costs a model without order that the test movie is the last one, and what a "
        "model that knows the order can win back.",
        "next-item-ml-1m",
        tasks=("ranking",),
        shown=NEXT_ITEM,
    ),
    Protocol(
        "next-item-ml-1m-shuffled",
        "shuffled",
        "",
        "next-item-ml-1m",
        ("tasks.ranking.split=leave_random_out",),
        tasks=("ranking",),
        twin="next-item-ml-1m",
        control=True,
        shown=NEXT_ITEM,
    ),
    Protocol(
        "strong-generalisation-ml-1m",
        "ML-1M, strong generalisation",
        "Ratings from 4, users with five or more. A tenth of the users is held out whole; 80 % of their "
        "positives are folded in, the rest is the test. “Capped” recall divides by min(k, relevant). The "
        "published rows are of ML-20M, `marquee use strong-generalisation`, which is not measured here: "
        "other data, so they are no bar for these.",
        "strong-generalisation",
        tasks=("ranking",),
        dataset="ml-1m",
        shown={
            "ndcg@100": "NDCG@100",
            "capped_recall@20": "capped Recall@20",
            "capped_recall@50": "capped Recall@50",
            "coverage@100": "coverage@100",
        },
    ),
    Protocol(
        "global-time-ml-1m",
        "ML-1M, one cut in time",
        "The last tenth of all ratings is the test, the tenth before it the validation; every rating is a"
        " positive. More than half of the test users are new: they have no training rating, and no model "
        "here learns from their validation ratings. Three quarters of this copy's times are estimates, so"
        " its figures may not be compared with those of the official file. The published rows are of "
        "ML-20M, `marquee use global-time`, which is not measured here.",
        "global-time",
        tasks=("ranking",),
        dataset="ml-1m",
        shown={"ndcg@10": "NDCG@10", "hit@10": "Hit@10", "recall@10": "Recall@10", "coverage@10": "coverage"},
    ),
)
