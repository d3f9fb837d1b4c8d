"""`marquee tune`: try other options of a model on its validation data, and show the best as a block of YAML.

It reads the training and the validation file, and never the test file. A killed search goes on where it was.
"""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from marquee import config
from marquee.cli import project
from marquee.config.search import Range, Space
from marquee.data import stored
from marquee.data.identity import identity_of, label
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates, sample_candidates
from marquee.errors import MarqueeError
from marquee.figures.tuning import tuning
from marquee.io import (
    atomic_folder,
    digest,
    read_json,
    remove,
    write_figure,
    write_json,
    write_parquet,
    write_text,
)
from marquee.recommenders import algorithms, check
from marquee.recommenders.base import TrainingData
from marquee.resources.memory_limit import GIB, memory_limit
from marquee.resources.memory_model import memory_need, too_much
from marquee.resources.pipeline_sizes import pipeline_sizes
from marquee.rng import KeyedRandom
from marquee.terminal import progress_bar, say
from marquee.tuning import outcome, records, worker
from marquee.tuning.sampler import require_optuna
from marquee.tuning.search import Search, searched
from marquee.tuning.trials import Job

TRIALS, WORKERS = 30, 1
FOLDER, COSTS = Path("data/tuning"), Path("data/tuning_costs")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a block of params.yaml")
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"sets of options (default: {TRIALS})")
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help="processes; the result is the same for any number"
    )
    parser.add_argument(
        "--sampled",
        action="store_true",
        help="rank validation items among candidates.per_user sampled ones, as protocols with given ones do",
    )
    parser.add_argument(
        "--record", action="store_true", help="write into presets/tuned/ what the leaderboard says of tuning"
    )


def run(args: Namespace) -> None:
    for name in ("trials", "workers"):
        if getattr(args, name) < 1:
            raise ArgumentError(None, f"--{name} is {getattr(args, name)}, but must be at least 1")
    params = project.params()
    spaces = {name: space_of(name, params) for name in args.models}
    for name in spaces:
        if args.sampled and params.model(name).task == "rating":
            raise MarqueeError(f"models.{name} predicts ratings: --sampled is for ranking models")
    require_optuna()
    for name, space in spaces.items():
        found, seconds = tune(name, space, params, args.trials, args.workers, args.sampled)
        if args.record:
            task = params.model(name).task
            new = records.record(found, seconds, task, params.tasks[task])
            print(f"recorded in {records.write(params.dataset.name, name, new)}")


def space_of(name: str, params: config.Params) -> Space:
    """Return what may be tried for the block. Raises MarqueeError where there is nothing, or a bad block."""
    entry = params.model(name)
    check(entry, f"models.{name}", params.negatives.per_positive)
    module = _module(entry.algorithm)
    options = config.parse(module.Options, entry.options, f"models.{name}")
    space: Space = getattr(module, "SPACE", {})
    if not space:
        able = ", ".join(one for one in algorithms() if hasattr(_module(one), "SPACE"))
        raise MarqueeError(f"{entry.algorithm} has nothing to tune: choose a model of {able}")
    if not (known := searched(options, space)):
        raise MarqueeError(
            f"every option of models.{name} is outside of what is searched: change one of {', '.join(space)}"
        )
    for key in space.keys() - known.keys():
        say(f"{name}: {key} stays {getattr(options, key)}, which is outside of what is searched")
    return {key: space[key] for key in known}


def _module(algorithm: str) -> Any:
    return import_module(f"marquee.recommenders.{algorithm}")


def tune(
    name: str, space: Space, params: config.Params, n_trials: int, n_workers: int, sampled: bool = False
) -> tuple[dict[str, Any], float]:
    """Search, write what is found, and return its summary and the seconds of all fits."""
    entry, about = params.model(name), identity_of()
    files = [Path(f"data/{entry.train_data}/train.parquet"), Path(f"data/{entry.task}/val.parquet")]
    iterative = "epochs" in {one.name for one in fields(_module(entry.algorithm).Options)}
    n_workers = affordable(name, space, params, n_workers if iterative else 1)  # see `trials.run_closed`
    known = Catalogue.read(Path("data/movies.parquet"))
    train, validation = (Ratings.read(path) for path in files)
    for path, part in zip(files, (train, validation), strict=True):
        part.require_ids(known.n_users, known.n_items, path)
    if not len(validation):
        raise MarqueeError(f"{files[1]} is empty: set tasks.{entry.task}.validation above 0 to tune {name}")
    store = _store(name, entry, params, files, {"trials": n_trials, "sampled": sampled})
    job = Job(name, entry, params.seed, store, sampled)
    candidates = _candidates(train, validation, known, params) if sampled else None
    bar = progress_bar(None, 0, f"tune {name}", "fits")
    with worker.workers(job, TrainingData(train, validation, known, candidates), n_workers) as running:
        search = Search(running, space, n_trials, lambda fits: bar.update())
    bar.close()
    found, trials = outcome.summary(search), outcome.trials_table(search)
    costs, text = outcome.costs_table(search), outcome.block(found, label(about))
    with atomic_folder(FOLDER / name) as folder:
        write_parquet(folder / "trials.parquet", trials)
        write_json(folder / "summary.json", {**found, "data": about})
        write_text(folder / "winner.yaml", text)
        write_figure(folder / "trials.png", tuning(trials.to_pydict(), found, space))
    write_parquet(COSTS / f"{name}.parquet", costs)
    remove(job.folder)
    print(text, end="")
    return found, sum(trial.seconds for trial in search.trials)


def _candidates(train: Ratings, validation: Ratings, known: Catalogue, params: config.Params) -> Candidates:
    """Sample what validation items are ranked among: items that the user has not in train or validation."""
    random = KeyedRandom(params.seed, "candidates@validation", *stored.original_ids())
    sizes = known.n_users, known.n_items, params.candidates.per_user
    return sample_candidates((train,), validation, *sizes, random)


def _store(
    name: str, entry: config.ModelEntry, params: config.Params, files: list[Path], how: Mapping[str, Any]
) -> Path:
    """Return a folder named after all that the trials depend on. DVC does not know it, so it stays."""
    sources = sorted(Path(config.__file__).parents[1].rglob("*.py"))
    settings = {"entry": asdict(entry), "seed": params.seed, "candidates": params.candidates.per_user, **how}
    return Path(".checkpoints") / f"tune-{name}-{digest([*files, *sources], settings)[:16]}"


def affordable(name: str, space: Space, params: config.Params, wanted: int) -> int:
    """Return how many of the workers fit into memory, each with the largest trial of the space.

    Raises MarqueeError where not even one does. Workers share the ratings, by mapping one copy of them; all
    else is counted for each.
    """
    entry = params.model(name)
    largest = {key: one.high for key, one in space.items() if isinstance(one, Range)}
    big = replace(entry, options={**entry.options, **largest})
    counted = Path("data/dataset.json")
    try:
        sizes = pipeline_sizes(params, read_json(counted) if counted.is_file() else None)
        need = memory_need(f"train@{name}", replace(params, models={**params.models, name: big}), sizes)
    except MarqueeError:  # a release whose size is not known
        return wanted
    limit = memory_limit()
    if line := too_much(need, sizes, limit):
        raise MarqueeError(f"the largest trial of {name} {line}")
    if limit is None or wanted * need.bytes <= limit.bytes:
        return wanted
    fit = int(limit.bytes // need.bytes)
    say(f"{name}: {fit} of {wanted} workers, each needs up to {need.bytes / GIB:.1f} GiB and {limit.words}")
    return fit
