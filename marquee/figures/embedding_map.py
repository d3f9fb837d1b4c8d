"""Draw maps of the movies as a model sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.labels import label_points
from marquee.figures.projections import distinct, principal, t_sne
from marquee.figures.style import BLUE, INK, ORANGE, QUIET, canvas, house_style, name_axes, settle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAIR = 7.0  # inches: the width of two panels
NAMED = 12  # movies in each panel
FEWEST = 10  # distinct movies for t-SNE
REST, GRAY = "other or none", "#b8b8b8"
# Okabe and Ito's eight colors, the most distinct first, each with its own marker
COLORS = (BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", ORANGE, "#000000", "#f0e442")
MARKERS = "os^DvXPp"


@house_style
def embedding_map(vectors: np.ndarray, names: Sequence[str], groups: Mapping[str, np.ndarray]) -> Figure:
    """Draw movies by PCA and by t-SNE, colored by genre.

    vectors  float [n, d]: a model's `unit_embeddings`, the most rated movie first
    names    of the movies; the first of them that find room are written
    groups   genre -> the rows of its movies, see `main_genres`
    """
    points = vectors.astype(float)
    flat, shares = principal(points)
    figure = canvas(4.3, width=PAIR)
    left, right = figure.subplots(1, 2)
    name_axes(left, *(f"PC {n} ({share:.0%} of variance)" for n, share in enumerate(shares, start=1)))
    name_axes(right, "t-SNE 1", "t-SNE 2")
    maps = [(left, flat)]
    if points.shape[1] > 2 and distinct(points) >= FEWEST:
        maps.append((right, t_sne(points)))
    else:
        why = f"no t-SNE: it needs 3 factors\nand {FEWEST} distinct movies"
        right.set_axis_off()
        right.text(0.5, 0.5, why, transform=right.transAxes, ha="center", va="center", color=QUIET)
    for axes, xy in maps:
        _scatter(axes, xy, groups)
        axes.set(xticks=[], yticks=[])
        axes.margins(0.08)
    if groups:
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    settle(figure)
    for axes, xy in maps:
        label_points(axes, xy, enumerate(names[: 3 * NAMED]), NAMED, 6.5)
    return figure


def main_genres(shown: Sequence[Sequence[str]], catalogue: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Return genre -> the rows of `shown` that it is the main genre of, REST last.

    A movie's main genre is its rarest one in the catalogue: MovieLens orders genres alphabetically, and
    Drama and Comedy go with everything. The most frequent main genres get a color; a movie whose rarest
    genre has none goes to its rarest genre that has.
    """
    movies = Counter(genre for names in catalogue for genre in names)

    def rarest(names: Sequence[str]) -> str | None:
        return min(names, key=lambda name: (movies[name], name), default=None)

    first = Counter(filter(None, map(rarest, shown)))
    colored = {name for name, _ in sorted(first.items(), key=lambda one: (-one[1], one[0]))[: len(MARKERS)]}
    main = [rarest([name for name in names if name in colored]) for names in shown]
    found = {
        name: np.flatnonzero([other == name for other in main])
        for name in sorted(colored, key=lambda name: (-main.count(name), name))
    }
    rest = np.flatnonzero([name is None for name in main])
    return {**found, REST: rest} if len(rest) else found


def _scatter(axes: Axes, xy: np.ndarray, groups: Mapping[str, np.ndarray]) -> None:
    """Draw the `groups` (rows of `xy`), each with its color and marker, REST below the others."""
    looks = iter(zip(COLORS, MARKERS, strict=True))
    for name, rows in groups.items():
        color, marker = (GRAY, ".") if name == REST else next(looks)
        look: dict[str, Any] = {"color": color, "marker": marker, "zorder": 1 if name == REST else 2}
        axes.scatter(xy[rows, 0], xy[rows, 1], 13, linewidths=0.25, edgecolors=INK, label=name, **look)
