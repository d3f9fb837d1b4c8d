"""What the page shows, read from the files of other stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from marquee.data.identity import label
from marquee.io import read_sealed, read_text, reading, sha256


@dataclass(frozen=True)
class PageFigure:
    """A drawing as `<svg>` text, its caption, and the text that a screen reader reads in its place."""

    svg: str
    caption: str
    alt: str

    @classmethod
    def read_folder(cls, folder: Path) -> dict[str, Self]:
        """Return kind -> figure, as `marquee.figures.captioned.save_figures` saved them."""
        captions = read_sealed(folder / "captions.json")
        return {
            kind: cls(_drawing(folder / f"{kind}.svg", found["sha256"]), found["caption"], found["alt"])
            for kind, found in captions.items()
        }


def _drawing(path: Path, known: str) -> str:
    """Return an SVG. Raises MarqueeError where it is not the one that was saved with the captions."""
    with reading(path):
        if sha256(path) != known:
            raise ValueError("it was changed after it was written")
    return read_text(path)


@dataclass(frozen=True)
class ReportContent:
    """Everything on the page; `render` reads nothing else.

    title        heading of the page
    about        what the results were made from, see `marquee.leaderboard.provenance`
    card         data/dataset.json
    rows         every value, as `marquee.leaderboard.table.compare` makes them
    headline     task -> the metric that orders its models, in the order of the page
    confidence   of the intervals and tests
    dataset      the figures of the data set
    leaderboard  the figures of the comparison
    models       model -> its figures
    params       params.yaml
    versions     package -> version
    split_warnings  task -> what is unusual in its split, as sentences without a full stop
    """

    title: str
    about: Mapping[str, Any]
    card: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    headline: Mapping[str, str]
    confidence: float
    dataset: Mapping[str, PageFigure]
    leaderboard: Mapping[str, PageFigure]
    models: Mapping[str, Mapping[str, PageFigure]]
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    split_warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def data(self) -> str:
        """The data set's name and the fingerprint of its catalogue."""
        return label(self.about["data"])
