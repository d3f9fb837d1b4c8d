"""What people's own files hold beside the expected: ids, separators, encodings, quotes, genres, a scale."""

from __future__ import annotations

import pytest

from marquee.config import CustomColumns, NegativeOptions, ScaleOptions, SplitOptions
from marquee.data.published_splits import read_fold
from marquee.data.ratings import Ratings
from marquee.data.sampling import add_negatives
from marquee.data.splits import split
from marquee.errors import MarqueeError
from marquee.movielens import csv_reader
from marquee.movielens.download import fetch_release
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import RELEASES
from marquee.movielens.text_rows import LONGEST
from marquee.rng import KeyedRandom

HEAD = "userId,movieId,rating,timestamp\n"
ROWS = [
    (user, movie, user * movie % 5 + 1, 1_000_000_000 + 1000 * n)
    for n, (user, movie) in enumerate((user, movie) for user in range(1, 7) for movie in range(1, 21))
]
RATINGS = HEAD + "".join("{},{},{},{}\n".format(*row) for row in ROWS)  # 120 of 6 users and 20 movies
GENRES = ("War|Drama", "Drama|Drama", "Drama | War")


def titles(genres=GENRES, ids=range(1, 21)):
    rows = (f"{n},Film {n} ({1950 + n}),{genres[n % len(genres)]}\n" for n in ids)
    return "movieId,title,genres\n" + "".join(rows)


def read(folder, ratings=None, movies=None, *, columns=None, max_bad_rows=0, scale=None, encoding="utf-8"):
    for name, text in (("ratings.csv", ratings), ("movies.csv", movies)):
        if text is not None:
            (folder / name).write_bytes(text.encode(encoding))
    columns, scale = columns or CustomColumns(), scale or ScaleOptions()
    return read_release(folder, "custom", None, columns, max_bad_rows, scale)


def fault(folder, *texts, **options):
    """The one line that the reader refuses a file with."""
    with pytest.raises(MarqueeError) as error:
        read(folder, *texts, **options)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def users(data):
    return data.users["user_id"].to_pylist()


# Ids


def test_leading_zeros_keep_users_apart(tmp_path):
    data = read(tmp_path, HEAD + "007,10,4,1\n7,10,2,2\n8,20,3,3\n8,10,5,4\n")
    assert users(data) == ["007", "7", "8"]
    assert (data.card["ratings"], data.card["dropped"]["duplicates"]) == (4, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_ids_are_text_as_soon_as_one_is_no_number(tmp_path, order):
    rows = ["ann,0195153448,4,1", "bob,034545104X,2,2", "bob,0195153448,5,3"][::order]
    data = read(tmp_path, HEAD + "\n".join(rows) + "\n")
    assert data.movies["movie_id"].to_pylist() == ["0195153448", "034545104X"]
    assert data.card["ratings"] == 3


def test_one_id_that_makes_many_text_is_named(tmp_path):
    data = read(tmp_path, RATINGS + "6,tt7,3,1\n")
    assert data.card["ratings"] == 121
    assert data.notes == ("movie ids are text and not numbers, because of 'tt7'",)


@pytest.mark.parametrize(
    "number", ["103123456789012345678901", "9223372036854775808", "99999999999999999999"]
)
def test_ids_beyond_64_bits_are_text(tmp_path, number):
    data = read(tmp_path, HEAD + f"{number},10,4,1\n{number[:-1]}7,10,2,2\n{number},20,5,3\n")
    assert users(data) == sorted([number, f"{number[:-1]}7"])


def test_whole_numbers_with_a_point_are_the_numbers(tmp_path):
    ratings = HEAD + "".join("{}.0,{}.0,{},{}.0\n".format(*row) for row in ROWS)
    data = read(tmp_path, ratings, titles())
    assert users(data) == [1, 2, 3, 4, 5, 6]
    assert (data.card["unlisted_movies"], data.movies["title"].null_count) == (0, 0)
    assert data.ratings == read(tmp_path, RATINGS, titles()).ratings


def test_blanks_around_an_id_do_not_count(tmp_path):
    assert users(read(tmp_path, HEAD + "ann,1,4,1\n ann,2,3,2\nann ,3,5,3\nbob,1,2,4\n")) == ["ann", "bob"]
    assert users(read(tmp_path, HEAD + "2,1,4,1\n 2,2,3,2\n10 ,3,5,3\n")) == [2, 10]


@pytest.mark.parametrize("name", ["0x1F", "+5", "1e3", "-0", "1.5", "1_0", "٣"])
def test_what_only_a_program_takes_for_a_number_is_text(tmp_path, name):
    assert users(read(tmp_path, HEAD + f"{name},1,4,1\n31,1,4,1\n")) == sorted(["31", name])


def test_an_id_that_is_empty_blank_or_has_a_nul_is_malformed(tmp_path):
    for name in ("", "  ", "a\0b"):
        line = fault(tmp_path, RATINGS + f"{name},1,4,1\n")
        assert "ratings.csv line 122: user: " in line
        assert read(tmp_path, max_bad_rows=1).card["dropped"]["malformed"] == 1


def test_ids_of_ratings_and_movies_are_of_one_type(tmp_path):
    data = read(tmp_path, RATINGS, titles() + "034545104X,A book (1990),War\n")
    assert (data.card["unlisted_movies"], data.card["unrated_movies"]) == (0, 1)
    assert data.movies["movie_id"][1].as_py() == "10"


def test_most_rows_being_bad_is_no_reason_to_drop_them(tmp_path):
    line = fault(tmp_path, RATINGS, columns=CustomColumns(rating="timestamp", timestamp=None))
    assert "line 2: rating: '1000000000' is too large" not in line  # a billion is the bound
    line = fault(
        tmp_path,
        RATINGS.replace(",1000", ",2000").replace("timestamp", "stars"),
        columns=CustomColumns(rating="stars", timestamp=None),
    )
    assert "rating: '2000000000' is too large (and 119 more bad rows of 120)" in line
    assert "max_bad_rows" not in line
    assert "ingest.columns" in line


# Separators and encodings


@pytest.mark.parametrize(
    ("separator", "name"), [(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "pipe")]
)
def test_the_separator_is_found_and_named(tmp_path, separator, name):
    commas = read(tmp_path, RATINGS, titles(["War"]))
    data = read(tmp_path, RATINGS.replace(",", separator), titles(["War"]).replace(",", separator))
    assert (data.ratings, data.movies) == (commas.ratings, commas.movies)
    line = fault(tmp_path, RATINGS.replace("rating", "stars").replace(",", separator))
    assert (
        f"ratings.csv line 1, separated by {name}s, has no column 'rating', only userId, movieId, st" in line
    )


def test_quoted_names_blanks_in_the_header_and_another_column_are_fine(tmp_path):
    text = RATINGS.replace(HEAD, '"userId", movieId,rating , "timestamp"\n'.replace(' "t', '"t'))
    assert read(tmp_path, text).card["ratings"] == 120


def test_a_file_without_a_header_or_with_a_column_twice_is_refused(tmp_path):
    assert "begin the file with a line of column names" in fault(tmp_path, RATINGS.removeprefix(HEAD))
    line = fault(tmp_path, RATINGS.replace("timestamp", "rating"), columns=CustomColumns(timestamp=None))
    assert "has 2 columns 'rating'" in line


@pytest.mark.parametrize("first", ["4", "3,5"])
def test_decimal_commas_are_read_between_semicolons(tmp_path, first):
    data = read(
        tmp_path,
        f"userId;movieId;rating\n1;1;{first}\n1;2;4,5\n2;1;2\n",
        columns=CustomColumns(timestamp=None),
    )
    assert data.card["scale"]["high"] == 4.5
    assert data.card["scale"]["step"] == 0.5
    line = fault(tmp_path, "userId;movieId;rating\n1;1;4,5\n1;2;3.5\n", columns=CustomColumns(timestamp=None))
    assert "line 3: rating: '3.5' is not a number with a decimal comma" in line
    line = fault(
        tmp_path, "userId\tmovieId\trating\n1\t1\t4\n1\t2\t1,500\n", columns=CustomColumns(timestamp=None)
    )
    assert "line 3: rating: '1,500' is not a number" in line  # a thousand or one and a half


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_line_end_and_a_byte_order_mark_are_read(tmp_path, encoding, newline):
    texts = [text.replace("\n", newline) for text in (RATINGS, titles().replace("Film", "Été"))]
    data = read(tmp_path, *texts, encoding=encoding)
    assert (data.card["ratings"], data.movies["title"][0].as_py()) == (120, "Été 1")


def test_another_encoding_is_named(tmp_path):
    line = fault(tmp_path, RATINGS, titles().replace("Film 3", "Été"), encoding="latin-1")
    assert "movies.csv line 4: not UTF-8 text (byte 0xc9, 'É' in Latin-1): save the file as UTF-8" in line
    assert "UTF-32" in fault(tmp_path, RATINGS, encoding="utf-32")
    assert "NULs, as UTF-16 text" in fault(tmp_path, RATINGS, encoding="utf-16-le")
    assert "NULs" in fault(tmp_path, "PK\3\4\0\0")


# Quotes


def test_a_long_field_that_nobody_wants_is_read_wherever_it_is(tmp_path):
    long = "somebody in a small part; " * 6000
    for row in (1, 20):
        movies = "".join(
            f"{line},{long if n == row else 'x'}\n" for n, line in enumerate(titles().splitlines())
        ).replace("genres,x", "genres,cast")
        assert read(tmp_path, RATINGS, movies).movies["title"].null_count == 0


@pytest.mark.parametrize(
    "review", ["first line\n9999,7,5,1000000000,and", 'a ""quoted"" word\r\n\r\n9999,1,1,1,x']
)
def test_quoted_line_ends_are_no_rows(tmp_path, monkeypatch, review):
    monkeypatch.setattr(csv_reader, "BLOCK", 1 << 12)  # many blocks, of which some end inside a field
    text = RATINGS.replace("timestamp\n", "timestamp,review\n")
    lines = text.splitlines()
    data = read(tmp_path, "\n".join([lines[0], *(f'{line},"{review}"' for line in lines[1:])]))
    assert (data.card["ratings"], users(data)) == (120, [1, 2, 3, 4, 5, 6])


def test_a_quote_that_is_never_closed_is_named_and_hides_no_rows(tmp_path):
    reviewed = RATINGS.replace("timestamp\n", "timestamp,review\n").replace("00\n", "00,fine\n")
    before, after = reviewed.split("fine", 60)[:-1], reviewed.split("fine", 60)[-1]
    line = fault(tmp_path, "fine".join(before) + '"never closed' + after)
    assert "ratings.csv line 61: a quote opens there and never closes" in line
    assert "ratings.csv line 122: a quote opens" in fault(tmp_path, reviewed + '"')
    even = "fine".join(before[:-1]) + '5" disk' + before[-1] + '"never closed' + after
    assert "line 61: a quote opens" in fault(tmp_path, even)


def test_a_field_without_end_is_refused(tmp_path):
    reviewed = RATINGS.replace("timestamp\n", "timestamp,review\n").replace("00\n", "00,fine\n")
    line = fault(tmp_path, reviewed + '1,1,1,1,"' + "x" * (LONGEST + 9) + '"\n')
    assert "line 122: field larger than field limit" in line


# Times and ratings


def test_a_wrong_time_is_named_and_may_be_dropped(tmp_path):
    text = RATINGS.replace("1000017000\n", "99999999999\n")
    assert "ratings.csv line 19: timestamp: 99999999999 is in the year 5139" in fault(tmp_path, text)
    data = read(tmp_path, max_bad_rows=1)
    assert (data.card["ratings"], data.card["dropped"]["malformed"]) == (119, 1)


def test_milliseconds_are_named(tmp_path):
    line = fault(tmp_path, RATINGS.replace("000\n", "000000\n"))
    assert (
        "line 2: timestamp: 1000000000000 is in the year 33659, not in 1900 to 2299; these may be milli"
        in line
    )
    assert "in the year 9999" in fault(tmp_path, HEAD + "1,1,3,9999-01-01\n")


@pytest.mark.parametrize("text", ["1e39", "1e400", "inf", "1_0", "٣", "-2e9"])
def test_what_is_no_rating_is_malformed(tmp_path, text):
    assert f"line 122: rating: '{text}' is " in fault(tmp_path, RATINGS + f"6,99,{text},1\n")


def test_a_stated_scale_puts_other_values_off_it(tmp_path):
    marked = HEAD + "".join(
        f"{user},{movie},{-1 if n % 4 == 0 else 2 * rating},{time}\n"
        for n, (user, movie, rating, time) in enumerate(ROWS)
    )
    stated = ScaleOptions(low=1, high=10)
    assert read(tmp_path, marked).card["scale"]["low"] == -1
    line = fault(tmp_path, marked, scale=stated)
    assert "line 2: rating -1 is not on the scale 1 to 10 (and 29 more bad rows of 120)" in line
    assert "set ingest.max_bad_rows to 30 or more" in line
    data = read(tmp_path, marked, scale=stated, max_bad_rows=30)
    assert data.card["dropped"]["off_scale"] == 30
    assert data.card["scale"] == {"low": 1, "high": 10, "step": 1}
    assert data.notes == ("rows left out: 30 off scale",)
    half = read(tmp_path, marked, scale=ScaleOptions(low=1), max_bad_rows=30)
    assert half.card["scale"]["low"] == 1
    with pytest.raises(MarqueeError, match=r"ingest.scale.low is 5, but must be less than"):
        ScaleOptions(low=5, high=5)


def test_many_different_ratings_are_counted_in_a_hundred_bins(tmp_path):
    text = HEAD + "".join(f"{n % 7},{n},{n * 1.37:.2f},{n}\n" for n in range(1, 2001))
    histogram = read(tmp_path, text).card["histogram"]
    assert (len(histogram["rating"]), sum(histogram["count"])) == (100, 2000)


# Titles and genres


def test_genres_may_be_separated_by_commas_and_written_twice(tmp_path):
    assert read(tmp_path, RATINGS, titles()).card["genres"] == {"Drama": 20, "War": 13}
    commas = [f'"{text.replace("|", ", ")}"' for text in GENRES]
    assert read(tmp_path, RATINGS, titles(commas)).card["genres"] == {"Drama": 20, "War": 13}
    printed = ["\"['War', 'Drama']\"", '"[""Drama"", ""War""]"', "[]"]
    assert read(tmp_path, RATINGS, titles(printed)).card["genres"] == {"Drama": 13, "War": 13}


def test_too_many_genres_are_a_wrong_separator(tmp_path):
    with pytest.raises(
        MarqueeError, match=r"movies.csv: 201 different genres, such as '0': separate them by"
    ):
        read(tmp_path, RATINGS, titles([f"{n}" for n in range(201)], ids=range(1, 300)))


def test_an_empty_title_is_none(tmp_path):
    movies = titles().replace("Film 4 (1954)", "").replace("Film 8 (1958)", " ")
    data = read(tmp_path, RATINGS, movies + "4,Again,War\n")
    assert [n for n, title in enumerate(data.movies["title"].to_pylist(), 1) if title is None] == [4, 8]
    assert data.notes == (
        "rows of the list of movies left out: 1 of a movie listed before",
        "2 of 20 rated movies have no title (0 of them are not in the list of movies)",
    )


# What follows from them


def test_own_folds_lie_beside_the_ratings(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "raw").mkdir()
    (tmp_path / "mine/ratings.csv").write_text(RATINGS)
    for name, part in (("u1.base", range(96)), ("u1.test", range(96, 120))):
        (tmp_path / "mine" / name).write_text("".join("{}\t{}\t{}\n".format(*ROWS[n]) for n in part))
    fetch_release(RELEASES["custom"], str(tmp_path / "mine"), tmp_path / "raw", tmp_path)
    data = read(tmp_path / "raw")
    ids = data.users["user_id"].to_numpy(), data.movies["movie_id"].to_numpy()
    rows, options = Ratings.from_table(data.ratings), SplitOptions("file")
    given = read_fold(tmp_path / "raw", *options.files, *ids, rows)
    parts = split(rows, options, KeyedRandom(0, "split@rating", *ids), given)
    assert (len(parts.train) + len(parts.validation), len(parts.test)) == (96, 24)
    with pytest.raises(MarqueeError, match=r"u2.base is missing: .* beside your ratings in dataset.path"):
        read_fold(tmp_path / "raw", "u2.base", "u2.test", *ids, rows)
    (tmp_path / "raw/u1.test").write_text("2\t7\n")
    with pytest.raises(MarqueeError, match=r"u1.base and u1.test share a row \(user 2 and item 7\)"):
        read_fold(tmp_path / "raw", *options.files, *ids, rows)


def test_a_user_with_everything_is_named_as_the_source_does(tmp_path):
    text = HEAD + "".join(f"ann,m{n},5,100{n}\n" for n in range(1, 7)) + "bob,m1,2,2001\n"
    data = read(tmp_path, text)
    ids = data.users["user_id"].to_numpy(), data.movies["movie_id"].to_numpy()
    with pytest.raises(MarqueeError, match=r"^user ann has rated all 6 items"):
        add_negatives(
            Ratings.from_table(data.ratings), 6, NegativeOptions(), KeyedRandom(0, "x", *ids), ids[0]
        )
