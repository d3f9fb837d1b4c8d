"""Files with random damage are read as the csv module reads them, or refused in one line."""

from __future__ import annotations

import random
import shutil

import pytest

from marquee.errors import MarqueeError
from marquee.movielens.archives import extract
from tests.movielens import fuzzing

kinds = pytest.mark.parametrize("kind", fuzzing.SEEDS)


def damage_tables(folder, kind, seeds):
    outcomes = {fuzzing.try_to_read(folder, kind, seed) for seed in seeds}
    assert outcomes == {"read", "dropped", "refused"}


def damage_zips(folder, seeds):
    outcomes = set()
    for seed in seeds:
        chance = random.Random(seed)
        (folder / "raw").mkdir()
        (folder / "it.zip").write_bytes(fuzzing.mutated(chance.choice(fuzzing.ZIPS), chance))
        try:
            extract(folder / "it.zip", folder / "raw", list(fuzzing.PACKED), 1_000_000, "it.zip")
        except MarqueeError as error:
            fuzzing.check_message(str(error), "it.zip")
            outcomes.add("refused")
        else:
            for name, content in fuzzing.PACKED.items():
                assert (folder / "raw" / name).read_bytes() == content, seed
            outcomes.add("read")
        shutil.rmtree(folder / "raw")
        assert [path.name for path in folder.iterdir()] == ["it.zip"], seed
    assert outcomes == {"read", "refused"}


@kinds
def test_damaged_tables_are_read_or_refused(tmp_path, kind):
    damage_tables(tmp_path, kind, range(40))


def test_damaged_zips_are_read_or_refused(tmp_path):
    damage_zips(tmp_path, range(200))


@pytest.mark.slow
@kinds
def test_many_damaged_tables_are_read_or_refused(tmp_path, kind):
    damage_tables(tmp_path, kind, range(40, 1500))


@pytest.mark.slow
def test_many_damaged_zips_are_read_or_refused(tmp_path):
    damage_zips(tmp_path, range(200, 8000))
