"""Map blocks as jobs of Spark. The only module that imports pyspark.

Spark moves bytes and starts tasks again; Marquee's own functions do the arithmetic. Shared values are a file
that the Python processes of an executor map; broadcasts bring it there in parts. The blocks of a job are
divided into runs of equal length, one for each partition, and no result depends on where a run ends.
"""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from pyspark.core.broadcast import Broadcast

from marquee.engine.clock import timed
from marquee.engine.session import code_on_executors, context, new_file
from marquee.engine.settings import spark_partitions
from marquee.engine.transport import cut, pack, pieces, unpack
from marquee.engine.worker import DONE, FAULT, PREFIX
from marquee.errors import MarqueeError, reason

if TYPE_CHECKING:
    from marquee.engine import Shared, Take, Task

FIRST_BLOCKS = 64  # of the first job
BLOCKS = 256  # of one job: what Spark's driver holds of results is bounded
RESULT_BYTES = 1 << 28  # of one job, by the largest result so far
BROADCAST_BYTES = 1 << 27  # of one broadcast, which the JVMs of the driver and of executors hold whole


class _Part(Broadcast[Any]):
    """A broadcast variable whose file has these bytes and nothing of pickle's."""

    def dump(self, value: Any, f: BinaryIO) -> None:
        with f:
            f.writelines(value)


class _Sent:
    """Shared values as they are sent: a name, and the parts of a packed file, paths here or broadcasts."""

    kept: ClassVar[set[str]] = set()  # names of what has been sent and not been destroyed

    def __init__(self, spark: Any, values: Mapping[str, Any]) -> None:
        self.name = f"{PREFIX}{uuid.uuid4().hex}"
        self.parts: list[Path | _Part]
        if code_on_executors() is None:  # they are threads of this machine's JVM, and map the file itself
            self.parts = [new_file()]
            with self.parts[0].open("wb") as file:
                file.writelines(pieces(values))
        else:
            registry = spark._pickled_broadcast_vars
            self.parts = [_Part(spark, part, registry) for part in cut(pieces(values), BROADCAST_BYTES)]
        self.kept.add(self.name)

    def destroy(self) -> None:
        self.kept.discard(self.name)
        for part in self.parts:
            if isinstance(part, Path):
                part.unlink(missing_ok=True)
            else:
                part.destroy()


def map_blocks(
    task: Task,
    blocks: Sequence[tuple[Any, ...]],
    shared: Sequence[Shared],
    take: Take | None,
    result_bytes: int = 0,
) -> list[Any]:
    """Return the result of each block, in order; see `marquee.engine.map_blocks`."""
    spark = context()
    with timed("send"):
        for one in shared:
            if one.sent is None:
                one.sent = _Sent(spark, one.values)
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
    task: bytes, sent: Sequence[_Sent], code: str | None
) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    """Return the function that runs a partition. It travels by value: Marquee may have to be found first."""
    folder = str(Path.cwd())
    named = {one.name: [str(part) if isinstance(part, Path) else part for part in one.parts] for one in sent}
    kept = frozenset(_Sent.kept)

    def run(partition: Iterable[bytes]) -> Iterator[bytes]:
        if code is not None:
            import sys

            from pyspark import SparkFiles

            package = SparkFiles.get(code)
            if package not in sys.path:
                sys.path.insert(0, package)
        from marquee.engine.worker import run_blocks

        paths = {
            name: [part if isinstance(part, str) else part._path for part in parts]
            for name, parts in named.items()
        }
        return run_blocks(task, paths, kept, folder, partition)

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
