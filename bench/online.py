"""Time `Recommender.update` against another fit, and compare what both recommend.

    python -m bench.online --project DIR [--write] [MODEL ...]

DIR is a project in which the pipeline has split its data. Of each model's training ratings the last
hundredth in time is held back from a first fit, and then learned: by an update, and by a fit on all of them,
in one process. Seconds are of the processor, from arrays to a model that answers. --write adds rows to
bench/results/online.csv and renders docs/lab/online.md; --curves DIR takes the files of `marquee online`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from os import chdir
from pathlib import Path
from typing import Any

import numpy as np

from bench import stream
from bench.output import IMAGES, RESULTS, ROOT, Row, markdown, parser, publish, read
from marquee import config, recommenders
from marquee.data.changes import UpdateData, changed
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.evaluation.evaluate import Evaluation, evaluate_ranking, evaluate_rating
from marquee.evaluation.test_set import ModelResult
from marquee.io import write_text
from marquee.leaderboard.significance import bootstrap, interval
from marquee.leaderboard.table import ratios_of
from marquee.prequential import LastEpoch
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import named_rng
from stages._inputs import catalogue, positive_threshold

TEXT, PAGE = ROOT / "bench/pages/online.md", ROOT / "docs/lab/online.md"
HELD_BACK = 0.01  # of the training ratings, the last in time
REPEATS, SHORT, SLOW = (
    (3, 9),
    0.5,
    15.0,
)  # what takes fewer seconds is repeated 9 times, what takes more never
METRIC = {"ranking": "ndcg@10", "rating": "rmse"}
MODELS = (
    *("popularity", "item_knn", "ease", "ials", "mf_bce", "mf_bce_tuned"),
    *("bias", "als_bias", "als_mf", "als_genres", "sgd_mf", "sgd_mf_biased"),
    *("gmf", "gmf_tuned", "neumf", "autorec_user", "autorec_item"),
)
HEADER = (
    *("size", "model", "metric", "ratings", "users", "new_users", "movies", "never", "update", "refit"),
    *("update_less_refit", "low", "high", "never_of_users", "update_of_users", "refit_of_users"),
    *("update_seconds", "refit_seconds", "ratio"),
)


def measure(name: str, params: config.Params, known: Catalogue, scale: tuple[float, float]) -> list[Any]:
    """Return a row of HEADER for one model of the project in the working directory."""
    entry = params.model(name)
    metric = METRIC[entry.task]
    data = Path("data")
    whole = Ratings.read(data / entry.train_data / "train.parquet")
    validation, test = (Ratings.read(data / entry.task / f"{part}.parquet") for part in ("val", "test"))
    late = whole.timestamp > np.quantile(whole.timestamp, 1 - HELD_BACK)
    before, given = whole.take(~late), whole.take(late)

    def fit(train: Ratings) -> tuple[Recommender, LastEpoch]:
        model, progress = recommenders.create(entry.algorithm, entry.task, entry.options, name), LastEpoch()
        rng = named_rng(params.seed, f"train@{name}")
        return model.fit(TrainingData(train, validation, known), rng, progress), progress

    def evaluate(model: Recommender, train: Ratings) -> Evaluation:
        seen = concat(whole, validation)
        if entry.task == "ranking":
            return evaluate_ranking(model, seen, test, None, known, (10,), train)
        threshold = positive_threshold(params)
        return evaluate_rating(model, train, test, *scale, seen, threshold, None, known, (10,))

    first, progress = fit(before)

    def update() -> Recommender:
        data = UpdateData(changed(before, given), known, progress.last)
        return first.update(data, named_rng(params.seed, "update"))

    updated, update_seconds = _least(update)
    fitted, refit_seconds = _least(lambda: fit(whole)[0])
    results = [evaluate(first, before), evaluate(updated, whole), evaluate(fitted, whole)]
    touched = np.unique(given.user)
    values = [*_values(results, metric, None), *_values(results, metric, touched)]
    ratios = [ratios_of(ModelResult(name, "", one.metrics, one.per_user))[metric] for one in results]
    figures = bootstrap(ratios, 1000, named_rng(params.seed, "online"))
    difference = figures[:, 1] - figures[:, 2]
    new = len(np.setdiff1d(touched, before.user))
    return [
        *(params.dataset.name, name, metric, len(given), len(touched), new, len(np.unique(given.item))),
        *(f"{value:.4f}" for value in values[:3]),
        *(f"{value:+.4f}" for value in (difference[0], *interval(difference, 0.95))),
        *(f"{value:.4f}" for value in values[3:]),
        *(f"{update_seconds:.4f}", f"{refit_seconds:.3f}", f"{update_seconds / refit_seconds:.4f}"),
    ]


def _least(work: Callable[[], Recommender]) -> tuple[Recommender, float]:
    """Return what `work` makes, and the least processor seconds it takes, after a time that may compile."""
    seconds: list[float] = []
    while True:
        began = time.process_time()
        made = work()
        seconds.append(time.process_time() - began)
        if seconds[0] > SLOW or len(seconds) > REPEATS[min(seconds) < SHORT]:
            return made, min(seconds[1:] or seconds)


def _values(results: list[Evaluation], metric: str, users: np.ndarray | None) -> list[float]:
    """Return the metric of each result, of all users or of some."""
    found = []
    for one in results:
        rows = (
            np.full(len(one.per_user["user"]), True)
            if users is None
            else np.isin(one.per_user["user"], users)
        )
        part = {name: column[rows] for name, column in one.per_user.items()}
        ratio = ratios_of(ModelResult("", "", one.metrics, part))[metric]
        found.append(float(bootstrap([ratio], 1, named_rng(0, "value"))[0, 0]))
    return found


def page() -> str:
    """Return docs/lab/online.md: bench/pages/online.md with the tables of bench/results."""
    updates = [
        [
            row["model"],
            row["metric"].upper(),
            *(row[key] for key in ("never", "update", "refit")),
            f"{row['update_less_refit']} ({row['low']} to {row['high']})",
            f"{float(row['update_seconds']):.3f}",
            f"{float(row['refit_seconds']):.2f}",
            f"{100 * float(row['ratio']):.1f} %",
        ]
        for row in read("online")
    ]
    head = [
        "model",
        "metric",
        "never",
        "update",
        "refit",
        "update − refit (95 %)",
        "update s",
        "refit s",
        "ratio",
    ]
    return TEXT.read_text("utf-8").format(
        updates=markdown(head, updates), stream=stream.sums(), **_numbers(read("online"))
    )


def _numbers(rows: list[Row]) -> dict[str, str]:
    """Return what the text says of the held-back ratings of each task."""
    of = {METRIC[task]: task for task in METRIC}
    return {
        f"{of[row['metric']]}_{key}": f"{int(row[key]):,}"
        for row in rows
        for key in ("ratings", "users", "new_users", "movies")
    }


def main() -> None:
    made = parser(__doc__)
    made.add_argument("models", nargs="*", metavar="MODEL")
    made.add_argument("--project", type=Path)
    made.add_argument("--curves", type=Path, help="the folder that `marquee online` wrote")
    args = made.parse_args()
    if args.curves is not None:
        for kind in ("curve", "summary"):
            shutil.copyfile(args.curves / f"{kind}.csv", RESULTS / f"online_{kind}.csv")
        shutil.copyfile(args.curves / "curve.png", IMAGES / "online.png")
    if args.project is not None:
        chdir(args.project)
        params, (known, scale) = config.read(Path("params.yaml")), catalogue()
        models = args.models or [name for name in MODELS if name in params.models]
        rows = {row["model"]: list(row.values()) for row in read("online")}
        for name in models:
            rows[name] = measure(name, params, replace(known), scale[:2])
            print(" ".join(map(str, rows[name])), flush=True)
            chosen = [rows[one] for one in MODELS if one in rows]
            publish("online", HEADER, chosen, args.write)
    if args.write:
        write_text(PAGE, page())
    else:
        print(page())


if __name__ == "__main__":
    main()
