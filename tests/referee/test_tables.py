"""Tables of other libraries: quotes, encodings and types, and one line with the place of each fault."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee.errors import MarqueeError
from marquee.referee import tables

ROWS = {"user": ["a", "b"], "item": [3, 5], "score": [0.5, 2.0]}
PLAIN = "user,item,score\na,3,0.5\nb,5,2\n"
READ_ALIKE = {
    "line ends in a column that nobody asked for": 'user,note,item,score\na,"x\ny, z",3,0.5\nb,,5,2\n',
    "a line end in a name": 'user,"a\nnote",item,score\na,x,3,0.5\nb,"y\r\n""z""",5,2\n',
    "a separator in a name": '"a;b;c;d;e",user,item,score\nx,a,3,0.5\ny,b,5,2\n',
    "semicolons, a mark and lines of Windows": "\ufeff" + PLAIN.replace(",", ";").replace("\n", "\r\n"),
    "lines of an old Mac": PLAIN.replace("\n", "\r"),
    "blanks and blank lines": PLAIN.replace(",", " , ").replace("\n", "\n\n"),
    "names of RecBole": PLAIN.replace("user,item,score", "user_id:token,item_id:token,score:float"),
}


def read(path):
    found = tables.read(path, ("user", "item"), ("score",))
    return {name: column.to_pylist() for name, column in found.items()}


@pytest.mark.parametrize("name", READ_ALIKE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_way_to_write_a_table_is_read_alike(name, encoding, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text(READ_ALIKE[name], encoding, newline="")
    assert read(path) == ROWS


def test_line_ends_where_the_reader_cuts_its_blocks_hide_no_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("marquee.movielens.csv_reader.BLOCK", 1 << 10)
    path, n = tmp_path / "lists.csv", 500
    path.write_text(
        "user,item,score,note\n" + "".join(f'u{row},{row},1,"a\n\nb,{row}"\n' for row in range(n))
    )
    assert read(path)["item"] == list(range(n))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('user,item\n1,2\n3,"4\n5,6\n', "line 3: a quote opens"),
        ('user,note,item\n1,"a\nb",2\n3,x\n', "line 4: 2 fields instead of 3"),
        ("user,item,score\n1,2,0.5\n1,3,high\n", "'high' in row 2"),
        ("user,item,score\n1,2,0.5\n1,3,\n", "'' in row 2"),
        ("user,item\n1,2\n ,3\n", "' ' in row 2"),
        ("user,user_id,item\n1,2,3\n", "user and user_id"),
        ("user,user,item\n1,2,3\n", "twice"),
        ("user,thing\n1,2\n", "user, thing"),
        ("user,item\n", "no rows"),
        ("", "no user"),
    ],
)
def test_a_fault_is_named_with_its_place(text, place, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text(text)
    with pytest.raises(MarqueeError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [pa.dictionary(pa.int32(), pa.string()), pa.large_string(), pa.binary(), pa.string_view()],
)
def test_text_of_every_type_is_text_in_parquet(kind, tmp_path):
    text = pa.array(ROWS["user"])
    user = text.dictionary_encode() if pa.types.is_dictionary(kind) else text.cast(kind)
    items = pa.array(ROWS["item"], pa.uint16()).dictionary_encode()
    pq.write_table(
        pa.table({"user": user, "item": items, "score": ROWS["score"]}), tmp_path / "lists.parquet"
    )
    assert read(tmp_path / "lists.parquet") == ROWS


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("user", pa.array([[1], [2]])),
        ("user", pa.array([1, 2**63], pa.uint64())),
        ("user", pa.array([1.0, float("inf")])),
        ("user", pa.array([b"a", b"\xff"])),
        ("user", pa.array([None, None], pa.null())),
        ("score", pa.array([{"a": 1}, None])),
        ("score", pa.array([1.0, float("nan")])),
    ],
)
def test_a_column_that_is_no_id_or_number_is_one_line(name, column, tmp_path):
    pq.write_table(pa.table({**ROWS, name: column}), tmp_path / "lists.parquet")
    with pytest.raises(MarqueeError, match=rf"lists\.parquet.* the {name} "):
        read(tmp_path / "lists.parquet")


def test_a_damaged_parquet_file_is_one_line(tmp_path):
    path, said = tmp_path / "lists.parquet", []
    pq.write_table(pa.table(ROWS), path)
    whole = path.read_bytes()
    for at in range(4, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xF5]) + whole[at + 1 :])
        try:
            read(path)
        except MarqueeError as error:
            said.append(str(error))
    assert len(said) > 20
    assert all(str(path) in line and len(line.splitlines()) == 1 for line in said)
