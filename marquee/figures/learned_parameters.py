"""Draw what a model learned of genres, and its bias for each movie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from marquee.figures.projections import cosine_matrix, order_by_similarity
from marquee.figures.style import BLACK, BLUE, INK, ORANGE, QUIET, WHITE, WIDTH, canvas, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = 0.23  # inches: of a pair of genres
WHITE_ON = 0.93  # cosines whose blue is so dark that white is easier to read on it than black


@house_style
def genre_similarity(factors: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw the cosine of each pair of genre `factors` [n_genres, d], similar genres side by side.

    Of the two equal halves one is drawn; the names of the columns take the place of the other.
    """
    from matplotlib.colors import LinearSegmentedColormap

    cosines = cosine_matrix(factors)  # (n_genres, n_genres)
    order = order_by_similarity(cosines)
    n = len(order)
    figure = canvas(0.7 + CELL * max(n, 1), width=max(WIDTH, 1.7 + CELL * n))
    axes = figure.add_subplot()
    below = np.tril(np.ones((n, n), bool), -1)
    values = np.where(below, cosines[np.ix_(order, order)], np.nan)
    colors = LinearSegmentedColormap.from_list("marquee", [ORANGE, WHITE, BLUE], N=257)
    axes.pcolormesh(values, cmap=colors, vmin=-1, vmax=1, edgecolors=WHITE, linewidth=0.6)
    for row, column in zip(*np.nonzero(below), strict=True):
        value = round(values[row, column], 1) + 0.0  # no minus before a 0
        words = f"{value:.1f}".replace("-", "−").replace("0.", ".") if value else "0"
        ink = WHITE if values[row, column] > WHITE_ON else BLACK
        axes.text(column + 0.5, row + 0.5, words, ha="center", va="center_baseline", color=ink)
    for column, genre in enumerate(order[:-1]):
        axes.text(column + 0.2, column + 0.5, names[genre], va="center_baseline", color=QUIET)
    axes.set_yticks(np.arange(n) + 0.5, [names[genre] for genre in order], color=INK)
    axes.set(xticks=[], ylim=(max(n, 1), 0), xlim=(0, n + 2))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Cosine of the genres' factors")
    return figure


@house_style
def item_biases(
    biases: np.ndarray, names: Sequence[str], counts: np.ndarray, most: int = 12, unit: str = ""
) -> Figure:
    """Draw the `most` movies with the largest bias above 0 and as many below, with their training ratings.

    biases  float [n_items]: how far a movie is above what its raters usually give
    counts  int [n_items]: training ratings
    """
    from matplotlib.ticker import MaxNLocator

    order = np.argsort(-biases, kind="stable")
    high = [item for item in order[:most] if biases[item] > 0]
    low = [item for item in order[-most:] if biases[item] < 0]
    items = [*high, *low]
    shown = [names[item] for item in items]
    places = [*range(len(high)), *(len(high) + 0.6 + np.arange(len(low)))]  # a gap where the sign turns
    figure = canvas(0.9 + 0.19 * max(len(items), 1))
    axes = figure.add_subplot()
    colors = [BLUE] * len(high) + [ORANGE] * len(low)
    axes.barh(places, biases[items], 0.7, color=colors)
    for place, item in zip(places, items, strict=True):  # right of the bar, where no name stands
        end = max(biases[item], 0), place
        axes.annotate(f"{counts[item]:,}", end, (3, 0), textcoords="offset points", va="center")
    axes.axvline(0, color=QUIET, linewidth=0.6)
    axes.set_yticks(places, shown, color=INK)
    axes.set_ylim(max(places, default=0) + 0.7, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.15)
    axes.set_xlabel(f"Bias of the movie{unit}; at the bar its training ratings", ha="right", x=1)
    return figure
