"""Stage `compare`: one table of every model, with intervals, paired tests and the oracle if there is one.

And where the rating models err, all of them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import leaderboard
from marquee.figures.comparison import leaderboard as draw
from marquee.foundation import params
from marquee.foundation.artifacts import (
    atomic_folder,
    columns,
    read_json,
    read_parquet,
    write_csv,
    write_figure,
    write_json,
)
from marquee.foundation.randomness import generator
from marquee.leaderboard import ORACLE, Comparison, Evaluated
from marquee.oracle import Oracle
from marquee.portraits.residuals import Residuals
from marquee.portraits.residuals import tables as error_tables
from stages import phase, run
from stages.evaluate import HeldOut
from stages.reading import catalogue, known_of, original_ids


def main(settings: dict[str, Any]) -> None:
    options = params.block(settings, "compare", Comparison)
    evaluated = [_read(name) for name in settings["models"]]
    truth = Path("data/raw/truth.safetensors")
    if truth.is_file():
        oracle = Oracle.load(truth, *original_ids(), settings["tasks"]["ranking"]["positive_from"])
        for task in params.TASKS:
            held_out = HeldOut.of(task, settings)
            with phase("scoring", f"{ORACLE}_{task}"):
                found = held_out.measure(oracle)
            evaluated.append(Evaluated(ORACLE, task, found.metrics, found.per_user))
    with phase("scoring", "intervals and tests"):
        rows = leaderboard.compare(evaluated, options, generator(params.seed(settings), "compare"))
    with atomic_folder(Path("plots/leaderboard")) as folder:
        write_csv(folder / "table.csv", leaderboard.HEADER, [list(row.values()) for row in rows])
        for task, metric in leaderboard.deciding(options).items():
            write_figure(folder / f"{task}.png", draw(rows, task, metric, options.confidence))
    pairs = {name: Path(f"data/evaluation/{name}/predictions.parquet") for name in settings["models"]}
    known = known_of("rating", catalogue())
    errors = {
        name: Residuals.of(columns(read_parquet(path)), *known)
        for name, path in pairs.items()
        if path.is_file()
    }
    with atomic_folder(Path("plots/errors")) as folder:
        for part, (header, lines) in error_tables(errors).items():
            write_csv(folder / f"{part}.csv", header, lines)
    write_json(Path("metrics/summary.json"), leaderboard.summary(rows, options))


def _read(name: str) -> Evaluated:
    found = read_json(Path(f"metrics/models/{name}.json"))
    per_user = columns(read_parquet(Path(f"data/evaluation/{name}/per_user.parquet")))
    return Evaluated(name, found["task"], found["metrics"], per_user)


if __name__ == "__main__":
    run(main)
