"""Stage `compare`: one table of every model, with intervals, paired tests and the oracle if there is one.

And where the rating models err, all of them together.
"""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.evaluation.residuals import Residuals
from marquee.evaluation.residuals import tables as error_tables
from marquee.figures.leaderboard import leaderboard as draw
from marquee.io import atomic_folder, read_json, read_parquet, to_arrays, write_csv, write_figure, write_json
from marquee.leaderboard import table as leaderboard
from marquee.leaderboard.table import ORACLE, ModelResult
from marquee.rng import named_rng
from marquee.simulator.oracle import Oracle
from stages._inputs import catalogue, known_of, original_ids, positive_threshold
from stages._runner import phase, run
from stages.evaluate import TestSet


def main(params: config.Params) -> None:
    options = params.compare
    evaluated = [_read(name) for name in params.models]
    truth = Path("data/raw/truth.safetensors")
    if truth.is_file():
        oracle = Oracle.load(truth, *original_ids(), positive_threshold(params))
        for task in config.TASKS:
            held_out = TestSet.of(task, params)
            with phase("scoring", f"{ORACLE}_{task}"):
                found = held_out.measure(oracle)
            evaluated.append(ModelResult(ORACLE, task, found.metrics, found.per_user))
    with phase("scoring", "intervals and tests"):
        rows = leaderboard.compare(evaluated, options, named_rng(params.seed, "compare"))
    with atomic_folder(Path("plots/leaderboard")) as folder:
        write_csv(folder / "table.csv", leaderboard.HEADER, [list(row.values()) for row in rows])
        for task, metric in leaderboard.primary_metrics(options).items():
            write_figure(folder / f"{task}.png", draw(rows, task, metric, options.confidence))
    pairs = {name: Path(f"data/evaluation/{name}/predictions.parquet") for name in params.models}
    known = known_of("rating", catalogue())
    errors = {
        name: Residuals.of(to_arrays(read_parquet(path)), *known)
        for name, path in pairs.items()
        if path.is_file()
    }
    with atomic_folder(Path("plots/rating_errors")) as folder:
        for part, (header, lines) in error_tables(errors).items():
            write_csv(folder / f"{part}.csv", header, lines)
    write_json(Path("metrics/summary.json"), leaderboard.summary(rows, options))


def _read(name: str) -> ModelResult:
    found = read_json(Path(f"metrics/models/{name}.json"))
    per_user = to_arrays(read_parquet(Path(f"data/evaluation/{name}/per_user.parquet")))
    return ModelResult(name, found["task"], found["metrics"], per_user)


if __name__ == "__main__":
    run(main)
