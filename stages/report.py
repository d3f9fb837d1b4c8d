"""Stage `report`: build one page of all results."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from platform import python_version

from marquee import config
from marquee.io import read_sealed, write_text
from marquee.leaderboard import table as leaderboard
from marquee.report import PageFigure, ReportContent, render
from stages._runner import PARAMS, run

FIGURES, LEADERBOARD = Path("data/figures"), Path("data/leaderboard")
PACKAGES = (
    *("dvc", "jinja2", "matplotlib", "numpy", "pandas", "pyarrow"),
    *("safetensors", "scikit-learn", "scipy", "torch"),
)


def main(params: config.Params) -> None:
    options = params.compare
    content = ReportContent(
        title=params.report.title,
        about=read_sealed(LEADERBOARD / "about.json"),
        card=read_sealed(Path("data/dataset.json")),
        rows=leaderboard.read(LEADERBOARD / "table.csv"),
        headline=leaderboard.primary_metrics(options),
        confidence=options.confidence,
        dataset=PageFigure.read_folder(FIGURES / "dataset"),
        leaderboard=PageFigure.read_folder(LEADERBOARD),
        models={name: PageFigure.read_folder(FIGURES / "models" / name) for name in params.models},
        params=config.load(PARAMS),
        split_warnings={
            task: read_sealed(Path(f"data/{task}/split.json"))["warnings"] for task in config.TASKS
        },
        versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
    )
    write_text(Path("plots/report.html"), render(content))


if __name__ == "__main__":
    run(main)
