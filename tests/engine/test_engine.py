"""One verb, the same bytes: threads, Spark in this process, and two executors of a cluster."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from marquee.engine import clock, map_blocks, session, share
from marquee.engine.settings import on_spark, spark_conf, spark_partitions
from marquee.engine.transport import cut, pack, pieces, unpack, unpack_file
from marquee.errors import MarqueeError
from marquee.parallel import user_blocks
from tests.engine import tasks
from tests.engine.conftest import CLUSTER

USER = np.repeat(np.arange(50, dtype=np.int32), 40)
BLOCKS = user_blocks(USER, rows=100)


def bytes_of(found: list) -> bytes:
    return b"".join(np.ascontiguousarray(one).tobytes() for one in found)


LOCAL = bytes_of(map_blocks(tasks.sums, BLOCKS, {"user": USER}))


def test_results_come_in_the_order_of_the_blocks_with_all_that_is_shared():
    with share(user=USER) as fixed:
        for factor in (1.0, 3.0):
            found = map_blocks(tasks.sums, BLOCKS, fixed, {"factor": factor})
            twin = [tasks.sums(rows, USER, factor) for (rows,) in BLOCKS]
            assert bytes_of(found) == bytes_of(twin)
    assert map_blocks(tasks.sums, [], {"user": USER}) == []


def test_a_result_is_taken_in_place_of_a_list():
    out = np.empty(len(USER), np.float32)

    def take(k: int, found: np.ndarray) -> int:
        out[BLOCKS[k][0]] = found
        return k

    assert map_blocks(tasks.sums, BLOCKS, {"user": USER}, take=take) == list(range(len(BLOCKS)))
    assert out.tobytes() == LOCAL


@given(st.lists(arrays.arrays(st.sampled_from([np.int8, np.int64, np.float32]), st.integers(0, 70))))
def test_what_is_packed_reads_back_equal(values: list[np.ndarray]):
    value = {"values": values, "name": "é", "reversed": [one[::-1] for one in values]}
    found = unpack(bytearray(pack(value)))
    assert found["name"] == "é"
    for name in ("values", "reversed"):
        for one, other in zip(value[name], found[name], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_cut_bytes_are_the_same_bytes(size):
    raw = pieces({"a": np.arange(50), "b": np.zeros(0), "c": "text"})
    runs = [b"".join(run) for run in cut(raw, size)]
    assert b"".join(runs) == b"".join(raw)
    assert {len(run) for run in runs[:-1]} <= {size}
    assert len(runs[-1]) <= size


def test_a_packed_file_is_mapped_and_never_changed(tmp_path):
    path = tmp_path / "packed"
    path.write_bytes(b"".join(pieces({"a": np.arange(100)})))
    before = path.read_bytes()
    found = unpack_file(path)["a"]
    assert found.ctypes.data % 64 == 0
    found[:] = 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MARQUEE_ENGINE", "sparc", "did you mean 'spark'?"),
        ("MARQUEE_SPARK_CONF", "a=b;spark.executor.memory", "'spark.executor.memory'"),
        ("MARQUEE_SPARK_PARTITIONS", "0", "'0'"),
        ("MARQUEE_SPARK_PARTITIONS", "many", "'many'"),
    ],
)
def test_a_wrong_variable_is_one_line(monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    with pytest.raises(MarqueeError) as error:
        on_spark(), spark_conf(), spark_partitions()
    assert variable in str(error.value)
    assert said in str(error.value)


def test_settings_of_spark_are_pairs(monkeypatch):
    monkeypatch.setenv("MARQUEE_SPARK_CONF", "a=1; b = x=y\nc=;")
    assert spark_conf() == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize(("lacking", "said"), [("pyspark", 'pip install ".[spark]"'), ("java", "openjdk-17")])
def test_what_is_not_installed_is_named_with_what_installs_it(monkeypatch, tmp_path, lacking, said):
    monkeypatch.setenv("MARQUEE_ENGINE", "spark")
    monkeypatch.setattr(session, "_running", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(session, "find_spec", lambda name: None if name == lacking else name)
    with pytest.raises(MarqueeError, match="MARQUEE_ENGINE") as error:
        map_blocks(tasks.sums, BLOCKS, {"user": USER})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.spark
@pytest.mark.parametrize("partitions", [1, 3, 7, None])
def test_spark_gives_the_same_bytes_for_any_number_of_partitions(spark, partitions):
    spark("local[2]", partitions)
    assert bytes_of(map_blocks(tasks.sums, BLOCKS, {"user": USER})) == LOCAL
    assert clock.SECONDS["start"] > 0.1  # a JVM does not start sooner
    assert min(clock.SECONDS[part] for part in ("send", "run", "take")) > 0


@pytest.mark.spark
def test_a_handle_serves_several_jobs_and_nothing_that_a_task_does_to_it_is_seen(spark):
    spark("local[2]", 3)
    kept = USER.copy()
    with share(user=USER) as fixed:
        map_blocks(tasks.changes, BLOCKS, {"user": kept})
        assert bytes_of(map_blocks(tasks.sums, BLOCKS, fixed)) == LOCAL
        twin = bytes_of([tasks.sums(rows, USER, 3) for (rows,) in BLOCKS])
        assert bytes_of(map_blocks(tasks.sums, BLOCKS, fixed, {"factor": 3.0})) == twin
    np.testing.assert_array_equal(kept, USER)


@pytest.mark.spark
def test_many_blocks_are_several_jobs(spark, monkeypatch):
    from marquee.engine import spark as module

    spark("local[2]", 3)
    jobs = []
    collect = module._collect
    monkeypatch.setattr(module, "RESULT_BYTES", 3000)
    monkeypatch.setattr(module, "BLOCKS", 8)
    monkeypatch.setattr(module, "_collect", lambda *given: jobs.append(given) or collect(*given))
    assert bytes_of(map_blocks(tasks.sums, BLOCKS, {"user": USER})) == LOCAL
    assert len(jobs) > 2


@pytest.mark.spark
def test_the_first_fault_in_order_is_raised_as_its_one_line(spark):
    blocks = [(n,) for n in range(9)]
    with pytest.raises(MarqueeError) as locally:
        map_blocks(tasks.refuse, blocks, {"least": 4})
    spark("local[2]", 3)
    with pytest.raises(MarqueeError) as there:
        map_blocks(tasks.refuse, blocks, {"least": 4})
    assert str(there.value) == str(locally.value) == "block 4 is wrong: leave it out"


@pytest.mark.spark
def test_a_fault_of_the_program_keeps_its_traceback(spark):
    spark("local[2]", 1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        map_blocks(tasks.crash, [(1,)])


@pytest.mark.spark
def test_spark_says_nothing_and_leaves_nothing_behind(spark, tmp_path):
    spark("local[1]", 1)
    program = (
        "from marquee.engine import map_blocks; from tests.engine import tasks; "
        "print(len(map_blocks(tasks.surroundings, [(), ()])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("marquee")] == []


def test_the_folder_of_a_process_that_was_killed_is_removed(tmp_path):
    folders = []
    for name in ("killed", "running", "other"):
        (tmp_path / f"marquee-spark-{name}").mkdir()
        folders.append(tmp_path / f"marquee-spark-{name}")
    program = "import sys; from pathlib import Path; from marquee.engine.session import _locked; " + (
        "held = _locked(Path(sys.argv[1])); print(held is not None, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    killed, running = (subprocess.Popen([*command, folder / "lock"], **pipes) for folder in folders[:2])
    for process in (killed, running):
        assert process.stdout.readline() == b"True\n"
    killed.kill()
    killed.wait()
    session._remove_stale(tmp_path)
    assert [folder.exists() for folder in folders] == [False, True, True]
    running.communicate()
    session._remove_stale(tmp_path)
    assert [folder.exists() for folder in folders] == [False, False, True]


@pytest.mark.spark
def test_a_master_that_is_none_is_one_line(spark):
    spark("loca[2]")
    with pytest.raises(MarqueeError, match=r"loca\[2\]") as error:
        map_blocks(tasks.surroundings, [()])
    assert "\n" not in str(error.value)


@pytest.mark.spark
def test_a_cluster_gives_the_same_bytes_and_runs_the_driver_s_code(spark):
    spark(CLUSTER, 7)
    assert bytes_of(map_blocks(tasks.sums, BLOCKS, {"user": USER})) == LOCAL
    file, engine, threads = map_blocks(tasks.surroundings, [()])[0]
    assert "marquee-code" in file
    assert (engine, threads) == ("local", 1)


@pytest.mark.spark
def test_a_cluster_joins_the_parts_of_what_is_shared_and_keeps_no_file_of_it(spark, monkeypatch):
    from marquee.engine import spark as module

    spark(CLUSTER, 3)
    monkeypatch.setattr(module, "BROADCAST_BYTES", 1000)
    for _ in range(2):
        with share(user=USER) as fixed, share(more=np.zeros(300)) as other:
            assert len(map_blocks(tasks.shared_files, [()], other)[0]) == 1
            for factor in (1.0, 3.0):
                found = map_blocks(tasks.sums, BLOCKS, fixed, {"factor": factor})
                assert bytes_of(found) == bytes_of([tasks.sums(rows, USER, factor) for (rows,) in BLOCKS])
            assert len(fixed.sent.parts) == 9


@pytest.mark.spark
def test_a_killed_executor_of_a_cluster_changes_nothing(spark, tmp_path, monkeypatch):
    from marquee.engine import spark as module

    spark(CLUSTER, 3)
    monkeypatch.setattr(module, "BROADCAST_BYTES", 1000)  # its successor joins the parts anew
    shared = {"user": USER, "flag": str(tmp_path / "died")}
    assert bytes_of(map_blocks(tasks.die_once, BLOCKS, shared)) == LOCAL
    assert (tmp_path / "died").exists()
