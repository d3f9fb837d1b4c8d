"""How much each stage leaves on the disk: bytes for each row of its files, compressed, as measured."""

from __future__ import annotations

from math import log2

from marquee import config
from marquee.resources.memory_model import model_cost
from marquee.resources.pipeline_sizes import PipelineSizes

UNPACKED = 4  # per byte of a release's zip: text compresses to a quarter
TEXT = 24  # per rating in text, where there is no zip
RATING = 2.2  # per rating in Parquet beside its item: user, rating and time
USER_OF_PAIR = 0.1  # per pair in Parquet beside its item: users ascend
MOVIE, USER = 17, 12  # per row of their tables
CANDIDATE = 0.8  # of an item's bytes: candidates are sorted, so they compress further
PREDICTED = 8.5  # per test pair: rating, prediction, user and item
METRICS = 50  # per test user and list length
SCORE = 4  # per entry of a list, beside its item
VECTORS = 1_150_000  # of the movies and users on a model's maps; none of a model that ranks them all alike
DATA_FIGURES = 200_000  # three figures as SVG and PNG, and their CSVs
MODEL_FIGURES = 600_000  # of a rating model, as SVG and PNG; of others less
LEADERBOARD = 100_000
COMPARED = 19_000  # per model of the leaderboard, beside that
PAGE = 180_000  # per model of the report
DEMO, TITLED = 90_000, 60  # style and scripts of plots/try.html, and each of its movies


def disk_bytes(stage: str, params: config.Params, sizes: PipelineSizes) -> float:
    """Return the bytes of a stage's outputs in the work tree; DVC's cache may hold a copy of them."""
    kind, _, name = stage.partition("@")
    item = 1.25 * log2(max(sizes.items, 2)) / 8  # an item's number, its bytes stored apart and compressed
    row = RATING + item
    if kind == "check":
        return 0
    if kind == "download":
        return UNPACKED * sizes.zip or TEXT * sizes.ratings
    if kind == "ingest":
        return row * sizes.ratings + MOVIE * sizes.items + USER * sizes.users + DATA_FIGURES
    if kind == "split":
        part = sizes.parts[name]
        pairs = (item + USER_OF_PAIR) * part.low_rated
        return row * (part.train + part.validation + part.test + part.fold_in) + pairs
    if kind == "negatives":
        return sizes.parts["ranking"].train * (row + item * sizes.per_positive)
    if kind == "candidates":
        return CANDIDATE * item * sizes.parts[name].test_users * sizes.candidates
    if kind == "train":
        return model_cost(name, params.model(name), sizes).model_bytes
    if kind == "evaluate":
        return VECTORS + _evaluated(params.model(name).task, params, sizes, item)
    if kind == "oracle":
        return sizes.simulated * sum(_evaluated(task, params, sizes, item) for task in config.TASKS)
    if kind == "demo":
        return 4 / 3 * 1e6 * params.demo.megabytes + DEMO + TITLED * min(sizes.items, params.demo.movies)
    models = len(params.models)
    of_all = {"plot": MODEL_FIGURES, "compare": LEADERBOARD + COMPARED * models, "report": PAGE * models}
    return of_all[kind]


def _evaluated(task: str, params: config.Params, sizes: PipelineSizes, item: float) -> float:
    part, ks = sizes.parts[task], params.evaluate.ks
    users = part.test_users * (METRICS * len(ks) + max(ks) * (SCORE + item))
    return users + PREDICTED * part.test * (task == "rating")
