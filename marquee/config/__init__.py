"""Read params.yaml as one typed tree: each type, bound and default of a block is declared here once.

    params = config.read(Path("params.yaml"))
    params.tasks["rating"].test

An algorithm's own options stay in its file under `recommenders`; `ModelEntry.options` carries them unparsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from marquee.config.loading import load, loads
from marquee.config.names import require_name
from marquee.config.parsing import Percent, option, parse
from marquee.errors import MarqueeError, did_you_mean

__all__ = ["Params", "load", "loads", "option", "parse", "read", "require_name"]

TASKS = ("rating", "ranking")
SPLITS = (
    "leave_last_out",
    "leave_random_out",
    "random_per_user",
    "random",
    "per_user_time",
    "global_time",
    "sliding_window",
    "user_holdout",
    "k_fold",
    "file",
)
BY_SHARE = ("random_per_user", "random", "per_user_time", "global_time")  # both parts are fractions of all
UNRATED = ("sasrec-ml-1m",)  # releases without ratings: who watched what, in which order
INCOMING = "data/incoming"  # a folder of the user's own that Git keeps and no stage writes


@dataclass(frozen=True)
class DatasetOptions:
    name: str
    path: str = INCOMING  # files of the user's: a dependency of `download`
    source: str = "official"  # where a release comes from that is not there


@dataclass(frozen=True)
class SimulatorOptions:
    """Describe a simulated MovieLens. Raises MarqueeError where the options contradict each other."""

    users: int = option(943, low=1)
    movies: int = option(1682, low=1)
    ratings: int = option(100_000, low=1)
    min_ratings_per_user: int = option(20, low=1)
    half_stars: bool = False  # true: 0.5 to 5 by halves; false: 1 to 5
    format: str = option("ml-100k", choices=("ml-100k", "ml-32m"))  # whose files are written
    taste: float = option(0.6, low=0)  # stars by which taste moves a rating; at 0 biases explain everything
    focus: float = option(1.0, low=0, high=3)  # how far taste decides what is rated; at 0 popularity does
    noise: float = option(0.93, above=0)  # stars by which a rating varies without a reason

    @property
    def layout(self) -> str:
        """Name the parser of its files."""
        return {"ml-100k": "ml-100k", "ml-32m": "csv"}[self.format]

    @property
    def scale(self) -> tuple[float, float, float]:
        """Lowest rating, highest, and the step between two."""
        return (0.5, 5, 0.5) if self.half_stars else (1, 5, 1)

    def __post_init__(self) -> None:
        least = self.users * self.min_ratings_per_user
        for fits, fault in (
            (self.ratings <= self.users * self.movies, "at most simulator.users times simulator.movies"),
            (self.ratings >= least, "at least simulator.users times simulator.min_ratings_per_user"),
            (self.ratings >= self.movies, "at least simulator.movies, since every movie is rated"),
        ):
            if not fits:
                raise MarqueeError(f"simulator.ratings is {self.ratings}, but must be {fault}")


@dataclass(frozen=True)
class CustomColumns:
    """Name the columns of custom ratings and movies.

    Ids are whole numbers if all of a column are, otherwise text. Timestamps are ISO 8601 if the first starts
    like a date, otherwise Unix seconds.
    """

    user: str = "userId"
    movie: str = "movieId"
    rating: str | None = "rating"  # None: every row is a positive
    timestamp: str | None = "timestamp"  # None: the ratings have no times
    title: str | None = "title"  # None: the movies have no titles
    genres: str | None = "genres"  # None: no genres; several are `Drama|War` or a list


@dataclass(frozen=True)
class ScaleOptions:
    """State which custom ratings can be given; None: as the ratings themselves show."""

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise MarqueeError(
                f"ingest.scale.low is {self.low:g}, but must be less than ingest.scale.high, {self.high:g}"
            )


@dataclass(frozen=True)
class CoreOptions:
    """State how many ratings a user and a movie must have; removal is repeated until all that stay do."""

    users: int = option(1, low=1)
    movies: int = option(1, low=1)


@dataclass(frozen=True)
class IngestOptions:
    columns: CustomColumns = CustomColumns()  # only read for custom ratings
    feedback: str = option("explicit", choices=("explicit", "implicit"))  # implicit: counts, such as plays
    min_rating: float | None = None  # lower ratings are removed; None keeps all
    k_core: CoreOptions = CoreOptions()  # of the ratings that min_rating leaves
    max_bad_rows: int = option(0, low=0)  # malformed rows and ratings off the scale that may be dropped
    scale: ScaleOptions = ScaleOptions()  # only read for custom ratings


@dataclass(frozen=True)
class SplitOptions:
    """Describe one task's split; docs/reference/splits.md says which question each answers."""

    split: str = option(choices=SPLITS)
    validation: float = option(0.1, low=0, below=1)  # fraction; for the last four of what test leaves
    test: float = option(0.1, above=0, below=1)  # fraction; of the users for user_holdout
    rounding: str = option("coin", choices=("coin", "floor", "one"))  # of a user's fraction to whole ratings
    # Ratings at or above it become 1, the rest is left out; auto: by the scale (`Scale.positive_threshold`).
    # `75%`: so far from the lowest rating to the highest. None keeps every rating as it is.
    positive_threshold: float | Literal["auto"] | Percent | None = None
    fold: int = option(1, low=1)  # which fold is test, for k_fold, sliding_window and file
    n_folds: int = option(5, low=2)  # for k_fold and sliding_window
    train_days: float | None = option(None, above=0)  # for sliding_window; None: all that came before
    train_file: str | None = option("u{fold}.base", file=True)  # these two for file; {fold} is the number
    test_file: str | None = option("u{fold}.test", file=True)

    @property
    def files(self) -> tuple[str | None, str | None]:
        """The names of the train and the test file of this fold."""
        train, test = (
            name and name.replace("{fold}", str(self.fold)) for name in (self.train_file, self.test_file)
        )
        return train, test


@dataclass(frozen=True)
class NegativeOptions:
    per_positive: int = option(4, low=1, high=1000)
    sampling: str = option("uniform", choices=("uniform", "popularity"))
    alpha: float = option(0.75, low=0)  # of popularity^alpha; 0 is uniform over the rated items, 1 popularity


@dataclass(frozen=True)
class CandidateOptions:
    per_user: int = option(99, low=1, high=100_000)  # sampled for each user with a held-out row
    file: str | None = option(None, file=True)  # published ones instead, see `data.published_splits`


@dataclass(frozen=True)
class ModelEntry:
    """One block of `models:`."""

    task: str = option(choices=TASKS)
    train_data: str = option(choices=(*TASKS, "negatives"))  # its task's, or the negatives sampled from it
    algorithm: str = option()
    options: Mapping[str, Any] = option(other_keys=True)  # the algorithm's own, unparsed


@dataclass(frozen=True)
class EvaluateOptions:
    ks: tuple[int, ...] = option(low=1)  # the last key of the file: without it the file was cut off
    mask: str = option("positives", choices=("positives", "rated"))  # what lists and candidates leave out
    capped_recall: bool = False  # these two add metrics of papers
    midrank: bool = False

    @property
    def variants(self) -> tuple[str, ...]:
        """Name the metrics that are added, as `evaluate_ranking` takes them."""
        return tuple(name for name in ("capped_recall", "midrank") if getattr(self, name))


@dataclass(frozen=True)
class CompareOptions:
    bootstrap_samples: int = option(1000, low=100, high=100_000)  # resamples of the users
    confidence: float = option(0.95, low=0.5, high=0.999)
    k: int = option(10, low=1)  # length of the lists that decide and are printed

    @property
    def level(self) -> float:
        """Return the bound on the adjusted p below which a difference is significant."""
        return round(1 - self.confidence, 6)

    def enough_samples(self, n_models: int) -> int:
        """Return the resamples with which the least possible p, adjusted for `n_models`, is below `level`."""
        return int((n_models - 1) / self.level) + 1


@dataclass(frozen=True)
class ReportOptions:
    title: str = "Marquee"


@dataclass(frozen=True)
class DemoOptions:
    """Describe plots/try.html, the page that recommends in a browser."""

    model: str = "ease"  # one of models; "" for a page without one
    movies: int = option(10_000, low=1, high=100_000)  # the most rated ones; the page knows no others
    megabytes: float = option(1.25, above=0, high=100)  # of the compressed model; base64 adds a third


@dataclass(frozen=True, kw_only=True)
class Params:
    """Hold all of params.yaml. Raises MarqueeError where blocks contradict each other."""

    seed: int = option(low=0, high=2**63 - 1)
    dataset: DatasetOptions
    simulator: SimulatorOptions
    ingest: IngestOptions
    tasks: Mapping[str, SplitOptions] = option(keys=TASKS)
    negatives: NegativeOptions
    candidates: CandidateOptions
    models: Mapping[str, ModelEntry] = option(names=True)
    evaluate: EvaluateOptions
    compare: CompareOptions
    report: ReportOptions
    demo: DemoOptions

    def __post_init__(self) -> None:
        for task, options in self.tasks.items():
            _check_split(options, f"tasks.{task}")
        if self.tasks["rating"].positive_threshold is not None:
            raise MarqueeError("tasks.rating.positive_threshold has no use: ratings are predicted; remove it")
        if self.tasks["ranking"].positive_threshold is None:
            raise MarqueeError(
                "tasks.ranking.positive_threshold is missing: set it to auto, to a rating or to a percentage"
            )
        if self.dataset.name == "custom":
            _check_columns(self.ingest.columns)
        if not self.models:
            raise MarqueeError("models is empty; add a block, such as the ones of docs/reference/models.md")
        for name, entry in self.models.items():
            if entry.train_data not in (entry.task, *["negatives"] * (entry.task == "ranking")):
                raise MarqueeError(
                    f"models.{name}.train_data is {entry.train_data!r}, which would show a {entry.task} "
                    f"model its test data; set it to {entry.task}"
                )
        self._check_feedback()
        self._check_comparison()

    @property
    def implicit(self) -> bool:
        """Whether every row is a positive: the data has no ratings, but at most counts."""
        return self.dataset.name in UNRATED or (
            self.dataset.name == "custom"
            and (self.ingest.feedback == "implicit" or self.ingest.columns.rating is None)
        )

    def _check_feedback(self) -> None:
        if self.ingest.feedback == "implicit" and not self.implicit:
            raise MarqueeError(
                f"ingest.feedback is implicit, but {self.dataset.name} has ratings: set it to explicit; "
                "the lowest rating as tasks.ranking.positive_threshold makes every row a positive"
            )
        raters = [name for name, entry in self.models.items() if entry.task == "rating"]
        if self.implicit and raters:
            others = f" and {len(raters) - 1} more" * (len(raters) > 1)
            raise MarqueeError(
                f"models.{raters[0]}{others} predict ratings, but implicit data has none: `marquee use "
                f"{'next-item-ml-1m' if self.dataset.name in UNRATED else 'custom --implicit'}` "
                "leaves ranking models only"
            )

    def _check_comparison(self) -> None:
        """Raise MarqueeError where lists are missing, or no difference could be significant."""
        ks, compare = self.evaluate.ks, self.compare
        if not ks or len(set(ks)) < len(ks):
            raise MarqueeError(f"evaluate.ks is {list(ks)}, but must be a list of different lengths")
        if compare.k not in ks:
            raise MarqueeError(
                f"compare.k is {compare.k}, but evaluate.ks has {', '.join(map(str, sorted(ks)))}: "
                "choose one of these or add it to evaluate.ks"
            )
        for task, n_models in Counter(entry.task for entry in self.models.values()).most_common():
            if compare.bootstrap_samples < (enough := compare.enough_samples(n_models)):
                raise MarqueeError(
                    f"compare.bootstrap_samples is {compare.bootstrap_samples}, too few to compare "
                    f"{n_models} {task} models at a confidence of {compare.confidence:g}: "
                    f"set it to at least {enough}"
                )

    def model(self, name: str) -> ModelEntry:
        """Return the entry `models.<name>`. Raises MarqueeError where there is none."""
        if name not in self.models:
            raise MarqueeError(f"models.{name} is not in params.yaml{did_you_mean(name, self.models)}")
        return self.models[name]


def read(path: Path) -> Params:
    """Parse the whole file. Raises MarqueeError with the dotted key of what is wrong."""
    tree = load(path)
    params = parse(Params, tree, "")
    if absent := [one.name for one in fields(Params) if tree.get(one.name) is None]:
        # With defaults in its place, a file that was cut off would be another run.
        raise MarqueeError(
            f"{path} has no block {absent[0]}: add it, or restore the file by `git checkout {path}`"
        )
    return params


def _check_columns(columns: CustomColumns) -> None:
    """Raise MarqueeError where two of our columns are one of a file's."""
    for file in (("user", "movie", "rating", "timestamp"), ("movie", "title", "genres")):
        named: dict[str, str] = {}
        for ours in file:
            theirs = getattr(columns, ours)
            if theirs is not None and (other := named.setdefault(theirs, ours)) != ours:
                raise MarqueeError(
                    f"ingest.columns.{other} and {ours} are both {theirs!r}: name each column once"
                )


def _check_split(options: SplitOptions, where: str) -> None:
    """Raise MarqueeError for what the stage split would refuse of its options alone."""
    fractions = f"{where}.validation {options.validation:g} and test {options.test:g}"
    if options.split in BY_SHARE and options.validation + options.test >= 1:
        raise MarqueeError(f"{fractions} leave nothing to train on; make their sum less than 1")
    if options.split in ("k_fold", "sliding_window") and options.fold > options.n_folds:
        raise MarqueeError(
            f"{where}.fold is {options.fold}, but there are {options.n_folds} folds; "
            f"take one of 1 to {options.n_folds}"
        )
    if options.split == "file":
        for key in ("train_file", "test_file"):
            if not getattr(options, key):
                raise MarqueeError(f"{where}.{key} is empty: name the file, in data/raw")
        if options.train_file == options.test_file:
            raise MarqueeError(
                f"{where}.train_file and test_file are both {options.train_file}, which would show every "
                "model its test data; name two files"
            )
