"""What is written is whole or not there, and the same content has the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from marquee import io
from marquee.errors import MarqueeError


def explode(path):
    path.write_bytes(b"half")
    raise OSError(28, "No space left on device")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "model.json"
    io.write_json(target, {"a": 1})
    with pytest.raises(OSError, match="No space"), io.atomic_file(target) as partial:
        explode(partial)
    assert io.read_json(target) == {"a": 1}
    assert names(tmp_path) == ["model.json"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "raw"
    with io.atomic_folder(target) as partial:
        (partial / "u.data").write_text("whole")
    with pytest.raises(OSError, match="No space"), io.atomic_folder(target) as partial:
        explode(partial / "u.data")
    assert (target / "u.data").read_text() == "whole"
    assert names(tmp_path) == ["raw"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "raw"
    for name in ("old", "new"):
        with io.atomic_folder(target) as partial:
            (partial / name).write_text(name)
    assert names(target) == ["new"]
    assert names(tmp_path) == ["raw"]


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    left = tmp_path / "raw.partial"
    left.mkdir()
    (left / "half").write_text("half")
    with io.atomic_folder(tmp_path / "raw") as partial:
        (partial / "whole").write_text("whole")
    assert names(tmp_path / "raw") == ["whole"]


@pytest.mark.parametrize("path", ["", ".", "/"])
@pytest.mark.parametrize("writer", [io.atomic_file, io.atomic_folder])
def test_what_has_no_name_is_no_target(writer, path):
    with pytest.raises(MarqueeError, match="is a folder: name a file"), writer(Path(path)):
        pass


def test_json_is_sorted_readable_and_refuses_what_is_no_json(tmp_path):
    content = {"b": [1.5, -2e-7], "a": "é", "c": ["x", "[\n 1]"], "d": {"e": []}}
    io.write_json(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text("utf-8")
    assert text.startswith('{\n  "a": "é",\n  "b": [1.5, -2e-07],\n  "c": [\n    "x",')
    assert io.read_json(tmp_path / "a.json") == content
    with pytest.raises(ValueError, match="JSON"):
        io.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert names(tmp_path) == ["a.json"]


def test_arrays_come_back_with_their_note(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2], "a": np.empty((0, 4), np.int64)}
    io.write_arrays(tmp_path / "w", arrays, note='{"epoch": 3}')
    read, note = io.read_arrays(tmp_path / "w")
    assert note == '{"epoch": 3}'
    assert sorted(read) == ["a", "b"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_arrays_that_stay_in_their_file_are_the_same_and_verified_and_a_change_stays_out_of_it(tmp_path):
    types = (np.float32, np.float64, np.int32, np.int64, np.uint8, bool)
    arrays = {np.dtype(kind).name: np.arange(12).reshape(3, 4).astype(kind) for kind in types}
    arrays["none"] = np.empty((0, 4), np.int64)
    io.write_arrays(tmp_path / "w", arrays)
    whole = (tmp_path / "w").read_bytes()
    mapped, _, _ = io.read_sealed_arrays(tmp_path / "w", mapped=True)
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(mapped[name], array)
        assert (mapped[name].dtype, mapped[name].flags.aligned) == (array.dtype, True)
    mapped["int32"][:] = 7
    assert (tmp_path / "w").read_bytes() == whole
    (tmp_path / "w").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(MarqueeError, match="changed after it was written"):
        io.read_sealed_arrays(tmp_path / "w", mapped=True)


def test_arrays_may_be_read_by_whoever_may_read_any_new_file(tmp_path):
    io.write_arrays(tmp_path / "w", {"a": np.ones(3)})
    (tmp_path / "new").touch()
    assert (tmp_path / "w").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_the_order_of_arrays_and_keys_does_not_change_the_bytes(tmp_path):
    one, two = {"a": np.ones(3), "b": np.zeros(2)}, {"b": np.zeros(2), "a": np.ones(3)}
    io.write_arrays(tmp_path / "1/w", one, "n")
    io.write_arrays(tmp_path / "2/w", two, "n")
    assert (tmp_path / "1/w").read_bytes() == (tmp_path / "2/w").read_bytes()


def test_a_table_comes_back_and_has_stable_bytes(tmp_path):
    table = pa.table({"user": pa.array([1, 2], pa.int32()), "genres": pa.array([["War"], []])})
    for name in "12":
        io.write_parquet(tmp_path / name / "t", table)
    assert (tmp_path / "1/t").read_bytes() == (tmp_path / "2/t").read_bytes()
    assert io.read_parquet(tmp_path / "1/t").equals(table)
    assert io.read_parquet(tmp_path / "1/t").schema.metadata is None
    assert io.read_parquet(tmp_path / "1/t", ["user"]).column_names == ["user"]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_figure_has_no_date_inside(tmp_path, suffix):
    from matplotlib.figure import Figure

    for folder in "12":
        figure = Figure()
        figure.subplots().plot([1, 2])
        io.write_figure(tmp_path / folder / f"curve.{suffix}", figure)
    written = [(tmp_path / folder / f"curve.{suffix}").read_bytes() for folder in "12"]
    assert written[0] == written[1]
    assert b"dc:date" not in written[0]


def test_tables_written_beside_a_block_are_in_place_only_when_it_ends_well(tmp_path):
    table, path = (
        pa.table({"user": [1, 2], "title": ["a", None], "near": [[3], [4, 5]]}),
        tmp_path / "a.parquet",
    )
    with pytest.raises(RuntimeError), io.writing_parquet({path: table}):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with io.writing_parquet({path: table}):
        assert not path.exists()
    assert io.read_parquet(path).equals(table)


def test_no_bit_of_a_page_can_flip_unnoticed(tmp_path):
    """The heads of pages, which count their values, have no checksum of their own."""
    path, wrong = tmp_path / "users.parquet", []
    table = pa.table({"user_id": range(300), "age": [7] * 300})
    io.write_parquet(path, table)
    whole = path.read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(4, start):
        if whole[place] or whole[place - 1] or whole[place + 1]:  # not in a long row of zeros
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
            try:
                if not io.read_parquet(path).equals(table):
                    wrong.append(place)
            except MarqueeError:
                pass
    assert wrong == []
