"""What is compiled is kept for all clones, read only if it is whole, and only where others cannot write."""

from __future__ import annotations

import importlib
import os
import random
import stat
import sys
from pathlib import Path

import pytest

from marquee.errors import MarqueeError
from marquee.kernels import check_environment, jit

LOOP = """
from marquee.kernels.jit import njit
from {name}.constants import WIDTH

@njit(cache=True)
def area(height):
    return height * WIDTH
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Call `area(5)` of a package as a new process would; return the result and the hits of the cache."""
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path / "cache"))

    def call(clone: str = "one") -> tuple[int, int]:
        jit.cache_folder.cache_clear()
        jit._folder_name.cache_clear()
        folder = tmp_path / clone / "loops"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "area.py").write_text(LOOP.format(name="loops"))
            (folder / "constants.py").write_text("WIDTH = 8")
        for name in [name for name in sys.modules if name.partition(".")[0] == "loops"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "path", [str(tmp_path / clone), *sys.path])
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        area = importlib.import_module("loops.area").area
        return area(5), sum(area.stats.cache_hits.values())

    return call


def kept(tmp_path) -> list[Path]:
    return sorted(path for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_copies_of_a_folder_share_what_is_compiled_until_a_file_of_one_changes(run, tmp_path):
    assert run("one") == (40, 0)
    assert run("other") == (40, 1)
    (tmp_path / "one/loops/constants.py").write_text("WIDTH = 16")
    assert run("one") == (80, 0)


@pytest.mark.parametrize("number", [0, 1], ids=["data", "index"])
def test_a_damaged_file_is_compiled_anew_and_replaced(run, tmp_path, number):
    run()
    chance = random.Random(number)
    for damage in (
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: (
            whole[: (at := chance.randrange(len(whole)))] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        ),
    ):
        file = kept(tmp_path)[number]
        file.write_bytes(damage(file.read_bytes()))
        assert run() == (40, 0)
        assert run() == (40, 1)


def test_a_folder_in_the_place_of_a_file_stops_nothing(run, tmp_path):
    run()
    for file in kept(tmp_path):
        file.unlink()
        file.mkdir()
    assert run() == (40, 0)


def test_the_folder_is_the_users_alone(run, tmp_path):
    run()
    (folder,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_others_could_have_written_is_not_read(run, tmp_path):
    """A poisoned index: pickle that makes a file, with the hash that a whole one has."""
    run()
    (folder,) = (tmp_path / "cache").iterdir()
    witness = tmp_path / "poisoned"
    poison = f"cos\nsystem\n(S'touch {witness}'\ntR.".encode()
    for file in folder.iterdir():
        file.write_bytes(poison + jit.hashlib.sha256(poison).digest())
    folder.chmod(0o777)
    assert run() == (40, 0)
    assert not witness.exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_neither_read_nor_removed(run, tmp_path):
    run()
    (folder,) = (tmp_path / "cache").iterdir()
    os.chown(folder, 12345, 12345)
    assert run() == (40, 0)
    assert sorted((tmp_path / "cache").iterdir()) == [folder, folder.with_name(f"{folder.name}-0")]
    assert run() == (40, 1)


@pytest.mark.parametrize("home", ["/dev/null", "~"], ids=["a file", "none"])
def test_without_a_folder_to_write_the_loops_are_compiled_each_time(run, monkeypatch, home):
    monkeypatch.setattr(jit.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", f"{home}/.cache")
    assert run() == (40, 0)
    assert run() == (40, 0)


def test_our_own_loops_are_kept():
    from marquee.kernels import sgd

    folder = Path(sgd._lay_out._cache.cache_path)
    assert folder.name.startswith("marquee-kernels-")


@pytest.mark.parametrize(
    ("name", "value"), [("NUM_THREADS", "abc"), ("NUM_THREADS", "0"), ("THREADING_LAYER", "none")]
)
def test_a_variable_that_numba_cannot_use_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"NUMBA_{name}", value)
    with pytest.raises(MarqueeError, match=f"NUMBA_{name} is '{value}'"):
        check_environment()
