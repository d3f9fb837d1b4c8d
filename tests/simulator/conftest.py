"""The default simulated data set, made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from marquee.data.ratings import Ratings
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Scale
from marquee.rng import named_rng
from marquee.simulator.ground_truth import GroundTruth
from marquee.simulator.options import GENRES
from marquee.simulator.simulate import SimulatorOptions, simulate


@dataclass
class Simulated:
    folder: Path
    truth: GroundTruth
    ratings: Ratings  # by user and time, as the pipeline reads them
    genres: np.ndarray  # bool [n_movies, 19]
    titles: list[str]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Simulated:
    """The default simulated dataset."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(SimulatorOptions(), folder, named_rng(2024, "simulate"))
    dataset = read_release(folder, "ml-100k", Scale(1, 5, 1), CustomColumns())
    assert not any(dataset.card["dropped"].values())
    assert dataset.movies["movie_id"].to_pylist() == list(range(1, 1683))
    lists = dataset.movies["genres"].to_pylist()
    genres = np.array([[genre in row for genre in GENRES] for row in lists])
    lines = (folder / "u.item").read_text("latin-1").splitlines()
    titles = [line.split("|")[1] for line in lines]
    truth = GroundTruth.load(folder / "truth.safetensors")
    return Simulated(folder, truth, Ratings.from_table(dataset.ratings), genres, titles)
