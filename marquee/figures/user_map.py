"""Draw a map of the users as a model sees them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from marquee.evaluation.learned import TOLD, Rows
from marquee.figures.embedding_map import main_genres, principal_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def user_map(users: Rows, vectors: np.ndarray) -> tuple[Figure, str]:
    """Draw `users` (see `Learned`) with unit embeddings `vectors` [n, d] by PCA, and a caption."""
    labels, liked = [f"user {name}" for name in users["user_id"]], users["genres"]
    names = [
        ", ".join([label, *_told(users, row), f"{users['ratings'][row]:,} ratings"])
        for row, label in enumerate(labels)
    ]
    words = (
        f"The {len(labels)} users with the most training ratings in the plane of largest variance, by the "
        "scores that the model gives them; similar tastes are close."
    )
    if any(liked):
        words += " Color and marker show the genre that a user rates most beyond the usual."
    frequency = Counter(genre for genres in liked for genre in genres)
    return principal_map(vectors.astype(float), names, labels, main_genres(liked, frequency)), words


def _told(users: Rows, user: int) -> list[str]:
    found = [users[column][user] for column in TOLD[1:] if column in users]
    return [str(value) for value in found if value is not None]
