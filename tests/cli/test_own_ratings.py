"""`marquee recommend` for what people bring along: exports of other sites, odd titles, users and files."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from marquee.cli.main import main
from marquee.io import harmless
from tests.cli.small_project import FILMS, build, recommend

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n"
IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year\n"


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return build(tmp_path)


@pytest.fixture
def rated(place, capsys):
    """What `--ratings` makes of a file: ratings by title, and what is said."""

    def read(content: str | bytes, name: str = "mine.csv", *words: str) -> tuple[dict[str, float], str]:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        from argparse import Namespace

        from marquee.cli import audience, project
        from marquee.movielens.schema import Scale

        args = Namespace(rate=[], ratings=path, seen=None, unmatched=None)
        movies = project.movies()
        own, notes = audience.own_ratings(args, movies, Scale(1, 5, 1))
        return {
            movies.name(item): round(float(rating), 2)
            for item, rating in zip(own.items, own.ratings, strict=True)
        }, "\n".join(notes)

    return read


def test_an_episode_is_no_movie_and_its_namesake_can_still_be_recommended(rated, place, capsys):
    text = (
        IMDB + "tt1,2,2024-01-02,Heat,Heat,u,TV Episode,7,1995\ntt2,9,2024-01-03,Fargo,Fargo,u,Movie,8,1996\n"
    )
    found, said = rated(text)
    assert found == {"Fargo (1996)": 4.56}
    assert "1 series, episodes or games, left out: Heat (1995)" in said
    rows, _ = recommend(capsys, "bias", "--ratings", "mine.csv", "--top", "50")
    assert "Heat" in {row["title"] for row in rows}
    assert "Fargo" not in {row["title"] for row in rows}


def test_a_film_that_is_not_here_is_counted_and_no_other_is_rated(rated):
    found, said = rated(f"{LETTERBOXD}2024-01-01,Hard,1989,u,0.5\n2024-01-02,Heat,1995,u,5\n")
    assert found == {"Heat (1995)": 5.0}
    assert "1 of 2 movies found" in said
    assert "1 not in this data, left out: Hard (1989)" in said


def test_zero_is_no_rating(rated):
    found, said = rated(f"{LETTERBOXD}2024-01-01,Heat,1995,u,4.5\n2024-01-02,Fargo,1996,u,0\n")
    assert found == {"Heat (1995)": 4.56}
    assert "1 without a rating, passed over" in said


def test_tmdb_keeps_everyones_mean_beside_ones_own_rating(rated):
    head = (
        "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated\n"
    )
    text = "949,tt0113277,movie,Heat,1995-12-15T00:00:00Z,,,5.0,9,2024-01-01T00:00:00Z\n"
    text += "275,tt0116282,movie,Fargo,1996-03-08T00:00:00Z,,,4.5,2,2024-01-02T00:00:00Z\n"
    text += "1,tt1,tv,Alien,1979-01-01T00:00:00Z,,,4.5,2,2024-01-02T00:00:00Z\n"
    found, said = rated(head + text)
    assert found == {"Heat (1995)": 4.56, "Fargo (1996)": 1.44}
    assert "left out: Alien (1979)" in said


def test_movielens_org_has_half_stars_and_numbers_of_its_own(rated):
    head = "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n"
    found, _ = rated(f"{head}6,0113277,949,3.5,3.85,Heat (1995)\n608,0116282,275,5,4.11,Fargo (1996)\n")
    assert found == {"Heat (1995)": 3.67, "Fargo (1996)": 5.0}


def test_a_title_beside_a_number_decides(rated):
    """In this data 8 is Shanghai Triad and 608 is nothing."""
    found, said = rated(
        "movieId,title,rating\n8,Heat (1995),5\n608,Fargo (1996),4\n3,Toy Story (1995),3\n8,,2\n"
    )
    assert found == {"Heat (1995)": 5, "Fargo (1996)": 4, "Toy Story (1995)": 3, "Shanghai Triad (1995)": 2}
    found, said = rated("movieId,title,rating\n8,Nowhere (1997),5\n1,Heat (1995),4\n")
    assert found == {"Heat (1995)": 4}
    assert "left out: Nowhere (1997)" in said


@pytest.mark.parametrize("turn", [1, -1])
def test_the_later_date_counts_wherever_it_stands(rated, turn):
    rows = ["2024-05-01,Heat,1995,u,5,Yes,,2024-05-01", "2020-01-01,Heat,1995,u,1,,,2020-01-01"][::turn]
    head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"
    assert rated("\n".join([head, *rows]))[0] == {"Heat (1995)": 5}
    times = ["1,5,1700000000", "1,1,1600000000"][::turn]
    assert rated("\n".join(["movieId,rating,timestamp", *times]))[0] == {"Heat (1995)": 5}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252"])
def test_encodings(rated, encoding):
    text = f"{LETTERBOXD}2024-01-01,Heat,1995,u,4.5\n2024-01-01,Amélie,2001,u,5\n".replace("\n", "\r\n")
    assert list(rated(text.encode(encoding))[0]) == [
        "Heat (1995)",
        FILMS[10].replace("Fabuleux destin d'Amélie Poulain, Le", "Le Fabuleux destin d'Amélie Poulain"),
    ]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_with_a_decimal_comma(rated, separator):
    text = f"{LETTERBOXD}2024-01-01,Heat,1995,u,4.5\n".replace(",", separator).replace("4.5", "4,5")
    assert rated(text)[0] == {"Heat (1995)": 4.56}


def test_a_review_of_any_length_and_of_several_lines(rated):
    review = "wonderful\n\n" * 20_000
    head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
    text = (
        f'{head}2024-01-01,Heat,1995,u,5,,"{review}",,2024-01-01\n2024-01-01,Fargo,1996,u,4,,"{review}",,\n'
    )
    assert rated(text, "reviews.csv")[0] == {"Heat (1995)": 5, "Fargo (1996)": 4.11}


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_the_whole_zip_of_letterboxd(rated, place, capsys):
    """Ratings, likes without one, and what was watched; the diary has older ratings, `deleted` is deleted."""
    films = "Date,Name,Year,Letterboxd URI\n2024-01-01,{},{},u\n"
    content = zipped(
        **{
            "letterboxd-me/ratings.csv": f"{LETTERBOXD}2024-01-01,Heat,1995,u,2\n,Fargo,1996,u,3.5\n",
            "letterboxd-me/diary.csv": f"{LETTERBOXD}2024-01-01,Heat,1995,u,5\n",
            "letterboxd-me/likes/films.csv": films.format("Alien", 1979) + "2024-09-09,Heat,1995,u\n",
            "letterboxd-me/watched.csv": films.format("M", 1931),
            "letterboxd-me/watchlist.csv": films.format("Die Hard", 1988),
            "letterboxd-me/deleted/ratings.csv": f"{LETTERBOXD}2024-01-01,Toy Story,1995,u,1\n",
        }
    )
    found, _ = rated(content, "letterboxd.zip")
    assert found == {"Heat (1995)": 2.33, "Fargo (1996)": 3.67, "Alien (1979)": 5}
    rows, said = recommend(capsys, "bias", "--ratings", "letterboxd.zip", "--top", "50", "--min-ratings", "0")
    titles = {row["title"] for row in rows}
    assert not titles & {"Heat", "Fargo", "Alien", "M"}
    assert {"Die Hard", "Toy Story"} <= titles
    assert "1 seen without a rating, left out" in said
    folder = place / "unpacked"
    with zipfile.ZipFile(place / "letterboxd.zip") as archive:
        archive.extractall(folder)
    assert (
        recommend(
            capsys, "bias", "--ratings", str(folder / "letterboxd-me"), "--top", "50", "--min-ratings", "0"
        )[0]
        == rows
    )


def test_seen_movies_are_hidden_for_a_new_user_and_for_a_known_one(place, capsys):
    (place / "watched.csv").write_text("Date,Name,Year,Letterboxd URI\n,Heat,1995,u\n,Nowhere,1931,u\n")
    for who in (("--rate", "alien=5"), ("--user", "3")):
        words = ("bias", *who, "--top", "50", "--min-ratings", "0")
        plain = [row["title"] for row in recommend(capsys, *words)[0]]
        hidden, said = recommend(capsys, *words, "--seen", "watched.csv", "--unmatched", "left.csv")
        assert [row["title"] for row in hidden] == [title for title in plain if title != "Heat"]
        assert "1 of 2 movies found" in said
        assert [row["title"] for row in csv.DictReader(io.StringIO(Path("left.csv").read_text()))] == [
            "Nowhere"
        ]
    assert "has no ratings" in recommend(capsys, "bias", "--ratings", "watched.csv", code=1)[1]


def test_what_did_not_match_is_in_a_file_with_its_reason(place, capsys):
    (place / "mine.csv").write_text(
        "title,year,rating\nHeat,1995,5\n=cmd|' /C calc'!A0,1990,4\nNowhere,1931,4\n"
    )
    recommend(capsys, "bias", "--ratings", "mine.csv", "--unmatched", "left.csv")
    rows = list(csv.DictReader(io.StringIO(Path("left.csv").read_text())))
    assert [(row["line"], row["title"], row["reason"]) for row in rows] == [
        ("3", "'=cmd|' /C calc'!A0", "not in this data"),
        ("4", "Nowhere", "not in this data"),
    ]


def test_imdb_ids_decide_where_the_release_has_links(tmp_path, monkeypatch, capsys):
    """Also between two movies of one name and year, and against a namesake that is not here."""
    monkeypatch.chdir(tmp_path)
    build(
        tmp_path,
        ["Heat (1995)", "Emma (1996)", "Emma (1996)", "Fargo (1996)"],
        imdb=[113277, 1, 116191, None],
    )
    lines = (
        "tt0116191,9,2024-01-01,Emma,Emma,u,Movie,7,1996\ntt0000009,2,2024-01-01,Heat,Heat,u,Movie,7,1995\n"
    )
    lines += "tt0116282,5,2024-01-01,Fargo - Perdidos,Fargo,u,Movie,7,1996\n"
    (tmp_path / "imdb.csv").write_text(IMDB + lines)
    rows, said = recommend(capsys, "bias", "--ratings", "imdb.csv", "--min-ratings", "0")
    assert [row["movie_id"] for row in rows] in ([1, 2], [2, 1])
    assert "2 of 3 movies found" in said


def test_titles_that_begin_with_a_hash(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build(tmp_path, ["#Alive (2020)", "Heat (1995)", "Se7en #2 (1996)"])
    for wanted in ("#Alive (2020)", "#alive", "#1"):
        assert "you rated #Alive (2020) 5" in recommend(capsys, "bias", "--rate", f"{wanted}=5")[1]
    assert "no movie has the id '7'" in recommend(capsys, "bias", "--rate", "#7=5", code=1)[1]


def test_a_year_only_tells_apart_what_has_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build(tmp_path, ["Heat", "Fargo", "Alien"])
    (tmp_path / "mine.csv").write_text(f"{LETTERBOXD}2024-01-01,Heat,1995,u,5\n2024-01-02,Fargo,1996,u,4.5\n")
    assert "2 of 2 movies found" in recommend(capsys, "bias", "--ratings", "mine.csv")[1]
    assert "you rated Heat 5" in recommend(capsys, "bias", "--rate", "heat (1995)=5")[1]


@pytest.mark.parametrize(
    "wanted", ["Star Trek II", "Beverly Hills Cop II", "Beverly Hills Cop 2", "star trek 2"]
)
def test_one_part_is_not_another(place, capsys, wanted):
    assert "did you mean" in recommend(capsys, "ease", "--rate", f"{wanted}=5", code=1)[1]
    assert main(["similar", "ease", wanted]) == 1
    assert "did you mean" in capsys.readouterr().err


def test_movies_without_a_title_are_left_out_when_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build(tmp_path, ["", None, "  ", "(1954)", "unknown", "Film (1951)", "Other (1952)"])
    words = ("bias", "--user", "3", "--top", "9", "--min-ratings", "0", "--rate", "Other=5")
    assert {row["title"] for row in recommend(capsys, *words, "--exclude-unknown")[0]} <= {"Film", "(1954)"}


def test_users_with_blanks_and_commas(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build(tmp_path, users=["Lee, Ann", "Bo Ray", "leo", "Max", "Lee", "x", "y"], demographics=False)
    (tmp_path / "users.txt").write_text("Bo Ray\nLee\nleo Max\n")
    rows = recommend(capsys, "bias", "--users-file", "users.txt", "--top", "1", "--min-ratings", "0")[0]
    assert list(dict.fromkeys(row["user"] for row in rows)) == ["Bo Ray", "Lee", "leo", "Max"]
    rows = recommend(capsys, "bias", "--users", "Bo Ray, Lee, Ann,leo", "--top", "1")[0]
    assert {row["user"] for row in rows} <= {"Bo Ray", "Lee, Ann", "leo"}


def test_no_cell_that_a_spreadsheet_would_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    titles = [f'{sign}HYPERLINK("https://example.org","Film {i}")' for i, sign in enumerate("=+-@=+-@")]
    build(tmp_path, titles)
    assert main(["recommend", "bias", "--user", "3", "--out", "o.csv", "--min-ratings", "0"]) == 0
    rows = list(csv.DictReader(io.StringIO(Path("o.csv").read_text())))
    assert rows
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    capsys.readouterr()
    assert [harmless(cell) for cell in ("-3", "+0.5", -3, "a=b", "\tx")] == ["-3", "+0.5", -3, "a=b", "'\tx"]


def test_what_marquee_wrote_reads_back(place, capsys):
    """A list of its own as --seen: the apostrophe does not count."""
    assert main(["recommend", "bias", "--user", "3", "--out", "o.csv", "--min-ratings", "0"]) == 0
    capsys.readouterr()
    words = ("bias", "--user", "3", "--min-ratings", "0")
    assert recommend(capsys, *words, "--seen", "o.csv")[0] == []
