"""Stage `compare`: one table of all models, with intervals, paired tests and the oracle if there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import config
from marquee.evaluation import residuals, test_set
from marquee.figures import leaderboard as figures
from marquee.io import atomic_folder, read_json, write_csv, write_figure, write_json, write_text
from marquee.figures.svg import svg
from marquee.leaderboard import table
from marquee.leaderboard.table import ORACLE, CompareOptions
from marquee.rng import named_rng
from stages._runner import phase, run

EVALUATIONS, ORACLES = Path("data/evaluation"), Path("data/oracle")


def main(settings: dict[str, Any]) -> None:
    options = config.block(settings, "compare", CompareOptions)
    folders = {name: EVALUATIONS / name for name in settings["models"]}
    results = [test_set.load(folder) for folder in folders.values()]
    results += [test_set.load(folder) for task in config.TASKS if (folder := ORACLES / task).is_dir()]
    with phase("scoring", "intervals and tests"):
        rows = table.compare(results, options, named_rng(config.seed(settings), "compare"))
    stored = {name: read_json(folder / "metrics.json") for name, folder in folders.items()}
    with atomic_folder(Path("data/leaderboard")) as cached, atomic_folder(Path("plots/leaderboard")) as shown:
        write_csv(cached / "table.csv", table.HEADER, [list(row.values()) for row in rows])
        for task, metric in table.primary_metrics(options).items():
            figure = figures.leaderboard(rows, task, metric, options.confidence)
            write_figure(shown / f"{task}.png", figure)
            write_text(cached / f"{task}.svg", svg(figure, f"leaderboard-{task}"))
    with atomic_folder(Path("plots/rating_errors")) as folder:
        for part, (header, lines) in residuals.tables(errors).items():
            write_csv(folder / f"{part}.csv", header, lines)
    write_json(Path("metrics/summary.json"), table.summary(rows, options))


if __name__ == "__main__":
    run(main)
