"""Save figures with their captions, for a folder and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marquee.figures.svg import svg
from marquee.io import sha256, write_figure, write_sealed, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Captioned:
    """A figure, the caption below it, and the text that a screen reader reads in its place."""

    figure: Figure
    caption: str
    alt: str


def save_figures(folder: Path, figures: Mapping[str, Captioned]) -> None:
    """Write `<kind>.png` and `<kind>.svg` of each figure, and `captions.json`.

    That is kind -> caption, alt, and sha256 of the SVG.
    """
    captions = {}
    for kind, one in figures.items():
        drawing = folder / f"{kind}.svg"
        write_figure(folder / f"{kind}.png", one.figure)
        write_text(drawing, svg(one.figure))
        captions[kind] = {"caption": one.caption, "alt": one.alt, "sha256": sha256(drawing)}
    write_sealed(folder / "captions.json", captions)
