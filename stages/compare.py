"""Stage `compare`: one table of all models, with intervals, paired tests and the oracle if there is one."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.evaluation import test_set
from marquee.evaluation.residuals import concat_tables
from marquee.figures.captioned import save_figures
from marquee.figures.leaderboard import leaderboard_figures
from marquee.io import atomic_folder, read_sealed, write_csv, write_figure, write_json, write_sealed
from marquee.leaderboard import table
from marquee.leaderboard.groups import group_rows
from marquee.leaderboard.provenance import git_blob_id, provenance
from marquee.rng import named_rng
from stages._runner import phase, run


def main(params: config.Params) -> None:
    options = params.compare
    folders = {name: Path("data/evaluation") / name for name in params.models}
    about = provenance({name: read_sealed(folder / "metrics.json") for name, folder in folders.items()})
    evaluated = (*folders.values(), *Path("data/oracle").glob("r*"))
    results = [test_set.load(folder, whole=True) for folder in evaluated]
    with phase("scoring", "intervals and tests"):
        rows = table.compare(results, options, named_rng(params.seed, "compare"))
        groups = group_rows(results, options, params.seed)
    tails, errors = (
        {name: read_sealed(folder / file) for name, folder in folders.items() if (folder / file).is_file()}
        for file in ("tail.json", "residuals.json")
    )
    headline = table.primary_metrics(options)
    figures = leaderboard_figures(rows, headline, options.confidence, options.k, tails)
    summary = Path("metrics/summary.json")
    write_json(summary, table.summary(rows, options))
    with atomic_folder(Path("data/leaderboard")) as folder:
        write_sealed(folder / "about.json", {**about, "results": git_blob_id(summary)})
        write_csv(folder / "table.csv", table.HEADER, [list(row.values()) for row in rows])
        write_csv(folder / "groups.csv", table.GROUP_HEADER, [list(row.values()) for row in groups])
        save_figures(folder, figures)
    with atomic_folder(Path("plots/leaderboard")) as folder:
        for task in headline:
            write_figure(folder / f"{task}.png", figures[task].figure)
    with atomic_folder(Path("plots/rating_errors")) as folder:
        for part, (header, lines) in concat_tables(errors).items():
            write_csv(folder / f"{part}.csv", header, lines)


if __name__ == "__main__":
    run(main)
