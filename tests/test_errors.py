"""Every fault of the surroundings is one line: what, where, and what to do."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from marquee import io
from marquee.errors import MarqueeError, explain
from marquee.outputs import stage_of

ROOT = Path(__file__).parents[1]
SYSTEM = (
    *("EROFS", "EDQUOT", "ENOSPC", "EIO", "EFBIG", "ENAMETOOLONG", "ENOTDIR", "EISDIR", "EMFILE", "ENFILE"),
    *(
        "EPIPE",
        "EACCES",
        "EPERM",
        "ELOOP",
        "ENOENT",
        "EEXIST",
        "ENOTEMPTY",
        "EBUSY",
        "ESTALE",
        "ENXIO",
        "EUCLEAN",
    ),
)


@pytest.mark.parametrize("name", SYSTEM)
def test_each_error_of_the_system_names_the_file_and_what_to_do(name):
    number = getattr(errno, name)
    line = explain(OSError(number, os.strerror(number), "models/ease/model.json"))
    assert "models/ease/model.json" in line
    assert ": " in line
    assert "\n" not in line


@pytest.mark.parametrize("name", SYSTEM)
def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch, name):
    """The system refuses at fsync, which names no file."""
    number = getattr(errno, name)
    path = tmp_path / "summary.json"
    io.write_json(path, {"old": 1})

    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(number)[:10]) as caught:
        io.write_json(path, {"new": 2})
    assert "summary.json" in explain(caught.value)
    assert io.read_json(path) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


WRITERS = {
    "w.safetensors": lambda path: io.write_arrays(path, {"a": np.ones(3000)}),
    "w.parquet": lambda path: io.write_parquet(path, pa.table({"a": np.random.default_rng(0).random(9000)})),
    "w.txt": lambda path: io.write_text(path, "x" * 9999),
    "w.csv": lambda path: io.write_csv(path, ["x"], [["x" * 9999]]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_larger_than_allowed_is_named(tmp_path, name):
    """Safetensors and Arrow have errors of their own for it, without the file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(OSError, match=name) as caught:
            WRITERS[name](tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    line = explain(caught.value)
    assert name in line
    assert "larger than allowed" in line
    assert list(tmp_path.iterdir()) == []


READERS = {
    ".json": io.read_json,
    ".parquet": io.read_parquet,
    ".safetensors": io.read_arrays,
    ".csv": io.read_curve,
}


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("state", ["missing", "empty", "zeros", "text", "utf-16", "folder"])
def test_what_does_not_read_is_named_with_the_stage_that_writes_it(tmp_path, monkeypatch, suffix, state):
    monkeypatch.chdir(tmp_path)
    path = Path(f"models/ease/file{suffix}")
    path.parent.mkdir(parents=True)
    content = {"empty": b"", "zeros": bytes(99), "text": b"not found\n", "utf-16": "{}".encode("utf-16")}
    if state == "folder":
        path.mkdir()
    elif state != "missing":
        path.write_bytes(content[state])
    with pytest.raises((MarqueeError, OSError)) as caught:
        READERS[suffix](path)
    line = explain(caught.value)
    assert str(path) in line
    assert "\n" not in line
    assert "dvc repro train@ease" in line or state == "folder"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "memory"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "memory"),
        (np._core._exceptions._ArrayMemoryError((1 << 40,), np.dtype("f8")), "8.00 TiB"),
        (pa.lib.ArrowMemoryError("malloc of size 64 failed"), "malloc"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (UnicodeEncodeError("ascii", "Amélie", 2, 3, "no"), "PYTHONUTF8"),
        (ModuleNotFoundError("No module named 'tabulate'", name="tabulate"), "pip install"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "folder does not exist"),
        (
            OSError("Error writing bytes to 'a.parquet'. Detail: [errno 28] No space left on device"),
            "a.parquet",
        ),
    ],
)
def test_other_faults_of_the_surroundings_are_one_line(error, words):
    line = explain(error)
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "error", [KeyError("x"), RuntimeError("x"), ModuleNotFoundError("x", name="marquee.x")]
)
def test_a_fault_of_the_program_has_no_line(error):
    assert explain(error) is None


def test_each_output_of_the_pipeline_knows_its_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    checked = 0
    for name, stage in stages.items():
        do, keys = stage.get("do", stage), {"models": ("als_mf",), "tasks": ("rating", "ranking")}
        loop = str(stage.get("foreach", ""))
        for key in keys["models"] if "models" in loop else keys["tasks"] if loop else ("",):
            for out in [*do.get("outs", []), *do.get("metrics", [])]:
                path = (out if isinstance(out, str) else next(iter(out))).replace("${key}", key)
                path = path.replace("${item}", key)
                expected = f"{name}@{key}" if key else name
                assert stage_of(path) == expected, path
                assert stage_of(f"{path}.partial/x") in (expected, None), path
                checked += 1
    assert checked > 20
    assert stage_of("params.yaml") is None


def test_a_device_is_not_replaced_by_a_file(tmp_path):
    fifo = tmp_path / "fifo.json"
    os.mkfifo(fifo)
    with pytest.raises(MarqueeError, match=r"fifo.json is a folder or a device"):
        io.write_json(fifo, {})
    assert fifo.is_fifo()


def test_a_fault_of_a_stage_is_one_line_even_when_the_log_cannot_be_written(tmp_path):
    (tmp_path / "logs").write_text("a file in the place of the folder")
    (tmp_path / "params.yaml").write_bytes(b"seed: \xff")
    done = subprocess.run(
        [sys.executable, "-m", "stages.report"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "params.yaml" in done.stderr
