"""How much memory each stage holds at its peak, and which parameters lower it: formulas alone.

A formula counts bytes for each row, by the arrays that exist at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

from marquee import config
from marquee.config import parse
from marquee.data.time_cuts import BY_TIME
from marquee.evaluation.topk import BLOCK_BYTES
from marquee.recommenders.base import CSR_BYTES, RATING_BYTES, Cost
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.pipeline_sizes import PipelineSizes

BASE = 200  # MiB: the interpreter with NumPy and Arrow, and a row group of each column
BASES = {"ingest": 300, "train": 450, "evaluate": 260, "oracle": 310, "plot": 300}  # with numba, matplotlib
READ = RATING_BYTES  # per rating read: its arrays, beside one row group of its table
SIMULATED = 37  # per simulated rating: user, item, value, time, and the keys that choose it
INGESTED = 42  # per rating parsed: READ, and if users are in disorder its packed key, its place, a copy
SPLIT = 28  # per rating split: READ, its part and marks, and the column being moved
BY_RANK = 17  # per rating whose place in time decides: a row's number, and where its user's part ends
CANDIDATE = 12  # per sampled candidate: the sample, sorted, and its item
PAIR = 4  # per known (user, item) that candidates avoid: both packed
SEEN = RATING_BYTES + 12  # per known rating of an evaluation: READ, and in users' order
JOINED = 8  # per known rating of an evaluation: its pair, where several parts are put together
TESTED = 80  # per test pair: prediction, error, place, and the columns of its residual
OFFERED = 12  # per candidate of an evaluation: its table, array and mark
LISTED = 1400  # per test user: a dozen metrics at each length, and the list itself
COMPARED = 700  # per user and model in the comparison: metrics, as table and as array
COVERED = 8  # per item that a user's longest list has: its id, and its place among those of a block
BLOCKS = 3 * BLOCK_BYTES  # scores, and the search for the best of them
DRAWN = 20  # per rating that a figure counts, and per test pair
BOOTSTRAP = 70 << 20  # resamples of a block of users
PACKED = 60  # per byte of a packed model: its numbers as whole ones, as gaps and as seven bits each
PAGE = 1 << 20  # per model of the report: its figures, and the page that they are put into


def model_cost(name: str, entry: config.ModelEntry, sizes: PipelineSizes) -> Cost:
    """Return what the formula of the entry's algorithm says."""
    module = import_module(f"marquee.recommenders.{entry.algorithm}")
    return module.Model.cost(parse(module.Options, entry.options, f"models.{name}"), sizes.of(entry))


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes of a process at its peak, the dotted parameters that lower them, the model that needs them."""

    bytes: float
    lower: tuple[str, ...] = ()
    model: str = ""


def memory_need(stage: str, params: config.Params, sizes: PipelineSizes) -> MemoryNeed:
    """Return the need of `train@als_mf`, `split@rating`, ...: of a stage by its name in dvc.yaml."""
    kind, _, name = stage.partition("@")
    need = _rows(kind, name, params, sizes)
    return replace(need, bytes=need.bytes + (BASES.get(kind, BASE) << 20))


def _rows(kind: str, name: str, params: config.Params, sizes: PipelineSizes) -> MemoryNeed:
    """Return the need for the rows of a stage alone."""
    data = ("simulator.ratings",) if sizes.simulated else ("the size of the release (dataset.name)",)
    if kind == "download":
        return MemoryNeed(SIMULATED * sizes.ratings * sizes.simulated, data)
    if kind == "ingest":
        return MemoryNeed(INGESTED * sizes.ratings, data)
    if kind == "split":
        part, by_time = sizes.parts[name], params.tasks[name].split in BY_TIME
        held_out = RATING_BYTES * (part.validation + part.test + part.fold_in)
        return MemoryNeed((SPLIT + BY_RANK * by_time) * sizes.ratings + held_out, data)
    if kind == "negatives":
        row = READ + 5 * sizes.per_positive
        return MemoryNeed(sizes.parts["ranking"].train * row, ("negatives.per_positive",))
    if kind == "candidates":
        part = sizes.parts[name]
        rows = [part.train, part.validation, part.fold_in, part.test]
        rows += [part.low_rated] * (params.evaluate.mask == "rated")
        pairs = (RATING_BYTES + PAIR) * sum(rows)
        return MemoryNeed(pairs + CANDIDATE * part.test_users * sizes.candidates, ("candidates.per_user",))
    if kind in ("train", "evaluate", "plot"):
        return _of_model(kind, name, params.model(name), sizes, params.evaluate.mask)
    if kind == "oracle":
        most = max(_evaluated(sizes, task, params.evaluate.mask) for task in config.TASKS)
        return MemoryNeed(most * sizes.simulated, data)
    if kind == "demo":
        entry = params.models.get(params.demo.model)
        cost = model_cost(params.demo.model, entry, sizes).model_bytes if entry else 0
        return MemoryNeed(2 * cost + PACKED * params.demo.megabytes * 1e6, ("demo.movies",))
    if kind == "compare":
        of_user = COMPARED + COVERED * max(params.evaluate.ks)
        of_item = len(params.evaluate.ks) * params.compare.bootstrap_samples / 8  # a bit for each resample
        bytes = BOOTSTRAP + (of_user * sizes.users + of_item * sizes.items) * len(params.models)
        return MemoryNeed(bytes, ("evaluate.ks",))
    return MemoryNeed(PAGE * len(params.models) if kind == "report" else 0)


def _of_model(kind: str, name: str, entry: config.ModelEntry, sizes: PipelineSizes, mask: str) -> MemoryNeed:
    cost, shape = model_cost(name, entry, sizes), sizes.of(entry)
    lower = tuple(f"models.{name}.{option}" for option in cost.reduce_with)
    if kind == "train":
        rows = (READ + 4 * shape.per_positive) * (shape.train + shape.validation)
        ranked = (BLOCKS + 2 * CSR_BYTES * shape.train) * (entry.task == "ranking")
        bytes: float = rows + max(cost.peak_bytes, 2 * cost.model_bytes + ranked)
    elif kind == "evaluate":
        beside = _evaluated(sizes, entry.task, mask)
        bytes = cost.model_bytes + beside
        lower = lower if beside < cost.model_bytes else ("candidates.per_user",)
    else:
        bytes = 2 * cost.model_bytes + DRAWN * (shape.train + sizes.parts["rating"].test)
    return MemoryNeed(bytes, lower, name)


def _evaluated(sizes: PipelineSizes, task: str, mask: str) -> float:
    """Return the bytes of an evaluation beside its model."""
    part = sizes.parts[task]
    masked = (SEEN + RATING_BYTES) * part.low_rated if mask == "rated" else 0
    joined = JOINED * ((part.fold_in > 0) + (part.fold_in + part.validation > 0))
    known = (SEEN + joined) * (part.train + part.fold_in + part.validation) + masked + TESTED * part.test
    return known + OFFERED * part.test_users * sizes.candidates + LISTED * part.test_users + BLOCKS


def too_much(need: MemoryNeed, sizes: PipelineSizes, limit: Limit | None) -> str | None:
    """Say why a stage does not fit; None where it does, or where no limit is known."""
    if limit is None or need.bytes <= limit.bytes:
        return None
    return (
        f"needs about {need.bytes / GIB:.1f} GiB for {sizes.ratings:,} ratings of {sizes.users:,} "
        f"users and {sizes.items:,} items, but {limit.words}: {remedy(need)}"
    )


def remedy(need: MemoryNeed) -> str:
    """Say which parameters to lower, or what else to do."""
    ways = [f"lower {' or '.join(need.lower)}"] if need.lower else []
    if need.model:
        ways.append(f"leave {need.model} out")
    return ", or ".join([*ways, "run where there is more memory"])
