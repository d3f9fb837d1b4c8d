"""A made-up content of the page, with two tasks, an oracle and every kind of figure."""

from __future__ import annotations

from functools import cache

from matplotlib.figure import Figure

from marquee.figures.svg import svg
from marquee.report import PageFigure, ReportContent


def sample_content(models: int = 0, prefix: str = "a_rather_long_model_name") -> ReportContent:
    """A run of popularity, ease, mf_bce and bias with an oracle, and `models` more that rank."""
    ranking = {"ease": 0.4012, "mf_bce": 0.3961, "popularity": 0.2531, "oracle": 0.5125}
    ranking |= {f"{prefix}_{n:02d}": 0.35 - 0.01 * n for n in range(models)}
    rows = [row for model, value in ranking.items() for row in list_rows("ranking", model, value, 0.4012)]
    rows += [
        *list_rows("rating", "bias", 0.0481, 0.0481),
        compared("rating", "bias", "rmse", 0.9412, 0.9412),
        compared("rating", "oracle", "rmse", 0.8976, 0.9412),
        *(compared("rating", "bias", name, 0.9, 0.9) for name in ("mae", "mse", "rmse_warm", "rmse_cold")),
    ]
    learners = [model for model in ranking if model != "oracle"]
    return ReportContent(
        title="Marquee",
        about={"data": {"name": "synthetic-100k", "fingerprint": "3f2a9c1d00000000"}, "results": "ce0136250"},
        card={
            "name": "synthetic-100k",
            "licence": "none: simulated, free to use",
            "users": 943,
            "items": 1682,
            "ratings": 100_000,
            "density": 0.063047,
            "feedback": "explicit",
            "mean_rating": 3.5299,
            "histogram": {"rating": [1.0, 2.0, 3.0, 4.0, 5.0], "count": [6110, 11370, 27145, 34174, 21201]},
            "scale": {"low": 1.0, "high": 5.0, "step": 1.0},
            "first_timestamp": 874_724_710,
            "last_timestamp": 893_286_638,
            "genres": {
                "Drama": 725,
                "Comedy": 505,
                "Action": 251,
                "Thriller": 251,
                "Romance": 247,
                "Sci-Fi": 101,
            },
            "unrated_movies": 0,
            "ratings_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "dropped": {"malformed": 3, "off_scale": 0, "duplicates": 17, "unlisted_movies": 0},
        },
        rows=rows,
        groups=[
            {"group": "activity", "level": level, "users": 471 + n}
            | compared("ranking", model, "ndcg@10", value + shift, 0.4012 + shift)
            for n, (level, shift) in enumerate((("1 to 40", 0.03), ("41 to 300", -0.03)))
            for model, value in ranking.items()
        ],
        headline={"ranking": "ndcg@10", "rating": "rmse"},
        confidence=0.95,
        resamples=1000,
        dataset={
            "ratings": piece("dataset-ratings", "Most often 4, with 34% of all ratings."),
            "long_tail": piece("dataset-tail", "The most rated 10% have 59% of all ratings."),
            "over_time": piece("dataset-time", "The busiest week has 4,431 ratings."),
        },
        leaderboard={
            "ranking": piece("leaderboard-ranking", "NDCG@10 of the ranking models."),
            "rating": piece("leaderboard-rating", "RMSE of the rating models."),
            "ranking_popularity": piece("leaderboard-popularity", "A random list is at 0.5."),
            "long_tail": piece("leaderboard-tail", "The most rated tenth has 53% of the ratings."),
        },
        models={
            "ease": {"movies_pca": piece("ease-map", "Of the nearest 91% share a genre.")},
            "mf_bce": {"learning_curve": piece("mf_bce-curve", "17 epochs, the best is 12.")},
            "bias": {
                "errors": piece("bias-errors", "The error of 74% is at most 1."),
                "learning_curve": piece("bias-curve", "4 epochs, the best is 1."),
            },
            "popularity": {},
        },
        samples={"ease": [sample(user) for user in (1, 7, 42, 99)]},
        params={
            "seed": 2024,
            "dataset": {"name": "synthetic-100k", "source": "official"},
            "tasks": {
                "rating": {"split": "random_per_user", "validation": 0.1, "test": 0.1},
                "ranking": {"positive_threshold": 4.0, "split": "leave_last_out", "train_file": None},
            },
            "negatives": {"per_positive": 4, "sampling": "uniform", "alpha": 0.75},
            "evaluate": {"mask": "positives", "ks": [5, 10, 20]},
            "models": {
                "ease": {"task": "ranking", "algorithm": "ease", "regularization": 300.0},
                "mf_bce": {"task": "ranking", "dim": 32, "learning_rate": 1e-05, "resample": True},
                **{model: {"task": "ranking", "dim": 8} for model in learners[3:]},
            },
        },
        versions={"python": "3.11.2", "numpy": "2.4.6", "torch": "2.13.0", "dvc": "3.67.1"},
    )


def compared(task, model, metric, value, best):
    """A row as `leaderboard.compare` makes it."""
    tested = model != "oracle" and value != best
    gap = round(value - best, 4)
    return {
        "task": task,
        "model": model,
        "metric": metric,
        "value": value,
        "low": value - 0.0121,
        "high": value + 0.0132,
        "best": int(value == best),
        "difference": gap if tested else None,
        "difference_low": gap - 0.0071 if tested else None,
        "difference_high": gap + 0.0068 if tested else None,
        "p_holm": (0.2134 if gap > -0.02 else 0.0004) if tested else None,
    }


def list_rows(task, model, ndcg, best):
    """NDCG@10 first; coverage has no interval."""
    rows = [compared(task, model, "ndcg@10", ndcg, best)]
    for k in (5, 10, 20):
        for place, name in enumerate(("hit", "precision", "recall", "ndcg", "map", "mrr", "sampled_hit")):
            shift = 0.01 * (k - 10) / 5 + 0.001 * (place - 3)
            if shift:
                rows.append(compared(task, model, f"{name}@{k}", ndcg + shift, best + shift))
        rows.append(compared(task, model, f"novelty@{k}", 0.7, 0.7))
        rows.append({**compared(task, model, f"coverage@{k}", 0.6, 0.6), "low": None, "high": None})
    return rows


def sample(user):
    """What a model recommends to a user, as the stage `evaluate` writes it."""
    history = [{"title": f"Seen {n} by {user} (1990)", "rating": 4.5} for n in range(7)]
    return {"user": user, "history": history, "recommended": [f"New {n} to {user} (1999)" for n in range(12)]}


def piece(name, caption):
    """Make what a figure's owner leaves for the page."""
    return PageFigure(drawing(), caption, f"Alternative text of {name}")


@cache
def drawing():
    figure = Figure()
    figure.add_subplot().plot([0, 1], "o")
    return svg(figure)
