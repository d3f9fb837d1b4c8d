"""The real releases, read here and by other means."""

import csv
import zipfile

import numpy as np
import pytest

from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Scale

pytestmark = pytest.mark.real
STARS = Scale(1, 5, 1)


@pytest.fixture(scope="session")
def extracted(movielens, tmp_path_factory):
    """The real releases, unpacked."""
    folder = tmp_path_factory.mktemp("real")
    for name in ("ml-100k", "ml-1m"):
        with zipfile.ZipFile(movielens / f"{name}.zip") as archive:
            archive.extractall(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "file", "separator", "shape", "mean"),
    [
        ("ml-100k", "u.data", "\t", (943, 1682, 100_000), 3.52986),
        ("ml-1m", "ratings.dat", "::", (6040, 3706, 1_000_209), 3.581564),
    ],
)
def test_a_real_release_is_what_pandas_reads(extracted, name, file, separator, shape, mean):
    import pandas as pd

    data = read_release(extracted / name, name, STARS, CustomColumns())
    card = data.card
    assert (card["users"], card["items"], card["ratings"]) == shape
    assert card["mean_rating"] == pytest.approx(mean, abs=5e-7)
    assert sum(card["dropped"].values()) == 0
    columns = ["user", "movie", "rating", "timestamp"]
    plain = pd.read_csv(extracted / name / file, sep=separator, names=columns, engine="python")
    found = data.ratings.to_pandas()
    assert found[["user", "timestamp"]].equals(
        found[["user", "timestamp"]].sort_values(["user", "timestamp"])
    )
    found["user"] = data.users["user_id"].to_numpy()[found["user"]]
    found["movie"] = data.movies["movie_id"].to_numpy()[found["item"]]
    order = ["user", "timestamp", "movie"]  # equal times have a keyed order, not the file's
    rows = [table.sort_values(order)[columns].to_numpy(float) for table in (found, plain)]
    np.testing.assert_array_equal(*rows)


def test_real_titles_lose_nothing_but_year_and_article_order(extracted):
    data = read_release(extracted / "ml-1m", "ml-1m", STARS, CustomColumns())
    with (extracted / "ml-1m/movies.dat").open(encoding="latin-1", newline="") as file:
        reader = csv.reader(
            (line.replace("::", "\t") for line in file), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        filed = {int(movie): title for movie, title, _ in reader}
    letters = lambda text: sorted(text.replace(",", "").replace(" ", ""))  # noqa: E731
    for movie in data.movies.to_pylist():
        assert letters(f"{movie['title']}({movie['year']})") == letters(filed[movie["movie_id"]])
    assert data.movies["year"].null_count == 0
    assert sum(title.endswith((", The", ", A")) for title in data.movies["title"].to_pylist()) == 0
