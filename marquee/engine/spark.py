"""Map blocks as jobs of Spark. The only module that imports pyspark.

Spark moves bytes and starts tasks again; Marquee's own functions do the arithmetic. A shared value is one
broadcast, whose file the Python processes of an executor map. The blocks of a job are divided into runs of
equal length, one for each partition, and no result depends on where a run ends.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pyspark.core.broadcast import Broadcast

from marquee.engine.clock import timed
from marquee.engine.session import code_on_executors, context, new_file
from marquee.engine.settings import spark_partitions
from marquee.engine.transport import pack, pieces, unpack
from marquee.engine.worker import DONE, FAULT
from marquee.errors import MarqueeError, reason

if TYPE_CHECKING:
    from marquee.engine import Shared, Take, Task

FIRST_BLOCKS = 64  # of the first job
BLOCKS = 256  # of one job: what Spark's driver holds of results is bounded
RESULT_BYTES = 1 << 28  # of one job, by the largest result so far


class _Pieces(Broadcast[Any]):
    """A broadcast variable whose file is packed by `transport`, so that executors map it."""

    def dump(self, value: Any, f: BinaryIO) -> None:
        with f:
            f.writelines(pieces(value))


class _File:
    """Values in a packed file, which all processes of this machine map without a broadcast."""

    def __init__(self, path: Path, value: Any) -> None:
        self.path = path
        with path.open("wb") as file:
            file.writelines(pieces(value))

    def destroy(self) -> None:
        self.path.unlink(missing_ok=True)


def _send(spark: Any, values: Mapping[str, Any]) -> Any:
    if code_on_executors() is None:  # they are threads of this machine's JVM
        return _File(new_file(), values)
    return _Pieces(spark, values, spark._pickled_broadcast_vars)


def map_blocks(
    task: Task,
    blocks: Sequence[tuple[Any, ...]],
    shared: Sequence[Shared],
    take: Take | None,
    result_bytes: int = 0,
) -> list[Any]:
    """Return the result of each block, in order; see `marquee.engine.map_blocks`."""
    with timed("start"):
        spark = context()
    with timed("send"):
        for one in shared:
            if one.sent is None:
                one.sent = _send(spark, one.values)
    partitions = spark_partitions() or 2 * spark.defaultParallelism
    job = _on_executor(pickle.dumps(task), [one.sent for one in shared], code_on_executors())
    results: list[Any] = []
    largest = max(RESULT_BYTES // FIRST_BLOCKS, result_bytes)  # of one result, as long as none is known
    while len(results) < len(blocks):
        count = max(partitions, min(BLOCKS, RESULT_BYTES // largest))
        numbers = range(len(results), min(len(results) + count, len(blocks)))
        with timed("run"):
            records = _collect(spark, job, [(k, blocks[k]) for k in numbers], partitions)
        largest = max(map(len, records))
        with timed("take"):
            records.reverse()
            while records:  # each is let go of once it is unpacked
                results.append(_result(records.pop(), take))
    return results


def _result(record: bytes, take: Take | None) -> Any:
    k, kind, found = unpack(bytearray(record))
    if kind == FAULT:
        raise MarqueeError(found)
    if kind != DONE:
        raise RuntimeError(f"a task of Spark failed on block {k}\n{found}")
    return found if take is None else take(k, found)


def _on_executor(
    task: bytes, sent: Sequence[Any], code: str | None
) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    """Return the function that runs a partition. It travels by value: Marquee may have to be found first."""
    folder = str(Path.cwd())
    files = [str(one.path) if isinstance(one, _File) else one for one in sent]

    def run(partition: Iterable[bytes]) -> Iterator[bytes]:
        if code is not None:
            import sys

            from pyspark import SparkFiles

            package = SparkFiles.get(code)
            if package not in sys.path:
                sys.path.insert(0, package)
        from marquee.engine.worker import run_blocks

        paths = [file if isinstance(file, str) else file._path for file in files]
        return run_blocks(task, paths, folder, partition)

    return run


def _collect(spark: Any, job: Any, numbered: list[tuple[int, Any]], partitions: int) -> list[bytes]:
    """Run one job and return its records in the order of the blocks."""
    from py4j.protocol import Py4JJavaError

    parts = min(partitions, len(numbered))
    cuts = [len(numbered) * part // parts for part in range(parts + 1)]
    runs = [pack(numbered[first:stop]) for first, stop in pairwise(cuts)]
    try:
        return spark.parallelize(runs, parts).mapPartitions(job).collect()
    except Py4JJavaError as error:
        raise _failed(error) from error


def _failed(error: Any) -> Exception:
    """Return the one line for a job that Spark gave up, whose message holds the stack of a JVM."""
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    text = str(cause.getMessage() or cause.toString())
    inner = [line.strip() for line in text.splitlines() if line.strip()]
    python = [line for line in inner if line.partition(":")[0].isidentifier()]
    said = python[-1] if python else reason(RuntimeError(text))
    return MarqueeError(
        f"Spark gave up a job ({said[:200]}): see the logs of its executors, "
        "or unset MARQUEE_ENGINE to run locally"
    )
