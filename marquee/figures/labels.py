"""Place names beside points so that none overlaps another."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from marquee.figures.style import INK, WHITE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDES = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]  # of the point, right first
REACH = (5, 12, 22, 34)  # points between point and name; a line leads there
AIR = 2  # points around a name
FAR = 0.2  # how many covered points one point of distance is worth


def label_points(
    figure: Figure, axes: Axes, xy: np.ndarray, names: Iterable[tuple[int, str]], most: int, size: float
) -> list[int]:
    """Write up to `most` of the `names` (row of `xy`, words) in order, where they cover few points.

    xy float [n, 2]: all points of the axes, in data units. Names without room are left out; the rows of
    the others are returned. The figure must have its final layout.
    """
    from matplotlib.patheffects import withStroke

    unit = figure.dpi / 72  # pixels in a point
    axes.set_autoscale_on(False)  # rings and lines must not move what they point at
    frame = axes.get_window_extent()
    pixels = axes.transData.transform(xy)  # (n, 2)
    named: list[int] = []
    taken = np.empty((0, 4))  # x0, y0, x1, y1 around each name
    lines = np.empty((0, 2))  # points on the lines that lead to names
    for row, words in names:
        if len(named) == most:
            break
        text = axes.annotate(
            words, xy[row], (0, 0), textcoords="offset points", ha="center", va="center", fontsize=size
        )
        half = np.array(text.get_window_extent().size) / 2 + AIR * unit
        best = np.inf
        for reach, side in product(REACH, SIDES):
            shift = np.array(side) * (half + reach * unit / np.hypot(*side))
            box = np.concatenate([pixels[row] + shift - half, pixels[row] + shift + half])
            line = np.linspace(pixels[row], np.clip(pixels[row], box[:2], box[2:]), 20)
            cost = FAR * reach + _within(pixels, box).sum()
            free = not (
                _overlap(box, taken).any() or _within(lines, box).any() or _within(line[:, None], taken).any()
            )
            if free and cost < best and (box[:2] >= frame.min).all() and (box[2:] <= frame.max).all():
                best, place = cost, (shift, box, line)
        if best == np.inf:
            text.remove()
            continue
        shift, box, line = place
        text.set_position((shift[0] / unit, shift[1] / unit))
        text.set_path_effects([withStroke(linewidth=1.6, foreground=WHITE)])
        text.set_in_layout(False)
        named.append(row)
        taken, lines = np.vstack([taken, box]), np.vstack([lines, line])
        axes.plot(*xy[row], "o", ms=5.5, mfc="none", mec=INK, mew=0.8)
        axes.plot(*axes.transData.inverted().transform(line[[0, -1]]).T, color=INK, lw=0.5, zorder=1.5)
    return named


def _overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return bool [n]: which `boxes` [n, 4] (x0, y0, x1, y1) share more than an edge with `box` [4]."""
    return (np.minimum(box[2:], boxes[:, 2:]) > np.maximum(box[:2], boxes[:, :2])).all(1)


def _within(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return bool: which `points` [..., 2] lie in `boxes` [..., 4] (x0, y0, x1, y1)."""
    return np.all((points >= boxes[..., :2]) & (points <= boxes[..., 2:]), axis=-1)


def shortened(title: str, year: int | None, limit: int) -> str:
    """Return `Alien (1979)`, the title cut between words to at most `limit` letters."""
    if len(title) > limit:
        cut = title[:limit]  # one letter makes room for the dots
        title = (cut[: cut.rfind(" ")] if " " in cut[limit // 2 :] else cut[:-1]).rstrip(" ,:-") + "…"
    return title if year is None else f"{title} ({year})"
