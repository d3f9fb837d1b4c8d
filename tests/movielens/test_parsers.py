import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee import config
from marquee.errors import MarqueeError
from marquee.movielens import csv_reader
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import GENRES_100K, read_release
from marquee.movielens.schema import Scale

STARS = Scale(1, 5, 1)
HALF_STARS = Scale(0.5, 5, 0.5)


def release(folder, files, encoding="utf-8", newline="\n"):
    """A release of small text files: name -> lines."""
    for name, lines in files.items():
        (folder / name).write_bytes("".join(line + newline for line in lines).encode(encoding))
    return folder


def item_100k(number, title, date, *genres):
    flags = "|".join("1" if name in genres else "0" for name in GENRES_100K)
    return f"{number}|{title}|{date}||http://example.org/{number}|{flags}"


ML_100K = {
    "u.data": ["2\t30\t5\t880000010", "1\t10\t3\t880000000", "2\t10\t1\t880000000"],
    "u.item": [
        item_100k(10, "Vergér, Le (1994)", "01-Jan-1994", "Comedy", "Action"),
        item_100k(20, "Never Rated (1990)", "01-Jan-1990", "War"),
        item_100k(30, "unknown", "", "unknown"),
    ],
    "u.user": ["1|24|F|gardener|85711", "2|53|M|beekeeper|T8H1N"],
}
ML_1M = {
    "ratings.dat": ["2::30::5::980000010", "1::10::3::980000000", "2::10::1::980000000"],
    "movies.dat": [
        "10::Orchard: A Tale, The (1994)::Comedy|Action",
        '30::The "Vergér" (1999)::Film-Noir',
    ],
    "users.dat": ["1::F::1::10::48067", "2::M::56::16::70072-1234"],
}
ML_10M = {
    "ratings.dat": ["2::30::4.5::980000010", "1::10::3::980000000", "2::10::0.5::980000000"],
    "movies.dat": ["10::果園 (1994)::Comedy", "30::Nothing Said::(no genres listed)"],
}
CSV = {
    "ratings.csv": ["userId,movieId,rating,timestamp", "2,30,4.5,980000010", "1,10,3.0,980000000"],
    "movies.csv": [
        "movieId,title,genres",
        '10,"Orchard, The (1994)",Comedy|Action',
        '30,"Say ""Plum"", Again (2001)",(no genres listed)',
    ],
}
NCF = {
    "ml-1m.train.rating.no_timestamp": ["1\t3\t4", "0\t5\t3", "0\t2\t5"],
    "ml-1m.test.rating": ["0\t3\t5\t978824351", "1\t5\t3\t978300174"],
}


def parse(folder, layout, scale=STARS, columns=None, max_bad_rows=0):
    return read_release(folder, layout, scale, columns or CustomColumns(), max_bad_rows)


def test_ml_100k_gives_names_for_flags_and_no_year_to_unknown(tmp_path):
    data = parse(release(tmp_path, ML_100K, "latin-1"), "ml-100k")
    assert data.ratings.to_pydict() == {
        "user": [0, 1, 1],
        "item": [0, 0, 1],
        "rating": [3, 1, 5],
        "timestamp": [880000000, 880000000, 880000010],
    }
    assert data.movies.drop(["item"]).to_pylist() == [
        {"movie_id": 10, "title": "Le Vergér", "year": 1994, "genres": ["Action", "Comedy"]},
        {"movie_id": 30, "title": "unknown", "year": None, "genres": []},
    ]
    assert data.users.drop(["user"]).to_pylist() == [
        {"user_id": 1, "age": 24, "gender": "F", "occupation": "gardener", "zip_code": "85711"},
        {"user_id": 2, "age": 53, "gender": "M", "occupation": "beekeeper", "zip_code": "T8H1N"},
    ]
    assert str(data.users.schema.field("age").type) == "int16"
    assert data.card["unrated_movies"] == 1


def test_ml_100k_genres_go_by_u_genre_where_there_is_one(tmp_path):
    files = {**ML_100K, "u.genre": [*(f"Kind {n}|{n}" for n in range(19)), ""]}
    data = parse(release(tmp_path, files, "latin-1"), "ml-100k")
    assert data.movies["genres"].to_pylist() == [["Kind 1", "Kind 5"], ["Kind 0"]]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_ml_1m_keeps_colons_and_quotes_in_either_encoding(tmp_path, encoding):
    data = parse(release(tmp_path, ML_1M, encoding), "ml-1m")
    assert data.movies["title"].to_pylist() == ["The Orchard: A Tale", 'The "Vergér"']
    assert data.movies["genres"].to_pylist() == [["Comedy", "Action"], ["Film-Noir"]]
    assert data.users.to_pylist() == [
        {"user": 0, "user_id": 1, "age": 1, "gender": "F", "occupation": "K-12 student", "zip_code": "48067"},
        {
            "user": 1,
            "user_id": 2,
            "age": 56,
            "gender": "M",
            "occupation": "self-employed",
            "zip_code": "70072-1234",
        },
    ]


def test_ml_10m_has_half_stars_utf8_titles_and_no_demographics(tmp_path):
    data = parse(release(tmp_path, ML_10M), "ml-10m", HALF_STARS)
    assert data.ratings["rating"].to_pylist() == [3, 0.5, 4.5]
    assert data.movies.select(["title", "year", "genres"]).to_pylist() == [
        {"title": "果園", "year": 1994, "genres": ["Comedy"]},
        {"title": "Nothing Said", "year": None, "genres": []},
    ]
    assert data.users.column_names == ["user", "user_id"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_titles_may_hold_commas_and_quotes_and_lines_may_end_as_on_windows(tmp_path, newline):
    data = parse(release(tmp_path, CSV, newline=newline), "csv", HALF_STARS)
    assert data.movies.select(["title", "year", "genres"]).to_pylist() == [
        {"title": "The Orchard", "year": 1994, "genres": ["Comedy", "Action"]},
        {"title": 'Say "Plum", Again', "year": 2001, "genres": []},
    ]
    assert data.ratings["rating"].to_pylist() == [3, 4.5]


def test_custom_times_may_be_dates(tmp_path):
    (tmp_path / "dated").mkdir()
    dated = [
        "userId,movieId,rating,timestamp",
        "2,30,4.5,2001-01-20 14:13:30",
        '1,10,3.0,"2001-01-20 14:13:20"',
    ]
    zoned = [*dated[:2], "1,10,3.0,2001-01-20T16:13:20.5+02:00"]  # only the slow reader knows zones
    expected = parse(release(tmp_path, CSV), "custom", HALF_STARS)
    for ratings in (dated, zoned):
        release(tmp_path / "dated", {**CSV, "ratings.csv": ratings})
        assert parse(tmp_path / "dated", "custom", HALF_STARS) == expected


def test_ncf_keeps_its_ids_and_puts_the_test_rows_last(tmp_path):
    data = parse(release(tmp_path, NCF), "ncf")
    assert data.users["user_id"].to_pylist() == [0, 1]
    assert data.movies["movie_id"].to_pylist() == [2, 3, 5]
    assert data.ratings.to_pydict() == {
        "user": [0, 0, 0, 1, 1],
        "item": [0, 2, 1, 1, 2],  # of user 0 the hash orders the first two, which have no time
        "rating": [5, 3, 5, 4, 3],
        "timestamp": [0, 0, 978824351, 0, 978300174],
    }
    assert data.movies["title"].null_count == 3
    assert data.card["first_timestamp"] == 978300174


def test_custom_needs_only_three_columns_of_any_name(tmp_path):
    release(tmp_path, {"ratings.csv": ["note,stars,film,who", "x,4.5,m2,zoe", '"a, b",2,m10,ann']})
    columns = CustomColumns(user="who", movie="film", rating="stars", timestamp=None)
    data = parse(tmp_path, "custom", None, columns)
    assert data.users["user_id"].to_pylist() == ["ann", "zoe"]
    assert data.movies["movie_id"].to_pylist() == ["m10", "m2"]
    assert data.ratings["timestamp"].to_pylist() == [0, 0]
    assert data.card["scale"] == {"low": 2, "high": 4.5, "step": 0.5}


def test_custom_movies_are_joined_by_text_ids_too(tmp_path):
    files = {
        "ratings.csv": ["userId,movieId,rating", "1,a,3", "1,b,4"],
        "movies.csv": ["title,movieId", '"Two\nlines",b'],
    }
    columns = CustomColumns(timestamp=None, genres=None)
    data = parse(release(tmp_path, files), "custom", None, columns)
    assert data.movies["title"].to_pylist() == [None, "Two lines"]
    assert data.card["unlisted_movies"] == 1


def test_custom_parquet_equals_custom_csv(tmp_path):
    (tmp_path / "csv").mkdir()
    ratings = {"userId": [2.0, 1.0], "movieId": [30, 10], "rating": [4.5, 3.0]}
    times = pa.array([980000010, 980000000]).cast(pa.timestamp("s")).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({**ratings, "timestamp": times}), tmp_path / "ratings.parquet")
    titles = ["Orchard, The (1994)", 'Say "Plum", Again (2001)']
    films = {"movieId": ["10", "30"], "title": titles, "genres": [["Comedy", "Action"], []]}
    pq.write_table(pa.table(films), tmp_path / "movies.parquet")
    expected = parse(release(tmp_path / "csv", CSV), "custom", None)
    assert parse(tmp_path, "custom", None) == expected


LAYOUTS = {
    "ml-100k": (ML_100K, "u.data", STARS),
    "ml-1m": (ML_1M, "ratings.dat", STARS),
    "ml-10m": (ML_10M, "ratings.dat", HALF_STARS),
    "csv": (CSV, "ratings.csv", HALF_STARS),
    "custom": (CSV, "ratings.csv", HALF_STARS),
    "ncf": (NCF, "ml-1m.test.rating", STARS),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def spoiled(folder, layout, *rows):
    """The release with `rows` (fields) added to its ratings; they start at line `line`."""
    files, name, scale = LAYOUTS[layout]
    separator = {"u.data": "\t", "ratings.dat": "::", "ratings.csv": ","}.get(name, "\t")
    lines = [*files[name], *(separator.join(row) for row in rows)]
    release(folder, {**files, name: lines})
    return folder / name, len(files[name]) + 1, scale


@every_layout
def test_the_slow_reader_reads_what_the_fast_one_does(tmp_path, layout, monkeypatch):
    files, _, scale = LAYOUTS[layout]
    release(tmp_path, files)
    fast = parse(tmp_path, layout, scale)
    monkeypatch.setattr(csv_reader, "_is_good", lambda *_: False)
    monkeypatch.setattr(csv_reader, "BATCH", 2)
    assert parse(tmp_path, layout, scale) == fast


@every_layout
@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("1", "10", "3"), "3 fields instead of 4"),
        (("1", "10", "3", "980000000", "9"), "5 fields instead of 4"),
        (("one", "10", "3", "980000000"), "user: 'one' is not a whole number"),
        (("1", "", "3", "980000000"), "movie: '' is not a whole number"),
        (("1", "10", "three", "980000000"), "rating: 'three' is not a number"),
        (("1", "10", "nan", "980000000"), "rating: 'nan' is not a number"),
        (("1", "10", "3", "soon"), "timestamp: 'soon' is not a whole number"),
        (("1", "10", "6", "980000000"), "rating 6 is not on the scale"),
        (("1", "10", "3.7", "980000000"), "rating 3.7 is not on the scale"),
    ],
)
def test_a_bad_row_stops_with_its_line_and_the_parameter_unless_it_may_be_dropped(
    tmp_path, layout, row, what
):
    if layout == "custom" and row[0] == "one":
        return  # there it is the name of a user: tests/movielens/test_own_files.py
    what = what.replace("'' is not a whole number", "it is empty") if layout == "custom" else what
    path, line, scale = spoiled(tmp_path, layout, row)
    with pytest.raises(MarqueeError) as error:
        parse(tmp_path, layout, scale)
    assert f"{path} line {line}: {what}" in str(error.value)
    assert "set ingest.max_bad_rows to 1 or more" in str(error.value)
    assert "\n" not in str(error.value)

    data = parse(tmp_path, layout, scale, max_bad_rows=1)
    kind = "off_scale" if "scale" in what else "malformed"
    assert data.card["dropped"][kind] == 1
    assert sum(data.card["dropped"].values()) == 1
    release(tmp_path, LAYOUTS[layout][0])
    assert data.ratings == parse(tmp_path, layout, scale).ratings


def test_the_message_counts_all_bad_rows_and_the_line_holds_after_blank_lines(tmp_path):
    path, line, scale = spoiled(tmp_path, "ml-1m", (), ("x", "1", "1", "1"), ("1", "10", "9", "1"), ("1",))
    with pytest.raises(MarqueeError) as error:
        parse(tmp_path, "ml-1m", scale, max_bad_rows=2)
    assert f"{path} line {line + 1}: user: 'x'" in str(error.value)
    assert "2 more bad rows" in str(error.value)
    assert parse(tmp_path, "ml-1m", scale, max_bad_rows=3).card["ratings"] == 3


def test_bad_rows_are_counted_over_all_files(tmp_path):
    files = {**ML_1M, "movies.dat": ["ten::Orchard::War", *ML_1M["movies.dat"]]}
    files["ratings.dat"] = ["1::2", *ML_1M["ratings.dat"]]
    release(tmp_path, files)
    with pytest.raises(MarqueeError, match=r"movies.dat line 1: movie: 'ten' .*max_bad_rows to 2 or more"):
        parse(tmp_path, "ml-1m", max_bad_rows=1)
    assert parse(tmp_path, "ml-1m", max_bad_rows=2).card["dropped"]["malformed"] == 2


def test_an_empty_text_id_is_malformed(tmp_path):
    release(tmp_path, {"ratings.csv": ["userId,movieId,rating", "ann,a,3", ",b,4"]})
    columns = CustomColumns(timestamp=None)
    with pytest.raises(MarqueeError, match=r"ratings.csv line 3: user: it is empty"):
        parse(tmp_path, "custom", None, columns)
    assert parse(tmp_path, "custom", None, columns, max_bad_rows=1).card["users"] == 1


def test_parquet_rows_are_held_to_the_same_rules(tmp_path):
    table = {"userId": [None, 2, 3, 4], "movieId": [1, 1, 1, 1], "rating": [9.0, 4.0, 9.0, 2.0]}
    pq.write_table(pa.table(table), tmp_path / "ratings.parquet")
    columns = CustomColumns(timestamp=None)
    with pytest.raises(MarqueeError, match=r"ratings.parquet row 1: .*max_bad_rows to 2 or more"):
        parse(tmp_path, "custom", STARS, columns)
    dropped = parse(tmp_path, "custom", STARS, columns, max_bad_rows=2).card["dropped"]
    assert (dropped["malformed"], dropped["off_scale"]) == (1, 1)


@every_layout
def test_an_empty_file_and_a_missing_one_are_named(tmp_path, layout):
    files, name, scale = LAYOUTS[layout]
    release(tmp_path, files)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(MarqueeError, match=f"{name} has no rows"):
        parse(tmp_path, layout, scale)
    (tmp_path / name).unlink()
    with pytest.raises(MarqueeError, match=rf"{name} is missing: .*dataset\.path"):
        parse(tmp_path, layout, scale)


@every_layout
def test_a_file_that_cannot_be_read_is_named(tmp_path, layout):
    files, name, scale = LAYOUTS[layout]
    release(tmp_path, files)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    said = r"cannot be read \(Is a directory\)"
    if layout == "custom":  # whose table may be a folder of parts
        said = "is a folder without CSV files"
    with pytest.raises(MarqueeError, match=f"{name} {said}"):
        parse(tmp_path, layout, scale)


def test_csv_without_movies_is_incomplete(tmp_path):
    release(tmp_path, {"ratings.csv": CSV["ratings.csv"]})
    with pytest.raises(MarqueeError, match=r"movies.csv is missing"):
        parse(tmp_path, "csv", HALF_STARS)


def test_a_wrong_header_names_the_missing_column_and_its_parameter(tmp_path):
    release(tmp_path, {"ratings.csv": ["userId,movieId,stars", "1,1,3"]})
    with pytest.raises(
        MarqueeError, match=r"ratings.csv line 1, .*'rating'.*stars.*ingest.columns.rating to"
    ):
        parse(tmp_path, "custom")
    with pytest.raises(MarqueeError, match=r"'timestamp'.*ingest.columns.timestamp .*\(null if there is"):
        parse(tmp_path, "custom", columns=CustomColumns(rating="stars"))


def test_one_column_cannot_be_two_things(tmp_path):
    release(tmp_path, CSV)
    with pytest.raises(MarqueeError, match=r"ingest.columns.user is 'movieId', and so is another"):
        parse(tmp_path, "custom", columns=CustomColumns(user="movieId"))


def test_text_that_is_not_utf8_is_named_with_its_line(tmp_path):
    files = {**CSV, "movies.csv": [*CSV["movies.csv"], "40,Vergér,War"]}
    release(tmp_path, files, "latin-1")
    with pytest.raises(MarqueeError, match=r"movies.csv line 4: not UTF-8"):
        parse(tmp_path, "csv", HALF_STARS, max_bad_rows=9)
    release(tmp_path, {"ratings.csv": ["userÏd", *CSV["ratings.csv"]]}, "latin-1")
    with pytest.raises(MarqueeError, match=r"ratings.csv line 1: not UTF-8"):
        parse(tmp_path, "csv", HALF_STARS)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    release(tmp_path, CSV, "utf-8-sig")
    for name, lines in CSV.items():
        (tmp_path / name).write_bytes("\n".join(lines).encode("utf-8-sig"))
    assert parse(tmp_path, "csv", HALF_STARS).card["ratings"] == 2


def test_what_is_no_parquet_is_named(tmp_path):
    (tmp_path / "ratings.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(MarqueeError, match=r"ratings.parquet is not a complete Parquet file"):
        parse(tmp_path, "custom")
    pq.write_table(
        pa.table({"userId": [1], "movieId": [1], "rating": ["good"]}), tmp_path / "ratings.parquet"
    )
    with pytest.raises(
        MarqueeError,
        match=r"ratings.parquet: column 'rating' has type string .*: check ingest.columns.rating$",
    ):
        parse(tmp_path, "custom", columns=CustomColumns(timestamp=None))


def test_ingest_options_name_their_keys():
    block = {"max_bad_rows": 3, "columns": {"user": "who", "timestamp": None}}
    expected = config.IngestOptions(CustomColumns(user="who", timestamp=None), max_bad_rows=3)
    assert config.parse(config.IngestOptions, block, "ingest") == expected
    with pytest.raises(MarqueeError, match=r"ingest\.columns\.usr is not a parameter; did you mean 'user'"):
        config.parse(config.IngestOptions, {"columns": {"usr": "who"}}, "ingest")
    with pytest.raises(MarqueeError, match=r"ingest\.max_bad_rows is -1, but must be at least 0"):
        config.parse(config.IngestOptions, {"max_bad_rows": -1}, "ingest")


def test_an_unknown_layout_is_named_with_the_nearest(tmp_path):
    with pytest.raises(MarqueeError, match=r"'ml-2m' does not exist; did you mean"):
        parse(tmp_path, "ml-2m")
