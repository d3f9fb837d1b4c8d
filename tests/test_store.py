"""Tables in a store outside of the repository read as files do, and no part of one is ever half there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee import io, parquet, store
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError, explain
from marquee.referee import tables

ROWS = 25  # in three parts


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty store, parts of ten rows, and a project beside it."""
    found = tmp_path / "a store"
    found.mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv(store.VARIABLE, "file:" + str(found).replace(" ", "%20"))
    monkeypatch.setattr(parquet, "ROW_GROUP", 10)
    return found


def ratings(first: int = 0) -> pa.Table:
    n = np.arange(first, first + ROWS)
    found = Ratings.of(n // 4, n % 7, n % 5 + 1, n)
    negatives = np.arange(2 * ROWS, dtype=np.int32).reshape(ROWS, 2)
    return Ratings(found.user, found.item, found.rating, found.timestamp, negatives, "uniform").to_table()


def write(table: pa.Table | None = None) -> Path:
    path = Path("data/ratings.parquet")
    io.write_parquet(path, ratings() if table is None else table, in_store=True)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def listed(path: Path) -> list[Path]:
    return [file for file, _ in store.parts_of(path)]


def test_a_table_comes_back_equal_from_its_parts_each_of_which_is_parquet(folder):
    path = write()
    content = json.loads(path.read_text())
    assert [part["rows"] for part in content["parts"]] == [10, 10, 5]
    assert names(folder) == sorted(f"{part['sha256']}.parquet" for part in content["parts"])
    for file, part in store.parts_of(path):
        assert (io.sha256(file), file.stat().st_size) == (part["sha256"], part["bytes"])
    found = io.read_parquet(path)
    assert found.equals(ratings())
    assert found.schema.metadata == {b"sampling": b"uniform"}
    assert {column.num_chunks for column in found.columns} == {1}
    assert pq.read_table(listed(path)).equals(ratings())
    assert io.read_parquet(path, ["item", "user"]).equals(ratings().select(["item", "user"]))
    some = io.read_parquet(path, ["item"], among=("user", [2, 5]))
    assert some["item"].to_pylist() == [n % 7 for n in range(ROWS) if n // 4 in (2, 5)]
    io.write_parquet(Path("file.parquet"), ratings())
    assert io.read_parquet(Path("file.parquet")).equals(found, check_metadata=True)
    for stored in (path, Path("file.parquet")):
        assert Ratings.read(stored).to_table().equals(ratings(), check_metadata=True)


def test_an_empty_table_keeps_its_columns(folder):
    assert io.read_parquet(write(ratings()[:0])).equals(ratings()[:0])


def test_equal_rows_are_written_once_whatever_table_they_are_of(folder):
    path = write()
    whole, before = path.read_bytes(), {file: file.stat() for file in folder.iterdir()}
    assert write().read_bytes() == whole
    write(pa.concat_tables([ratings()[:10], ratings(100)]))
    assert {file: file.stat() for file in before} == before
    assert len(list(folder.iterdir())) == len(before) + 3  # the first part of the later table was there
    path.write_bytes(whole)  # as `dvc checkout` brings an older manifest back
    assert io.read_parquet(path).equals(ratings())


def test_only_tables_that_stages_hand_over_go_there(folder, monkeypatch):
    io.write_parquet(Path("movies.parquet"), ratings())
    assert not list(folder.iterdir())
    assert pq.read_table("movies.parquet").equals(ratings())
    monkeypatch.delenv(store.VARIABLE)
    assert pq.read_table(write()).equals(ratings())


def test_other_readers_find_the_parts(folder):
    path = write()
    expected = ratings().to_pandas()
    pd.testing.assert_frame_equal(pd.read_parquet(io.parquet_files(path)), expected)
    found = tables.read(path, ("user", "item"))
    assert found["user"].to_pylist() == expected["user"].tolist()


def test_no_byte_of_a_part_can_change_unnoticed(folder):
    path = write()
    part = listed(path)[1]
    whole = part.read_bytes()
    for place in range(0, len(whole), 101):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(MarqueeError, match=part.name):
            io.read_parquet(path)
    part.write_bytes(whole)
    assert io.read_parquet(path).equals(ratings())


@pytest.mark.parametrize("among", [None, ("user", [3])])
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_part_that_is_lost_is_named_and_the_stage_writes_it_again(folder, fault, among):
    path = write()
    part = listed(path)[1]
    whole = part.read_bytes()
    if fault == "missing":
        part.unlink()
    else:
        part.write_bytes(whole[:-20])
    with pytest.raises(MarqueeError) as error:
        io.read_parquet(path, among=among)
    assert f"{part}, a part of data/ratings.parquet, is {fault}:" in str(error.value)
    assert "dvc repro --force ingest" in str(error.value)
    with pytest.raises(MarqueeError, match=f"is {fault}:"):
        Ratings.read(path)
    write()
    assert part.read_bytes() == whole


def test_a_changed_manifest_is_refused(folder):
    path = write()
    whole = path.read_bytes()
    content = json.loads(whole)
    for wrong in (
        whole[:-20],
        whole.replace(b'"rows": 5', b'"rows": 6'),
        json.dumps({**content, "parts": content["parts"][::-1]}).encode(),
        b"{}",
    ):
        path.write_bytes(wrong)
        with pytest.raises(MarqueeError, match=r"data/ratings.parquet is damaged .* `dvc repro ingest`"):
            io.read_parquet(path)
    path.with_name("train.parquet").write_bytes(whole)
    with pytest.raises(MarqueeError, match="changed after it was written"):
        io.read_parquet(path.with_name("train.parquet"))


def test_a_write_that_fails_leaves_the_old_table_and_no_half_part(folder, monkeypatch):
    path = write()
    before, parts = path.read_bytes(), names(folder)

    def fill(self, content):
        with self.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        with pytest.raises(OSError, match="No space") as error:
            write(ratings(100))
    assert explain(error.value).startswith(f"the disk is full at {folder}/")
    assert (path.read_bytes(), names(folder)) == (before, parts)
    with pytest.raises(RuntimeError), io.writing_parquet({path: ratings(100)}, in_store=True):
        raise RuntimeError
    assert path.read_bytes() == before
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("/mnt/big", "must be the absolute path of a folder behind file:"),
        ("s3://bucket/marquee", "must be the absolute path"),
        ("hdfs://host/marquee", "must be the absolute path"),
        ("file:store", "must be the absolute path"),
        ("file://host/store", "must be the absolute path"),
        ("file:/nowhere/at/all", "is no folder: mount it"),
    ],
)
def test_a_location_that_is_no_folder_is_refused(folder, monkeypatch, given, words):
    monkeypatch.setenv(store.VARIABLE, given)
    with pytest.raises(MarqueeError, match=f"{store.VARIABLE} is .*{words}"):
        store.require_writable()


@pytest.mark.parametrize("address", ["file:{}", "file://{}", "file://localhost{}"])
def test_a_folder_has_these_addresses(folder, monkeypatch, address):
    monkeypatch.setenv(store.VARIABLE, address.format(str(folder).replace(" ", "%20")))
    assert store.location() == folder


def test_a_store_that_is_read_only_or_not_set_is_one_line(folder, monkeypatch):
    path = write()
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        with pytest.raises(MarqueeError, match="may not write"):
            store.require_writable()
    monkeypatch.delenv(store.VARIABLE)
    store.require_writable()
    with pytest.raises(MarqueeError, match=f"lists parts that lie in a store: set {store.VARIABLE}="):
        io.read_parquet(path)


def test_two_processes_may_write_the_same_part(folder):
    path, content = folder / "x.parquet", b"the same"
    with io.atomic_file(path, shared=True) as one, io.atomic_file(path, shared=True) as other:
        assert one != other
        for partial in (one, other):
            partial.write_bytes(content)
    assert (names(folder), path.read_bytes()) == (["x.parquet"], content)


def test_the_hash_of_columns_does_not_depend_on_how_they_lie_in_memory():
    table = ratings().drop(["negatives"])
    parts = pa.concat_tables([table[:7], table[7:]])
    assert io.hash_of_columns(parts) == io.hash_of_columns(table)
    for other in (table[1:], ratings(1).drop(["negatives"]), table.select(["item", "user"])):
        assert io.hash_of_columns(other) != io.hash_of_columns(table)
