"""Draw maps of movies and of users as a model sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.labels import label_points
from marquee.figures.projections import distinct, principal, t_sne
from marquee.figures.style import BLUE, INK, LETTERS, ORANGE, canvas, house_style, name_axes, settle
from marquee.figures.svg import NAMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELED = 8  # dots of a map whose name is written; every dot says its name when pointed at
FEWEST = 10  # distinct points for t-SNE
REST, GRAY = "other or none", "#b8b8b8"
# Okabe and Ito's eight colors, the most distinct first, each with its own marker
COLORS = (BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", ORANGE, "#000000", "#f0e442")
MARKERS = "os^DvXPp"


def embedding_maps(
    vectors: np.ndarray, names: Sequence[str], labels: Sequence[str], groups: Mapping[str, np.ndarray]
) -> dict[str, Figure]:
    """Draw movies by PCA (`pca`) and, where there are enough different ones, by t-SNE (`tsne`).

    vectors  float [n, d]: a model's `unit_embeddings`, the most rated movie first
    names    of the movies, in full
    labels   the names in short; the first of them that find room are written
    groups   genre -> the rows of its movies, see `main_genres`
    """
    points = vectors.astype(float)
    maps = {"pca": principal_map(points, names, labels, groups)}
    if points.shape[1] > 2 and distinct(points) >= FEWEST:
        maps["tsne"] = dot_map(t_sne(points), ("t-SNE 1", "t-SNE 2"), names, labels, groups)
    return maps


def principal_map(
    points: np.ndarray, names: Sequence[str], labels: Sequence[str], groups: Mapping[str, np.ndarray]
) -> Figure:
    """Draw `points`, float64 [n, d], by their first two principal components."""
    flat, shares = principal(points)
    axes = [f"PC {n} ({share:.0%} of variance)" for n, share in enumerate(shares, start=1)]
    return dot_map(flat, axes, names, labels, groups)


@house_style
def dot_map(
    xy: np.ndarray,
    axes_names: Sequence[str],
    names: Sequence[str],
    labels: Sequence[str],
    groups: Mapping[str, np.ndarray],
) -> Figure:
    """Draw a dot at each of `xy`, float [n, 2], which says its name, in the color and shape of its group."""
    figure = canvas(5.2)
    axes = figure.add_subplot(xticks=[], yticks=[])
    name_axes(axes, *axes_names)
    _scatter(axes, xy, names, groups)
    axes.margins(0.08)
    if groups:
        handles, words = axes.get_legend_handles_labels()
        figure.legend(handles, words, loc="outside lower center", ncols=3, frameon=False)
    settle(figure)
    label_points(axes, xy, enumerate(labels[: 3 * LABELED]), LABELED, LETTERS)
    return figure


def main_genres(shown: Sequence[Sequence[str]], frequency: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return genre -> the rows of `shown` that it is the main genre of, REST last.

    frequency  genre -> movies of the catalogue that have it

    A movie's main genre is its rarest one in the catalogue: MovieLens orders genres alphabetically, and
    Drama and Comedy go with everything. The most frequent main genres get a color; a movie whose rarest
    genre has none goes to its rarest genre that has.
    """

    def rarest(names: Sequence[str]) -> str | None:
        return min(names, key=lambda name: (frequency[name], name), default=None)

    first = Counter(filter(None, map(rarest, shown)))
    colored = {name for name, _ in sorted(first.items(), key=lambda one: (-one[1], one[0]))[: len(MARKERS)]}
    main = [rarest([name for name in names if name in colored]) for names in shown]
    found = {
        name: np.flatnonzero([other == name for other in main])
        for name in sorted(colored, key=lambda name: (-main.count(name), name))
    }
    rest = np.flatnonzero([name is None for name in main])
    return {**found, REST: rest} if len(rest) else found


def _scatter(axes: Axes, xy: np.ndarray, names: Sequence[str], groups: Mapping[str, np.ndarray]) -> None:
    """Draw the `groups` (rows of `xy`), each with its color and marker, REST below the others."""
    looks = iter(zip(COLORS, MARKERS, strict=True))
    for name, rows in groups.items():
        color, marker = (GRAY, ".") if name == REST else next(looks)
        look: dict[str, Any] = {"color": color, "marker": marker, "zorder": 1 if name == REST else 2}
        dots = axes.scatter(xy[rows, 0], xy[rows, 1], 13, linewidths=0.25, edgecolors=INK, label=name, **look)
        dots.set_urls([f"{NAMED}{names[row]}" for row in rows])
