"""docs/results.md from bench/results/*.json, and nothing else: `python -m bench.results_page`.

`python -m bench.reproduce_results` makes the JSON; the test of this page holds that it shows them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import yaml

from bench.protocols import PROTOCOLS, SOURCE, TARGET, Protocol, command
from marquee.io import read_json, write_text
from marquee.leaderboard.table import direction

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "bench/results", ROOT / "docs/results.md"
PUBLISHED = ROOT / "bench/published.yaml"
SIGNIFICANT = 0.05
WIDTH = 110
SHOWN = {  # metric -> heading, the deciding one first
    "rating": {"rmse": "RMSE", "mse": "MSE", "mae": "MAE", "ndcg@10": "NDCG@10"},
    "ranking": {
        "ndcg@10": "NDCG@10",
        "hit@10": "Hit@10",
        "sampled_hit@10": "Hit@10 of 100",
        "sampled_ndcg@10": "NDCG@10 of 100",
        "coverage@10": "coverage",
    },
}
FOLDED = {"rmse": "RMSE", "mse": "MSE", "mae": "MAE"}
Figures = dict[str, Any]

INTRODUCTION = f"""\
# Results on MovieLens

Every model of `params.yaml` on real data, and beside it each system that it goes back to. Made by
`python -m bench.reproduce_results` from the pipeline's own metrics (`bench/results/*.json`); the only numbers typed
by hand are those that others published.

Figures are of the test set. Models stop on validation rows, which are not given back to training afterwards.
In brackets is the 95 % percentile interval over 1,000 resamples of the users. The best model of a table is
bold; ~ is not significantly different from it (paired bootstrap, Holm p ≥ {SIGNIFICANT:g}). Predicted
ratings are clipped to the scale; a rating model's NDCG@10 is of its list, test ratings from 4 are relevant.
“Seed 1” is a whole run with that seed: other splits, candidates and starts.

{{costs}}

A command gives its tables again in a clone of this repository; with `train@<model> candidates@<task>` in
place of `{TARGET}`, and then `python -m stages.evaluate <model>`, one row alone; without either also pictures
and the report. `{SOURCE}` is `official`, which downloads, or the folder that holds the release's zip.
"""
VERDICT = """\
“Reached”: ours is as good or better; else the last column says how far it is behind. The interval says how
far another draw of people would move ours; on the same test ratings a gap inside it can be real all the same.
"""
NEAR = """\
Protocols are near, not equal: published figures train on the whole of their 80 or 90 %, ours without the
validation twentieth. No published ranking figure shares our split and candidates, so none stands here;
`tests/test_published.py` holds EASE to its figure on the files of the NCF paper instead.
"""


def page(found: dict[str, Figures]) -> str:
    """The whole page; `found` is recipe -> its figures, and a recipe that was not run has no tables."""
    parts = [INTRODUCTION.format(costs=_costs(found))]
    for recipe in PROTOCOLS:
        if recipe.name in found and not recipe.twin:
            twins = {r.title: found[r.name] for r in PROTOCOLS if r.twin == recipe.name and r.name in found}
            parts += _recipe(recipe, found[recipe.name], twins)
    published = yaml.safe_load(PUBLISHED.read_text("utf-8"))
    parts += ["## Each system beside its original\n", VERDICT, _beside(published["originals"], found)]
    parts += ["## Other published figures\n", NEAR, _beside(published["others"], found)]
    return "\n".join(parts)


def _recipe(recipe: Protocol, figures: Figures, twins: dict[str, Figures]) -> list[str]:
    data = figures["data"]
    counts = f"{data['ratings']:,} ratings, {data['users']:,} users, {data['items']:,} rated movies."
    parts = [f"## {recipe.title}\n", fill(f"{counts} {recipe.protocol}", WIDTH) + "\n"]
    parts.append(f"```\n{command(figures['overrides'], recipe.folds)}\n```\n")
    for task in recipe.tasks:
        rows = figures["rows"][task]
        sizes = f"{rows['train']:,} to train, {rows['val']:,} to validate, {rows['test']:,} to test"
        parts += [f"**{task.capitalize()}** ({sizes}{' in the last fold' if recipe.folds else ''})\n"]
        parts.append(_board(recipe, task, figures, twins))
    return parts


def _board(recipe: Protocol, task: str, figures: Figures, twins: dict[str, Figures]) -> str:
    shown = FOLDED if recipe.folds else SHOWN[task]
    deciding = next(iter(shown))
    models = {name: model for name, model in figures["models"].items() if model["task"] == task}
    order = sorted(models, key=lambda name: -direction(deciding) * models[name]["metrics"][deciding]["value"])
    again = [f"{shown[deciding]}, {title}" for title in twins]
    head = ["model", *shown.values(), *[f"u{fold}" for fold in recipe.folds], *again, "train", "peak"]
    rows = []
    for name in order:
        metrics, train = models[name]["metrics"], models[name]["train"]
        cells = [_figure(metrics[metric]) for metric in shown]
        if name == order[0]:
            cells[0] = f"**{cells[0]}**"
        elif metrics[deciding].get("p_holm", 0) >= SIGNIFICANT:
            cells[0] = f"~ {cells[0]}"
        cells += [_digits(value) for value in metrics[deciding].get("folds", [])]
        cells += [_digits(twin["models"][name]["metrics"][deciding]["value"]) for twin in twins.values()]
        rows.append([f"`{name}`", *cells, _seconds(train["processor_seconds"]), f"{train['peak_mib']:,} MiB"])
    return _table(head, rows)


def _beside(claims: Sequence[dict[str, Any]], found: dict[str, Figures]) -> str:
    names = {**SHOWN["ranking"], **SHOWN["rating"]}
    rows = []
    for claim in claims:
        recipe, metric, models = (claim["ours"][key] for key in ("recipe", "metric", "models"))
        theirs = claim.get("value")
        published = "—" if theirs is None else f"{theirs:.4f}".rstrip("0").removeprefix("0")
        for model in models if recipe in found else ():
            figure = found[recipe]["models"][model]["metrics"][metric]
            end = "" if theirs is None else verdict(metric, theirs, figure["value"])
            rows.append(
                [claim["system"], claim["data"], names[metric], published, f"`{model}`", _figure(figure), end]
            )
    return _table(["published", "on", "figure", "theirs", "ours", "value", ""], rows)


def verdict(metric: str, theirs: float, ours: float) -> str:
    """Whether ours is as good as theirs; else how far behind."""
    behind = direction(metric) * (theirs - ours)
    return f"**{_digits(behind)} behind**" if behind > 0 else "reached"


def _costs(found: dict[str, Figures]) -> str:
    places = dict.fromkeys(_place(figures["machine"], figures["versions"]) for figures in found.values())
    return fill(
        "`train` is the processor time of the training stage, start-up and validation included, and "
        "compiling a kernel where it was new; `peak` is the most memory its process held. "
        f"Taken on {'; '.join(places)}.",
        WIDTH,
    )


def _place(machine: Figures, versions: dict[str, str]) -> str:
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    threads = f"{machine['threads']} thread for each process"
    return f"{machine['cores']} {machine['processor']} cores, {threads}, with {listed}"


def _figure(figure: Figures) -> str:
    bounds = f" [{_digits(figure['low'])}, {_digits(figure['high'])}]" if "low" in figure else ""
    return f"{_digits(figure['value'])}{bounds}"


def _digits(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown with padded cells, words to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in (head, *rows)]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def results() -> dict[str, Figures]:
    """recipe -> what was measured of it."""
    paths = ((recipe.name, RESULTS / f"{recipe.name}.json") for recipe in PROTOCOLS)
    return {name: read_json(path) for name, path in paths if path.is_file()}


def main() -> None:
    write_text(PAGE, page(results()))
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
