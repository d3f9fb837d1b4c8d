"""All pictures of one model, as far as it has something to show, and in words what is seen in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.data.ratings import Catalogue
from marquee.evaluation.residuals import Residuals, Rows
from marquee.figures.embedding_map import embedding_map
from marquee.figures.learned_parameters import genre_similarity, item_biases
from marquee.figures.rating_errors import errors
from marquee.recommenders.base import Recommender

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAPPED = 400  # movies, the most rated
NEAREST = 10  # neighbours that a caption counts


def model_figures(
    model: Recommender,
    residuals: Residuals | None,
    counts: np.ndarray,
    catalogue: Catalogue,
    movies: Mapping[str, Sequence[Any]],
) -> dict[str, tuple[Figure, str]]:
    """`errors`, `map`, `biases` and `genres`, those of them that `model` has, with their captions.

    residuals  None for a model that predicts no ratings
    counts     int [n_items]: training ratings
    movies     `title`, `year` and `genres` of each item
    """
    titles = [title or f"#{item}" for item, title in enumerate(movies["title"])]
    years, genres = movies["year"], movies["genres"]
    found: dict[str, tuple[Figure, str]] = {}
    if residuals is not None:
        found["errors"] = errors(residuals), describe_errors(residuals)
    shown = np.sort(np.argsort(-counts, kind="stable")[:MAPPED])
    vectors = model.unit_embeddings(shown)
    if vectors.any():
        title, year, genre = ([of_all[item] for item in shown] for of_all in (titles, years, genres))
        drawn = embedding_map(vectors, title, year, genre, counts[shown], MAPPED, genres)
        found["map"] = drawn, describe_map(vectors, counts[shown], catalogue.genres[shown])
    biases = model.item_biases()
    if biases is not None:
        drawn = item_biases(biases, titles, years, counts)
        found["biases"] = drawn, describe_biases(biases, titles, counts)
    factors = model.genre_embeddings()
    if factors is not None and len(factors) > 1:
        drawn = genre_similarity(factors, catalogue.genre_names)
        found["genres"] = drawn, describe_genres(factors, catalogue.genre_names)
    return found


def gallery(name: str, captions: Mapping[str, str]) -> str:
    """The pictures of a model's folder and what they show, as Markdown."""
    if not captions:
        return f"# {name}\n\nThis model has no pictures: it predicts no ratings and knows no taste.\n"
    return "\n".join(
        [f"# {name}\n", *(f"![{kind}]({kind}.png)\n\n{words}\n" for kind, words in captions.items())]
    )


def describe_errors(residuals: Residuals) -> str:
    within = float(np.mean(np.abs(residuals.error) <= 1))
    mean = f"{residuals.error.mean(dtype=np.float64):+.3f}".replace("-", "−")
    (low, low_true, *_), (high, high_true, *_) = residuals.calibration[0], residuals.calibration[-1]
    return (
        f"{within:.0%} of the test ratings are predicted to within a star; the mean error is {mean}. In the "
        f"lowest tenth of the predictions it says {low:.2f} and people gave {low_true:.2f}, in the highest "
        f"{high:.2f} and they gave {high_true:.2f}. {_by_known(residuals.by_user, 'people')} "
        f"{_by_known(residuals.by_movie, 'movies')} Upright lines are 95% intervals over users."
    )


def _by_known(rows: Rows, whom: str) -> str:
    """RMSE where least and where most is known, and, apart, where nothing is."""
    known, words = [row for row in rows if row[1]], ""
    if known:
        ends = [f"{row[3]:.3f} for {whom} with {row[0]:,} to {row[1]:,} training ratings" for row in known]
        words = f"RMSE is {' and '.join(dict.fromkeys([ends[0], ends[-1]]))}."
    if len(known) < len(rows):
        words += f" For {whom} without any it is {rows[0][3]:.3f} ({rows[0][-1]:,} test ratings)."
    return words.strip()


def describe_map(vectors: np.ndarray, counts: np.ndarray, genres: np.ndarray) -> str:
    """genres bool [n_items, n_genres]."""
    shown = np.argsort(-counts, kind="stable")[:MAPPED]
    words = (
        f"The {len(shown)} most rated movies, near each other where the model finds them alike: left, the "
        "plane in which they differ most (PCA); right, who is whose neighbour (t-SNE), where the distance "
        "between groups means little. A colour and sign for each movie's rarest genre."
    )
    near, of_all = kinship(vectors[shown], genres[shown])
    if np.isnan(near):
        return words
    return f"{words} Of a movie's {NEAREST} nearest, {near:.0%} share a genre with it, of all {of_all:.0%}."


def kinship(vectors: np.ndarray, genres: np.ndarray) -> tuple[float, float]:
    """The share of each movie's NEAREST that have a genre in common with it, and that of all.

    vectors [n, d] of length 1, genres bool [n, n_genres]. NaN where there are no more movies than that.
    """
    n = len(vectors)
    if n <= NEAREST + 1 or not genres.any():
        return np.nan, np.nan
    related = genres.astype(np.float32) @ genres.T.astype(np.float32) > 0  # (n, n)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    np.fill_diagonal(related, False)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return float(np.take_along_axis(related, nearest, 1).mean()), float(related.sum() / (n * (n - 1)))


def describe_biases(biases: np.ndarray, titles: Sequence[str], counts: np.ndarray) -> str:
    high, low = int(biases.argmax()), int(biases.argmin())
    ends = " and ".join(
        f"{_stars(biases[item])} for {titles[item]} ({counts[item]:,} ratings)" for item in (high, low)
    )
    return (
        "What a movie's prediction has for everyone, whatever their taste: the most above what its raters "
        f"usually give, blue, and the most below, orange. The ends are {ends}."
    )


def describe_genres(factors: np.ndarray, names: Sequence[str]) -> str:
    length = np.linalg.norm(factors, axis=1, keepdims=True)
    unit = factors / np.where(length > 0, length, 1)
    one, other = np.triu_indices(len(names), 1)
    cosines = np.einsum("nk,nk->n", unit[one], unit[other])
    most, least = (f"{names[one[at]]} and {names[other[at]]}" for at in (cosines.argmax(), cosines.argmin()))
    return (
        "How alike the tastes are that each genre stands for: the cosine of their factors, blue where who "
        f"likes one likes the other, orange where they do not. Most alike: {most} ({_stars(cosines.max())}); "
        f"furthest apart: {least} ({_stars(cosines.min())})."
    )


def _stars(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
