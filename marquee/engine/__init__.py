"""Map a function over blocks of whole users or items: on threads, or on Spark, with the same bytes.

    MARQUEE_ENGINE=local              threads of this process (default)
    MARQUEE_ENGINE=spark              tasks of Spark; `pip install ".[spark]"` and Java 17
    MARQUEE_SPARK_MASTER=local[*]     any master that Spark knows, such as spark://host:7077
    MARQUEE_SPARK_CONF=key=value;...  settings of Spark; pairs end with `;` or a line end
    MARQUEE_SPARK_PARTITIONS=7        partitions of a job (default: twice as many as Spark has cores)

They are variables and no parameters: no byte of a result depends on them. How to use the one verb:

    def count(rows, user, item):                            # at the top level of a module; changes nothing
        return np.bincount(item[rows])

    blocks = user_blocks(user)                              # tuples: the task's positional arguments
    counts = map_blocks(count, blocks, {"user": user, "item": item})   # in the order of the blocks

Blocks travel with a task, so they are slices, numbers and small arrays. All that is large goes into `shared`
by name: it is sent to an executor once, as raw memory, and all tasks there map the same pages. What serves
several calls is kept by a handle; mappings and handles combine:

    with share(starts=starts, items=items) as fixed:        # as the rows of a matrix, over all sweeps
        for sweep in range(sweeps):
            users = np.concatenate(map_blocks(solve, blocks, fixed, {"factors": items}))

A shared value is anything that pickles: arrays, or an object that has some, such as `Ratings` and
`KeyedRandom`. A task may read a shared array and may not change it.

`take(k, result)` receives the result of block k as soon as it is there, in place of a list of all results:
on the thread of the task, or on the driver. There it may write to rows of block k, and to nothing else.

A MarqueeError of a task is raised on the driver, that of the first block in order. BLAS runs on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marquee.engine.settings import on_spark as on_spark
from marquee.parallel import parallel_for, single_threaded_blas

Task = Callable[..., Any]
Take = Callable[[int, Any], Any]


class Shared:
    """Values that tasks of several calls read, by name. Close it, or use it in `with`, to free executors."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.sent: Any = None  # the broadcast, on Spark from the first use on

    def close(self) -> None:
        if self.sent is not None:
            self.sent.destroy()
            self.sent = None

    def __enter__(self) -> Shared:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def share(**values: Any) -> Shared:
    """Return a handle of `values` for any number of calls of `map_blocks`; they must not change meanwhile."""
    return Shared(values)


def map_blocks(
    task: Task,
    blocks: Sequence[tuple[Any, ...]],
    *shared: Shared | Mapping[str, Any],
    take: Take | None = None,
    result_bytes: int = 0,
) -> list[Any]:
    """Return `task(*block, **shared)` of each block, in order; with `take`, what that makes of each.

    result_bytes  about how large the largest result is, where that is more than 4 MiB
    """
    if on_spark() and len(blocks):
        from marquee.engine import session
        from marquee.engine.clock import timed

        with timed("start"):
            session.context()  # first, since it says in one line what is not installed
        from marquee.engine import spark

        handles = [one if isinstance(one, Shared) else Shared(one) for one in shared]
        try:
            return spark.map_blocks(task, blocks, handles, take, result_bytes)
        finally:
            for given, handle in zip(shared, handles, strict=True):
                if given is not handle:
                    handle.close()
    values: dict[str, Any] = {}
    for one in shared:
        values.update(one.values if isinstance(one, Shared) else one)

    def run(k: int) -> Any:
        result = task(*blocks[k], **values)
        return result if take is None else take(k, result)

    with single_threaded_blas():
        return parallel_for(run, range(len(blocks)))
