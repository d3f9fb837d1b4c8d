"""Stage `report`: one page that a person looks at."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from marquee import config
from marquee.figures.leaderboard import tail_shares
from marquee.io import as_array, read_curve, read_json, read_parquet, sha256, to_arrays, write_text
from marquee.leaderboard import table as leaderboard
from marquee.report import ReportContent, render
from stages._runner import run

PACKAGES = (
    "dvc",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "torch",
)


def main(params: config.Params) -> None:
    card = read_json(Path("data/dataset.json"))
    options = params.compare
    rows = leaderboard.from_csv(Path("plots/leaderboard/table.csv").read_text("utf-8").splitlines())
    everything = to_arrays(read_parquet(Path("data/ratings.parquet"), ["item", "timestamp"]))
    learned = to_arrays(read_parquet(Path("data/ranking/train.parquet"), ["item"]))["item"]
    tasks = {name: entry.task for name, entry in params.models.items()}
    rankers = [name for name, task in tasks.items() if task == "ranking"]
    content = ReportContent(
        title=params.report.title,
        card=card,
        rows=rows,
        headline=leaderboard.primary_metrics(options),
        confidence=options.confidence,
        curves={name: read_curve(Path(f"plots/train/{name}.csv")) for name in tasks},
        pictures={name: _pictures(Path("data/figures") / name) for name in tasks},
        **everything,
        recommended={name: tail_shares(learned, _listed(name), card["items"]) for name in rankers},
        learned=tail_shares(learned, learned, card["items"]),
        coverage={row["model"]: row["value"] for row in rows if row["metric"] == f"coverage@{options.k}"},
        params=config.load(Path("params.yaml")),
        data_hash=sha256(Path("data/ratings.parquet")),
        versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
        command="dvc repro",
    )
    write_text(Path("plots/report.html"), render(content))


def _pictures(folder: Path) -> dict[str, tuple[str, str]]:
    captions = read_json(folder / "captions.json")
    return {kind: ((folder / f"{kind}.svg").read_text("utf-8"), words) for kind, words in captions.items()}


def _listed(name: str) -> Any:
    """int32 [n, k]: what a model recommends to each test user."""
    lists = read_parquet(Path(f"data/evaluation/{name}/lists.parquet"), ["item"])["item"].combine_chunks()
    return as_array(lists.flatten())


if __name__ == "__main__":
    run(main)
