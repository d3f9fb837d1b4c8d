"""What the page shows, read from the files of other stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Self

from marquee import config
from marquee.data.identity import label
from marquee.io import read_sealed, read_text, reading, sha256
from marquee.leaderboard import table

PACKAGES = (
    *("dvc", "jinja2", "matplotlib", "numpy", "pandas", "pyarrow"),
    *("safetensors", "scikit-learn", "scipy", "torch"),
)


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


def _samples(path: Path) -> list[dict[str, Any]]:
    with reading(path):
        return read_sealed(path)["users"]


@dataclass(frozen=True)
class Against:
    """Two runs side by side.

    revision  name of the other run
    remark    why the two may not be comparable; empty where they are
    rows      `task`, `model`, `metric`, `here` and `there` (a value or None), `difference`,
              `difference_low`, `difference_high` and `p_holm` as in `marquee.leaderboard.table.HEADER`, and
              `least_p`, the smallest p that could be found
    """

    revision: str
    remark: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ReportContent:
    """Everything on the page; `render` reads nothing else.

    title        heading of the page
    about        what the results were made from, see `marquee.leaderboard.provenance`
    card         data/dataset.json
    rows         every value, as `marquee.leaderboard.table.compare` makes them
    headline     task -> the metric that orders its models, in the order of the page
    confidence   of the intervals and tests
    resamples    of the bootstrap behind them
    dataset      the figures of the data set
    leaderboard  the figures of the comparison
    models       model -> its figures
    samples      model -> what it recommends to a few users: `user`, `history` (title and rating of each),
                 `recommended` (titles)
    params       params.yaml
    versions     package -> version
    groups       the primary metric of each group of users, as `marquee.leaderboard.groups` makes them
    split_warnings  task -> what is unusual in its split, as sentences without a full stop
    against      another run beside this one
    """

    title: str
    about: Mapping[str, Any]
    card: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    headline: Mapping[str, str]
    confidence: float
    resamples: int
    dataset: Mapping[str, PageFigure]
    leaderboard: Mapping[str, PageFigure]
    models: Mapping[str, Mapping[str, PageFigure]]
    samples: Mapping[str, Sequence[Mapping[str, Any]]]
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    groups: Sequence[Mapping[str, Any]] = ()
    split_warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    against: Against | None = None

    @classmethod
    def read(cls, data: Path, params: Path) -> Self:
        """Read what the stages before `report` left in the folder `data`, and `params`, the file."""
        options = config.read(params)
        leaderboard, figures = data / "leaderboard", data / "figures"
        samples = {name: data / "evaluation" / name / "samples.json" for name in options.models}
        return cls(
            title=options.report.title,
            about=read_sealed(leaderboard / "about.json"),
            card=read_sealed(data / "dataset.json"),
            rows=table.read(leaderboard / "table.csv"),
            groups=table.read(leaderboard / "groups.csv", table.GROUP_HEADER),
            headline=table.primary_metrics(options.compare),
            confidence=options.compare.confidence,
            resamples=options.compare.bootstrap_samples,
            dataset=PageFigure.read_folder(figures / "dataset"),
            leaderboard=PageFigure.read_folder(leaderboard),
            models={name: PageFigure.read_folder(figures / "models" / name) for name in options.models},
            samples={name: _samples(file) for name, file in samples.items() if file.parent.is_dir()},
            params=config.load(params),
            split_warnings={
                task: read_sealed(data / task / "split.json")["warnings"] for task in config.TASKS
            },
            versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
        )

    @property
    def data(self) -> str:
        """The data set's name and the fingerprint of its catalogue."""
        return label(self.about["data"])
