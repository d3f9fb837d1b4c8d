"""Sample the ground truth of a simulated dataset: its movies, its users, and what these would choose."""

from __future__ import annotations

import numpy as np

from marquee.config import SimulatorOptions
from marquee.simulator.ground_truth import GroundTruth

# Of each genre: its sampling weight, how much (ln) its movies are better known, by how many stars they are
# better, and where they lie between calm and thrilling, real and fantastic, cold and warm, light and grave.
# The first three are set so that ML-100K's genres come out: fractions of movies and of ratings, mean ratings.
GENRES = {
    "unknown": (0.2, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0)),
    "Action": (8.5, 2.1, -0.1, (1.0, 0.3, -0.5, -0.3)),
    "Adventure": (5.1, 1.8, 0.1, (0.7, 0.7, 0.2, -0.3)),
    "Animation": (1.2, 1.4, 0.2, (-0.2, 0.9, 0.7, -0.3)),
    "Children's": (3.7, 1.4, -0.6, (-0.4, 0.8, 0.9, -0.6)),
    "Comedy": (20.4, 1.7, -0.5, (-0.5, -0.2, 0.5, -0.6)),
    "Crime": (2.8, 0.8, 0.1, (0.7, -0.6, -0.6, 0.4)),
    "Documentary": (0.8, -1.3, -0.4, (-0.7, -0.7, 0.0, 0.9)),
    "Drama": (31.4, 0.2, 0.3, (-0.3, -0.6, 0.2, 0.7)),
    "Fantasy": (0.6, 1.8, -0.8, (0.1, 1.1, 0.4, -0.3)),
    "Film-Noir": (0.5, 0.1, 0.8, (0.4, -0.5, -0.6, 0.9)),
    "Horror": (2.5, 1.1, -1.1, (0.8, 0.5, -0.9, -0.4)),
    "Musical": (1.4, 1.6, 0.0, (-0.7, 0.4, 0.8, 0.1)),
    "Mystery": (1.8, 1.1, 0.3, (0.5, -0.1, -0.4, 0.6)),
    "Romance": (5.2, 1.4, 0.2, (-0.6, -0.4, 0.9, 0.3)),
    "Sci-Fi": (3.2, 2.2, 0.2, (0.7, 0.9, -0.6, 0.0)),
    "Thriller": (8.0, 1.7, -0.1, (0.9, -0.4, -0.6, 0.1)),
    "War": (1.9, 1.8, 0.8, (0.5, -0.5, -0.2, 0.7)),
    "Western": (0.8, 0.8, 0.2, (0.4, -0.3, 0.0, 0.5)),
}
WEIGHT, LIFT, QUALITY = np.array([row[:3] for row in GENRES.values()]).T  # (n_genres) each
TASTES = np.array([row[3] for row in GENRES.values()])  # (n_genres, n_factors)
SECOND, THIRD = 0.5, 0.17  # fractions of the movies that have so many genres
KINSHIP = 1.5  # how far a movie's genres resemble each other
OWN = 0.4  # how far a movie's tastes deviate from its genres'
MOVIE_BIAS, USER_BIAS = 0.62, 0.43  # standard deviations in stars
GOOD, CHANCE = 3.5, 1.5  # how far its bias, and chance, decide how well a movie is known
CHOOSY, TELLING = 1.5, 5.0  # how far taste decides on a mood, and the mood on a movie, at focus 1
TOP_ODDS = 2.5  # of knowing the best-known movie: 60 % then rate it; in MovieLens 50 to 62 % do
RAREST = 1.5  # ratings that even the least known movie can expect


def draw_ground_truth(options: SimulatorOptions, rng: np.random.Generator) -> tuple[GroundTruth, np.ndarray]:
    """Return the truth, its `cuts` not known yet, and the movies' genres, bool [n_movies, len(GENRES)]."""
    genres = _genres(options.movies, rng)
    fraction = genres / genres.sum(1, keepdims=True)  # (n_movies, n_genres)
    factors = fraction @ TASTES + rng.normal(0, OWN, (options.movies, TASTES.shape[1]))
    factors /= np.sqrt((factors**2).sum(1).mean())  # (n_movies, n_factors)
    movie_bias = fraction @ QUALITY + rng.normal(0, MOVIE_BIAS, options.movies)
    users = rng.standard_normal((options.users, TASTES.shape[1]))
    fame = genres @ LIFT + GOOD * movie_bias + rng.normal(0, CHANCE, options.movies)
    odds = np.empty(options.movies)
    odds[np.argsort(-fame, kind="stable")] = _odds(options)
    moods = user_moods(users, options.focus)
    appeal = np.exp(TELLING * options.focus * TASTES[1:] @ factors.T)  # (n_moods, n_movies)
    truth = {
        "user_factors": users,
        "movie_factors": options.taste * factors,
        "user_bias": rng.normal(0, USER_BIAS, options.users),
        "movie_bias": movie_bias,
        "noise": np.array([options.noise]),
        "cuts": np.empty(0),
        "stars": np.arange(0.5, 5.5, 0.5) if options.half_stars else np.arange(1, 6),
        "user_moods": moods,
        "mood_movies": _balanced(appeal, moods.mean(0), odds / odds.sum()),
    }
    return GroundTruth(**{name: array.astype(np.float32) for name, array in truth.items()}), genres


def user_moods(users: np.ndarray, focus: float) -> np.ndarray:
    """Return how often `users` [n_users, n_factors] are in each mood, [n_users, n_moods].

    There is a mood for each genre but `unknown`.
    """
    moods = np.exp(CHOOSY * focus * users @ TASTES[1:].T + np.log(WEIGHT[1:]))
    moods /= moods.sum(1, keepdims=True)
    return moods


def _genres(n_movies: int, rng: np.random.Generator) -> np.ndarray:
    """Sample one to three genres for each movie, bool [n_movies, n_genres]; later ones resemble the first."""
    genres = np.zeros((n_movies, len(GENRES)), bool)
    extent = rng.random(n_movies)
    for fraction in (1.0, SECOND, THIRD):
        liking = np.log(WEIGHT) + KINSHIP * (genres @ TASTES) @ TASTES.T + rng.gumbel(size=genres.shape)
        liking[genres] = -np.inf
        liking[genres.any(1), 0] = -np.inf  # `unknown` is a movie's only genre, never its second
        more = (extent < fraction) & ~genres[:, 0]
        genres[more, liking[more].argmax(1)] = True
    return genres


def _odds(options: SimulatorOptions) -> np.ndarray:
    """Return float64 [n_movies], descending from the best known: a user's odds of rating the movie.

    A Weibull tail, odds = TOP_ODDS (ln x / ln x₀)^power at the fraction x of movies that are better known, x₀
    for the first; the power is the one that gives the wanted number of ratings.
    """
    depth = -np.log((np.arange(options.movies) + 0.5) / options.movies)
    wanted = options.ratings / (options.users * options.movies)
    low, high = 0.0, 10.0
    for _ in range(50):
        power = (low + high) / 2
        odds = np.maximum(TOP_ODDS * (depth / depth[0]) ** power, RAREST / options.users)
        low, high = (power, high) if (odds / (1 + odds)).mean() > wanted else (low, power)
    return odds


def _balanced(appeal: np.ndarray, mood: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """Scale `appeal` [n_moods, n_movies] until rows sum to 1 and mood @ rows is about `popularity`.

    Iterative proportional fitting (Deming and Stephan 1940).
    """
    chosen = appeal * popularity
    for _ in range(20):
        chosen *= popularity / (mood @ chosen)
        chosen /= chosen.sum(1, keepdims=True)
    return chosen
