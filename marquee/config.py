"""Read params.yaml as one typed tree: each type, bound and default of a block is declared here once.

    params = config.read(Path("params.yaml"))
    params.tasks["rating"].test

An algorithm's own options stay in its file under `recommenders`; `ModelEntry.options` carries them unparsed.
A value is converted by its declared type: PyYAML reads `1e-05`, as DVC writes it, as text.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from marquee.errors import MarqueeError, did_you_mean

T = TypeVar("T")
TASKS = ("rating", "ranking")
SPLITS = (
    "leave_last_out",
    "random_per_user",
    "random",
    "per_user_time",
    "global_time",
    "user_holdout",
    "k_fold",
    "file",
)
PRESETS = Path("presets")
MODEL_NAME = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_-]*"
)  # a stage's name, a folder and a word of a shell command


def option(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[Any] | None = None,
    keys: Sequence[str] | None = None,
    other_keys: bool | None = None,
) -> Any:
    """Declare a dataclass field with bounds: `low` and `high` inclusive, `above` and `below` exclusive.

    Without a default the key is required. `keys` are those that a dict must have; `other_keys` marks the dict
    that collects the keys which its dataclass does not name.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below, "choices": choices, "keys": keys}
    bounds["other_keys"] = other_keys
    return dataclasses.field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


@dataclass(frozen=True)
class DatasetOptions:
    name: str
    source: str = "official"


@dataclass(frozen=True)
class SimulatorOptions:
    """Describe a simulated MovieLens. Raises MarqueeError where the options contradict each other."""

    users: int = option(943, low=1)
    movies: int = option(1682, low=1)
    ratings: int = option(100_000, low=1)
    min_ratings_per_user: int = option(20, low=1)
    half_stars: bool = False  # true: 0.5 to 5 by halves; false: 1 to 5
    format: str = option("ml-100k", choices=("ml-100k", "ml-32m"))  # whose files are written
    taste: float = option(0.6, low=0)  # stars by which taste moves an opinion; at 0 biases are all there is
    focus: float = option(1.0, low=0, high=3)  # how far taste decides what is rated; at 0 popularity does
    noise: float = option(0.93, above=0)  # stars by which an opinion varies for no reason

    @property
    def layout(self) -> str:
        """Which parser reads its files."""
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
        if self.min_ratings_per_user > self.movies:
            raise MarqueeError(
                f"simulator.min_ratings_per_user is {self.min_ratings_per_user}, "
                f"but must be at most simulator.movies, {self.movies}"
            )


@dataclass(frozen=True)
class CustomColumns:
    """Name the columns of custom ratings and movies.

    In a CSV an id column holds whole numbers if its first value is one, otherwise text, and timestamps
    are ISO 8601 if the first starts like a date, otherwise Unix seconds.
    """

    user: str = "userId"
    movie: str = "movieId"
    rating: str = "rating"
    timestamp: str | None = "timestamp"  # None: the ratings have no times
    title: str | None = "title"  # None: the movies have no titles
    genres: str | None = "genres"  # None: no genres; several stand as `Drama|War` or as a list


@dataclass(frozen=True)
class IngestOptions:
    columns: CustomColumns = CustomColumns()  # only read for custom ratings
    max_bad_rows: int = option(0, low=0)  # malformed rows and ratings off the scale that may be dropped


@dataclass(frozen=True)
class SplitOptions:
    """Describe one task's split; docs/reference/splits.md says which question each answers."""

    split: str = option(choices=SPLITS)
    validation: float = option(0.1, low=0, below=1)  # fraction; of the training rows for the last three
    test: float = option(0.1, above=0, below=1)  # fraction; of the users for user_holdout
    # Ratings at or above it become 1, the rest is left out; auto: by the scale (`Scale.positive_threshold`).
    # None keeps every rating as it is.
    positive_threshold: float | Literal["auto"] | None = None
    fold: int = option(1, low=1)  # which fold is test, for k_fold and file
    n_folds: int = option(5, low=2)  # for k_fold
    train_file: str | None = "u{fold}.base"  # these two for file; {fold} is the number above
    test_file: str | None = "u{fold}.test"

    @property
    def files(self) -> tuple[str | None, str | None]:
        """The names of the train and the test file of this fold."""
        train, test = (
            name and name.replace("{fold}", str(self.fold)) for name in (self.train_file, self.test_file)
        )
        return train, test


@dataclass(frozen=True)
class NegativeOptions:
    per_positive: int = option(4, low=1)
    sampling: str = option("uniform", choices=("uniform", "popularity"))
    alpha: float = option(0.75, low=0)  # of popularity^alpha; 0 is uniform over the rated items, 1 popularity


@dataclass(frozen=True)
class CandidateOptions:
    per_user: int = option(99, low=1)  # sampled for each user with a held-out row
    file: str | None = None  # published ones instead, see `data.published_splits`


@dataclass(frozen=True)
class ModelEntry:
    """One block of `models:`."""

    task: str = option(choices=TASKS)
    train_data: str = option(choices=(*TASKS, "negatives"))
    algorithm: str = option()
    options: Mapping[str, Any] = option(other_keys=True)  # the algorithm's own, unparsed


@dataclass(frozen=True)
class EvaluateOptions:
    ks: tuple[int, ...] = option((5, 10, 20), low=1)


@dataclass(frozen=True)
class CompareOptions:
    bootstrap_samples: int = option(1000, low=100)  # resamples of the users
    confidence: float = option(0.95, above=0.5, below=1)
    k: int = option(10, low=1)  # length of the lists that decide and are printed

    @property
    def level(self) -> float:
        """A difference with an adjusted p below it is significant."""
        return round(1 - self.confidence, 6)


@dataclass(frozen=True)
class ReportOptions:
    title: str = "Marquee"


@dataclass(frozen=True, kw_only=True)
class Params:
    """All of params.yaml. Raises MarqueeError where blocks contradict each other."""

    seed: int = option(low=0)
    dataset: DatasetOptions
    simulator: SimulatorOptions
    ingest: IngestOptions
    tasks: Mapping[str, SplitOptions] = option(keys=TASKS)
    negatives: NegativeOptions
    candidates: CandidateOptions
    models: Mapping[str, ModelEntry]
    evaluate: EvaluateOptions
    compare: CompareOptions
    report: ReportOptions

    def __post_init__(self) -> None:
        if self.tasks["rating"].positive_threshold is not None:
            raise MarqueeError("tasks.rating.positive_threshold has no use: ratings are predicted; remove it")
        for name, entry in self.models.items():
            if not MODEL_NAME.fullmatch(name):
                raise MarqueeError(
                    f"models.{name} cannot be a name: use letters, digits, - and _, and begin without a -"
                )
            if name.startswith("oracle"):
                raise MarqueeError(f"models.{name} cannot be a name: oracle is the ground truth; rename it")
            if entry.train_data not in (entry.task, *["negatives"] * (entry.task == "ranking")):
                raise MarqueeError(
                    f"models.{name}.train_data is {entry.train_data!r}, which would show a {entry.task} "
                    f"model its test data; set it to {entry.task}"
                )

    def model(self, name: str) -> ModelEntry:
        """The entry `models.<name>`. Raises MarqueeError where there is none."""
        if name not in self.models:
            raise MarqueeError(f"models.{name} is not in params.yaml{did_you_mean(name, self.models)}")
        return self.models[name]


def read(path: Path) -> Params:
    """Parse the whole file. Raises MarqueeError with the dotted key of what is wrong."""
    return parse(Params, load(path), "")


def load(path: Path) -> dict[str, Any]:
    """The file as YAML has it. Raises MarqueeError for a missing file or broken YAML."""
    import yaml

    try:
        content = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise MarqueeError(f"{path} is missing; run from the repository's top folder") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise MarqueeError(f"{path}{line}: not readable as YAML; correct that line") from None
    if not isinstance(content, Mapping):
        raise MarqueeError(f"{path} has no blocks; restore it with `git checkout {path}`")
    return dict(content)


def flatten(block: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Dotted key → value of nested blocks; a list is a value."""
    flat: dict[str, Any] = {}
    for key, value in block.items():
        place = _join(where, key)
        flat |= flatten(value, place) if isinstance(value, Mapping) else {place: value}
    return flat


def preset(name: str) -> dict[str, Any] | None:
    """Dotted key → value chosen for the release `name`; None where nothing was.

    presets/synthetic-100k.yaml has the default of every key that any preset sets.
    """
    path = PRESETS / f"{name}.yaml"
    return flatten(load(PRESETS / "synthetic-100k.yaml")) | flatten(load(path)) if path.is_file() else None


def preset_not_followed(path: Path) -> str | None:
    """How to follow the preset of the release that params.yaml at `path` names; None where it does."""
    flat = flatten(load(path))
    name, source = flat["dataset.name"], flat.get("dataset.source", "official")
    chosen = (preset(name) or {}).items()
    n = sum(key in flat and not _equal(flat[key], value) for key, value in chosen)
    where = "" if source == "official" else f' --source "{source}"'
    return f"{path} has {n} values other than chosen for {name}: `marquee use {name}{where}`" if n else None


def _equal(one: Any, other: Any) -> bool:
    return one == other or (_number(one) is not None and _number(one) == _number(other))


def parse(cls: type[T], block: Any, where: str) -> T:
    """`block` (a mapping; None counts as empty) as a `cls`. `where` is the block's dotted key.

    Raises MarqueeError for an unknown key, a missing one, a wrong type or an impossible value.
    """
    block = _mapping(block, where)
    kinds = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    rest = next((name for name, field in known.items() if "other_keys" in field.metadata), None)
    if rest:
        own = known.keys() - {rest}
        others = {key: value for key, value in block.items() if key not in own}
        block = {**{key: block[key] for key in own & block.keys()}, rest: others}
    for key in block:
        if key not in known:
            raise MarqueeError(f"{_join(where, key)} is not a parameter{did_you_mean(str(key), known)}")
    values = {}
    for name, field in known.items():
        place, kind = _join(where, name), kinds[name]
        if name in block or dataclasses.is_dataclass(kind) or typing.get_origin(kind) is Mapping:
            value = block.get(name)
            if "keys" in field.metadata:
                value = _with_keys(_mapping(value, place), field.metadata["keys"], place)
            values[name] = _convert(value, kind, place)
            _check_bounds(values[name], field.metadata, place)
        elif field.default is MISSING:
            raise MarqueeError(f"{place} is missing; give it a value")
    return cls(**values)


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _mapping(block: Any, where: str) -> Mapping[str, Any]:
    block = {} if block is None else block
    if not isinstance(block, Mapping):
        raise MarqueeError(f"{where} is {block!r}, but must be a block of keys")
    return block


def _with_keys(block: Mapping[str, Any], keys: Sequence[str], where: str) -> dict[str, Any]:
    for key in block:
        if key not in keys:
            raise MarqueeError(f"{_join(where, key)} is not a parameter{did_you_mean(str(key), keys)}")
    return {key: block.get(key) for key in keys}


def _convert(value: Any, kind: Any, where: str, or_words: str = "") -> Any:
    """`value` as the declared type `kind`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return parse(kind, value, where)
    if origin is Mapping:
        block = _mapping(value, where)
        return {str(key): _convert(v, inner[1], _join(where, key)) for key, v in block.items()}
    if origin in (types.UnionType, typing.Union):  # X | None, X | Literal["auto"] | None
        words = [word for one in inner for word in typing.get_args(one)]
        if value is None or value in words:
            return value
        return _convert(value, inner[0], where, "".join(f" or {word}" for word in words))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise MarqueeError(f"{where} is {value!r}, but must be a list")
        return tuple(_convert(v, inner[0], f"{where}[{n}]") for n, v in enumerate(value))
    if kind in (bool, str) and isinstance(value, kind):
        return value
    if not isinstance(value, bool):
        if kind is str and isinstance(value, int | float):
            return str(value)
        number = _number(value)
        if kind is float and number is not None:
            return number
        if kind is int and number is not None and number.is_integer():
            return int(value) if isinstance(value, int) else int(number)
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise MarqueeError(f"{where} is {value!r}, but must be {names[kind]}{or_words}")


def _number(value: Any) -> float | None:
    """A finite number, also from text such as `1e-05`; otherwise None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _check_bounds(value: Any, bounds: Mapping[str, Any], where: str) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        if one is None:
            continue
        if "choices" in bounds and one not in bounds["choices"]:
            raise MarqueeError(f"{where} is {one!r}{did_you_mean(str(one), map(str, bounds['choices']))}")
        for name, broken, words in (
            ("low", lambda v, b: v < b, "at least"),
            ("high", lambda v, b: v > b, "at most"),
            ("above", lambda v, b: v <= b, "above"),
            ("below", lambda v, b: v >= b, "below"),
        ):
            if name in bounds and broken(one, bounds[name]):
                raise MarqueeError(f"{where} is {one}, but must be {words} {bounds[name]}")
