"""Small ratings of two groups of users, as DataFrames and in the layout of ML-100K."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N_USERS, N_ITEMS = 40, 30
TITLES = ["Alien (1979)", "Heat (1995)", *(f"Film {n} ({1960 + n})" for n in range(2, N_ITEMS))]


def ratings_frame(n: int = 700) -> pd.DataFrame:
    """Two groups of users: even ones like even movies. Users count from 11, movies from 101."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(N_USERS * N_ITEMS)[:n]
    user, movie = pairs // N_ITEMS, pairs % N_ITEMS
    liked = (user + movie) % 2 == 0
    rating = np.where(liked, 4 + rng.integers(0, 2, n), 1 + rng.integers(0, 3, n))
    columns = {"userId": user + 11, "movieId": movie + 101, "rating": rating}
    return pd.DataFrame({**columns, "timestamp": 880_000_000 + pairs})


def movies_frame() -> pd.DataFrame:
    genres = ["Horror|Sci-Fi" if n % 2 else "Crime" for n in range(N_ITEMS)]
    return pd.DataFrame({"movieId": np.arange(N_ITEMS) + 101, "title": TITLES, "genres": genres})


def write_ml_100k(folder: Path) -> None:
    """Write the frames in the layout of ML-100K."""
    folder.mkdir(parents=True)
    ratings_frame().to_csv(folder / "u.data", sep="\t", header=False, index=False)
    items = [f"{101 + n}|{title}|01-Jan-1990||{'|0' * 19}" for n, title in enumerate(TITLES)]
    (folder / "u.item").write_text("\n".join(items) + "\n", "latin-1")
    people = [f"{11 + user}|30|F|artist|00000" for user in range(N_USERS)]
    (folder / "u.user").write_text("\n".join(people) + "\n")


def changed(**columns) -> pd.DataFrame:
    return ratings_frame().assign(**columns)


IDS = ratings_frame()["userId"]
