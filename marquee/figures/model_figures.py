"""Draw all figures of one model, as far as it has something to show, with captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marquee.evaluation.learned import EXTREMES, Learned, Rows
from marquee.figures.captioned import Captioned
from marquee.figures.embedding_map import embedding_maps, main_genres
from marquee.figures.labels import shortened
from marquee.figures.learned_parameters import genre_similarity, item_biases
from marquee.figures.learning_curve import Curve, describe_curve, learning_curve
from marquee.figures.projections import cosine_matrix
from marquee.figures.rating_errors import error_figures
from marquee.figures.style import scale_unit, signed
from marquee.figures.user_map import user_map
from marquee.terminal import printable

NEAREST = 10  # neighbors that a caption counts
TITLES = {
    "learning_curve": "Learning curve",
    "errors": "Histogram of the errors of predicted ratings",
    "calibration": "Mean true rating by predicted rating",
    "errors_by_user": "RMSE by the number of a user's training ratings",
    "errors_by_movie": "RMSE by the number of a movie's training ratings",
    "movies_pca": "Map of the movies by PCA",
    "movies_tsne": "Map of the movies by t-SNE",
    "users_pca": "Map of the users by PCA",
    "biases": "Movies with the largest biases",
    "genres": "Cosines of the genres",
}


def model_figures(
    task: str, curve: Curve, residuals: Mapping[str, Any] | None, learned: Learned
) -> dict[str, Captioned]:
    """Draw those of TITLES that a model has.

    curve      a row for each epoch; a single row is a closed form and has no figure
    residuals  `marquee.evaluation.residuals.tables` of a model that predicts ratings
    """
    unit = scale_unit(*residuals["scale"]) if residuals else ""
    drawn: dict[str, tuple[Any, str]] = {}
    if len(curve) > 1:
        drawn["learning_curve"] = learning_curve(curve, task, unit), describe_curve(curve, task)
    if residuals:
        words = describe_errors(residuals)
        drawn |= {kind: (figure, words[kind]) for kind, figure in error_figures(residuals).items()}
    movies, vectors = learned.movies, learned.movie_embeddings
    if vectors.any():
        groups = main_genres(movies["genres"], learned.genre_counts)
        words = describe_maps(vectors, has_genre(movies["genres"]))
        for kind, figure in embedding_maps(vectors, _names(movies, 120), _names(movies, 24), groups).items():
            drawn[f"movies_{kind}"] = figure, words[kind]
    if learned.user_embeddings.any():
        drawn["users_pca"] = user_map(learned.users, learned.user_embeddings)
    if learned.biases is not None:
        biases, counts = np.array(learned.biases["bias"]), np.array(learned.biases["ratings"])
        figure = item_biases(biases, _names(learned.biases, 24), counts, EXTREMES, unit)
        drawn["biases"] = figure, describe_biases(biases, _titles(learned.biases), counts)
    if len(learned.genre_embeddings) > 1:
        names, factors = list(learned.genre_embeddings), np.array(list(learned.genre_embeddings.values()))
        drawn["genres"] = genre_similarity(factors, names), describe_genres(factors, names)
    return {kind: Captioned(figure, words, TITLES[kind]) for kind, (figure, words) in drawn.items()}


def _titles(movies: Rows) -> list[str]:
    named = zip(movies["movie_id"], movies["title"], strict=True)
    return [printable(title or f"#{name}") for name, title in named]


def _names(movies: Rows, length: int) -> list[str]:
    named = zip(_titles(movies), movies["year"], strict=True)
    return [shortened(title, year, length) for title, year in named]


def has_genre(genres: Sequence[Sequence[str]]) -> np.ndarray:
    """Return bool [n, n_genres]: which of all the genres there are each row of `genres` has."""
    names = sorted({name for row in genres for name in row})
    return np.array([[name in row for name in names] for row in genres]).reshape(len(genres), -1)


def gallery(name: str, figures: Mapping[str, Captioned]) -> str:
    """Return the figures of a model's folder and their captions, as Markdown."""
    if not figures:
        return f"# {name}\n\nThis model has no figures: no epochs, predicted ratings or movie embeddings.\n"
    parts = (f"![{one.alt}]({kind}.png)\n\n{one.caption}\n" for kind, one in figures.items())
    return "\n".join([f"# {name}\n", *parts])


def describe_errors(found: Mapping[str, Any]) -> dict[str, str]:
    (low, low_true, *_), (high, high_true, *_) = found["calibration"][0], found["calibration"][-1]
    within = found["within"]
    lines = "Vertical lines are 95% intervals over users."
    return {
        "errors": f"The error of {within['fraction']:.0%} of the predictions is at most {within['limit']:g}; "
        f"the mean error is {signed(found['mean_error'], 3)}.",
        "calibration": f"The lowest tenth of the predictions has mean {low:.2f} and mean true rating "
        f"{low_true:.2f}; the highest has {high:.2f} and {high_true:.2f}. {lines}",
        "errors_by_user": f"{_by_known(found['by_user'], 'users')} {lines}",
        "errors_by_movie": f"{_by_known(found['by_movie'], 'movies')} {lines}",
    }


def _by_known(rows: Sequence[Sequence[float]], whom: str) -> str:
    """Compare RMSE with few and with many training ratings, and with none."""
    known, words = [row for row in rows if row[1]], ""
    if known:
        ends = [f"{row[3]:.3f} for {whom} with {row[0]:,} to {row[1]:,} training ratings" for row in known]
        words = f"RMSE is {' and '.join(dict.fromkeys([ends[0], ends[-1]]))}."
    if len(known) < len(rows):
        words += f" For {whom} without any it is {rows[0][3]:.3f} ({rows[0][-1]:,} test ratings)."
    return words.strip()


def describe_maps(vectors: np.ndarray, genres: np.ndarray) -> dict[str, str]:
    """Describe the maps of `vectors` [n, d] whose movies have `genres`, bool [n, n_genres]."""
    words = (
        f"The {len(vectors)} most rated movies in the plane of largest variance; similar ones are close. "
        "Color and marker show each movie's rarest genre."
    )
    near, of_all = kinship(vectors, genres)
    if not np.isnan(near):
        words += (
            f" A movie shares a genre with {near:.0%} of its {NEAREST} nearest neighbors, and with "
            f"{of_all:.0%} of all movies shown."
        )
    return {
        "pca": words,
        "tsne": "The same movies by neighborhood (t-SNE); distances between groups mean little.",
    }


def kinship(vectors: np.ndarray, genres: np.ndarray) -> tuple[float, float]:
    """Return the fraction of each movie's NEAREST neighbors that share a genre with it, and that of all.

    vectors [n, d], genres bool [n, n_genres]. NaN where there are not more movies than NEAREST.
    """
    n = len(vectors)
    if n <= NEAREST + 1 or not genres.any():
        return np.nan, np.nan
    related = genres.astype(np.float32) @ genres.T.astype(np.float32) > 0  # (n, n)
    cosines = cosine_matrix(vectors)
    np.fill_diagonal(cosines, -np.inf)
    np.fill_diagonal(related, False)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return float(np.take_along_axis(related, nearest, 1).mean()), float(related.sum() / (n * (n - 1)))


def describe_biases(biases: np.ndarray, titles: Sequence[str], counts: np.ndarray) -> str:
    high, low = int(biases.argmax()), int(biases.argmin())
    ends = " and ".join(
        f"{signed(biases[item])} for {titles[item]} ({counts[item]:,} ratings)" for item in (high, low)
    )
    return (
        "The part of a movie's prediction that is the same for every user. Blue: the largest above 0. "
        f"Orange: the largest below 0. The extremes are {ends}."
    )


def describe_genres(factors: np.ndarray, names: Sequence[str]) -> str:
    one, other = np.triu_indices(len(names), 1)
    cosines = cosine_matrix(factors)[one, other]
    most, least = (f"{names[one[at]]} and {names[other[at]]}" for at in (cosines.argmax(), cosines.argmin()))
    return (
        "Cosine of each pair of genre factors. Blue: users who like one tend to like the other; orange: they "
        f"tend not to. Most similar: {most} ({signed(cosines.max())}); least similar: {least} "
        f"({signed(cosines.min())})."
    )
