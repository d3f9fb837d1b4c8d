"""Place names beside points so that none overlaps another."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import INK, WHITE
from marquee.terminal import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]  # of the point, right first
REACH = (5, 12, 22, 34)  # points between point and name; a line leads there
AIR = 2  # points around a name
FAR = 0.2  # how many covered points one point of distance is worth


def label_points(
    axes: Axes, xy: np.ndarray, names: Iterable[tuple[int, str]], most: int, size: float
) -> None:
    """Write up to `most` of the `names` (row of `xy`, words) in order, where they cover few points.

    xy float [n, 2]: all points of the axes, in data units. Names without room are left out. The figure must
    have its final layout.
    """
    from matplotlib.path import Path
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    unit = axes.figure.dpi / 72  # pixels in a point
    axes.set_autoscale_on(False)  # rings must not move what they are around
    frame = axes.get_window_extent()
    pixels = axes.transData.transform(xy)  # (n, 2)
    taken: list[Bbox] = []
    lines: list[Path] = []
    middle: dict[str, Any] = {"ha": "center", "va": "center", "textcoords": "offset points"}
    halo = {"facecolor": WHITE, "alpha": 0.5, "linewidth": 0, "pad": 0.5}
    leader = {"arrowstyle": "-", "linewidth": 0.5, "color": INK}
    for row, words in names:
        text = axes.annotate(words, xy[row], (0, 0), bbox=halo, arrowprops=leader, fontsize=size, **middle)
        text.set_in_layout(False)
        half = np.array(Text.get_window_extent(text).size) / 2 + AIR * unit  # without the line
        places = []
        for reach, side in product(REACH, SIDES):
            shift = np.array(side) * (half + reach * unit / np.hypot(*side))
            box = Bbox([pixels[row] + shift - half, pixels[row] + shift + half])
            inside = frame.contains(*box.min) and frame.contains(*box.max)
            if not inside or box.count_overlaps(taken):
                continue
            line = Path([pixels[row], pixels[row] + shift])
            crossed = any(line.intersects_bbox(other, filled=False) for other in taken)
            if not crossed and not any(other.intersects_bbox(box, filled=False) for other in lines):
                places.append((FAR * reach + box.count_contains(pixels), tuple(shift / unit), box, line))
        if not places:
            text.remove()
            continue
        _, position, box, line = min(places, key=lambda place: place[0])
        text.set_position(position)
        axes.plot(*xy[row], "o", ms=5.5, mfc="none", mec=INK, mew=0.8)
        taken.append(box)
        lines.append(line)
        if len(taken) == most:
            return


def shortened(title: str, year: int | None, limit: int) -> str:
    """Return `Alien (1979)`, the title cut between words to at most `limit` letters, on one line."""
    title = " ".join(printable(title).split())
    if len(title) > limit:
        cut = title[:limit]  # one letter makes room for the dots
        title = (cut[: cut.rfind(" ")] if " " in cut[limit // 2 :] else cut[:-1]).rstrip(" ,:-") + "…"
    return title if year is None else f"{title} ({year})"
