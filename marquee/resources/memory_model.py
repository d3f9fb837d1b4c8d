"""How much memory each stage holds at its peak, and the parameters that bring it down: formulas alone.

Bytes for each row, by the arrays that live at once; docs/scale.md has them beside what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from marquee import config
from marquee.config import parse
from marquee.evaluation.topk import BLOCK_BYTES
from marquee.recommenders.base import CSR_BYTES, RATING_BYTES, Cost, DataShape
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.pipeline_sizes import PipelineSizes

BASE = 300 << 20  # the interpreter with numba or torch, where nothing has been measured
READ = 2 * RATING_BYTES  # of a rating that is read: in its table, and as arrays
SIMULATED = 37  # of a rating that is made up: who, what, when, and what is sorted to choose it
INGESTED = 79  # of a rating that is read from text: four columns of 8, its packed key, its place, as written
SPLIT = 85  # of a rating: READ, a random key, its part and rank, and all of it again in the parts
SPLIT_POSITIVES = 77  # where it is kept by a mask first
CANDIDATE = 12  # of a drawn item: the draw, sorted, and what it stands for
PAIR = 4  # of a pair that is known of a user, when candidates avoid it: user and item packed, of all blocks
SEEN = (
    3 * RATING_BYTES + 12
)  # of a rating, in an evaluation: READ, joined with validation, its items in users' order
REPORTED = 41  # of a rating, on the page: movie and time in their table and as arrays, times known, days
TESTED = 60  # of a test pair with its prediction, error and place
OFFERED = 12  # of a candidate: its table, its array, its mark
LISTED = 1400  # of a user: a dozen metrics at each length in float64, and the list itself
BLOCKS = 3 * BLOCK_BYTES  # scores, and what picks the best of them
DRAWN = 20  # of a test pair, in the pictures and the comparison


def cost(entry: config.ModelEntry, shape: DataShape) -> Cost:
    """By the formula of the entry's algorithm."""
    module = import_module(f"marquee.recommenders.{entry.algorithm}")
    return module.Model.cost(parse(module.Options, entry.options, f"options of {entry.algorithm}"), shape)


@dataclass(frozen=True)
class MemoryNeed:
    """bytes beside the interpreter, the dotted parameters that bring them down, the model that takes them."""

    bytes: float
    lower: tuple[str, ...] = ()
    model: str = ""


def memory_need(stage: str, params: config.Params, real: PipelineSizes) -> MemoryNeed:
    """Of `train@als_mf`, `split@rating`, ... as `stages.run` calls them; `evaluate` measures one by one."""
    kind, _, name = stage.partition("@")
    data = ("simulator.ratings",) if real.simulated else ("dataset.name",)
    if kind == "download":
        return MemoryNeed(SIMULATED * real.ratings * real.simulated, data)
    if kind == "ingest":
        return MemoryNeed(INGESTED * real.ratings, data)
    if kind == "split":
        return MemoryNeed((SPLIT if name == "rating" else SPLIT_POSITIVES) * real.ratings, data)
    if kind == "negatives":
        return MemoryNeed(
            real.parts["ranking"].train * (READ + 5 * real.per_positive), ("negatives.per_positive",)
        )
    if kind == "candidates":
        part = real.parts[name]
        parts = part.train, part.validation, part.fold_in, part.test
        pairs = (RATING_BYTES + PAIR) * sum(parts) + RATING_BYTES * max(parts)  # one of them a table still
        return MemoryNeed(pairs + CANDIDATE * part.test_users * real.candidates, ("candidates.per_user",))
    if stage == "evaluate":
        return max(
            (memory_need(f"{stage}@{one}", params, real) for one in params.models),
            key=lambda needs: needs.bytes,
        )
    if kind in ("train", "evaluate"):
        entry = params.model(name)
        return _of_model(kind, name, entry, cost(entry, real.of(entry)), real)
    if kind == "pictures":
        kept = max(cost(entry, real.of(entry)).model_bytes for entry in params.models.values())
        most = max(part.train for part in real.parts.values())
        tested = DRAWN * real.parts["rating"].test
        return MemoryNeed(2 * kept + READ * most + tested)
    if kind == "compare":
        wide = max((_measured(real, task) for task in config.TASKS), default=0)
        return MemoryNeed(wide + 2 * LISTED * real.users * len(params.models) / 4, ("evaluate.ks",))
    if kind == "report":
        return MemoryNeed(REPORTED * real.ratings + 2 * 4 * real.parts["ranking"].train)
    return MemoryNeed(0)


def _of_model(kind: str, name: str, entry: config.ModelEntry, takes: Cost, real: PipelineSizes) -> MemoryNeed:
    sizes = real.of(entry)
    lower = tuple(f"models.{name}.{option}" for option in takes.reduce_with)
    if kind == "train":
        stored = 4 * sizes.per_positive * 2  # the table's and the array's
        rows = (READ + stored) * (sizes.train + sizes.validation)
        ranked = (BLOCKS + 2 * CSR_BYTES * sizes.train) * (entry.task == "ranking")
        return MemoryNeed(rows + max(takes.peak_bytes, 2 * takes.model_bytes + ranked), lower, name)
    return MemoryNeed(takes.model_bytes + _measured(real, entry.task), lower, name)


def _measured(real: PipelineSizes, task: str) -> float:
    """What an evaluation holds beside its model."""
    part = real.parts[task]
    known = SEEN * (part.train + part.validation) + TESTED * part.test
    return known + OFFERED * part.test_users * real.candidates + LISTED * part.test_users + BLOCKS


def too_much(needs: MemoryNeed, base: float, real: PipelineSizes, limit: Limit | None) -> str | None:
    """Why a stage does not fit, to stand behind its name; None where it does, or no limit is known."""
    if limit is None or needs.bytes + base <= limit.bytes:
        return None
    ways = [f"lower {' or '.join(needs.lower)}"] if needs.lower else []
    if needs.model:
        ways.append(f"leave {needs.model} out")
    ways.append("run where there is more memory")
    return (
        f"needs about {(needs.bytes + base) / GIB:.1f} GiB for {real.ratings:,} ratings of "
        f"{real.users:,} users and {real.items:,} items, but {limit.words}; {', or '.join(ways)}"
    )
