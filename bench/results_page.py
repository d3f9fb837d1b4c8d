"""Render docs/results.md from bench/results/*.json, which `python -m bench.reproduce_results --write` makes.

Without --write the page is printed. --compare REVISION prints instead how each model's headline metric
differs from the figures that Git has at REVISION, and exits 1 if one is worse by more than its interval.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from statistics import stdev
from textwrap import fill
from typing import Any

import yaml

from bench import stream
from bench.output import RESULTS, ROOT, markdown, parser
from bench.protocols import PROTOCOLS, SOURCE, TARGET, Protocol
from marquee.config import ModelEntry, SplitOptions, load, parse
from marquee.config.presets import flatten, preset, release_of
from marquee.io import read_json, write_text
from marquee.leaderboard.table import direction
from marquee.tuning import records

PAGE = ROOT / "docs/results.md"
PUBLISHED = ROOT / "bench/published.yaml"
SIGNIFICANT = 0.05
WIDTH = 110
SHOWN = {  # metric -> heading, the headline metric first
    "rating": {"rmse": "RMSE", "mse": "MSE", "mae": "MAE", "ndcg@10": "NDCG@10"},
    "ranking": {
        "ndcg@10": "NDCG@10",
        "hit@10": "Hit@10",
        "sampled_hit@10": "Hit@10 of 100",
        "sampled_ndcg@10": "NDCG@10 of 100",
        "coverage@10": "coverage",
    },
}
HEADINGS = {protocol.name: protocol.shown for protocol in PROTOCOLS}
FOLDED = ("rmse", "mse", "mae")  # metrics of a mean over folds
Figures = dict[str, Any]
Twins = Sequence[tuple[Protocol, Figures]]
VIEWS = {protocol.name for protocol in PROTOCOLS if protocol.run_of}  # of the run of another one

INTRODUCTION = f"""\
# Results on MovieLens

This page shows every model of `params.yaml` and of `presets/models/more.yaml` on real data, and beside it the
system that it goes back to. `make results SOURCE=folder` makes the page from the pipeline's own metrics. Only
the figures that others published are typed by hand.

- Figures are of the test set. Models stop early on the validation set and are not retrained on it.
- Brackets hold the 95 % percentile interval over 1,000 resamples of the users.
- The best model of a table is bold. A model with ~ is not significantly different from it (paired bootstrap,
  Holm p ≥ {SIGNIFICANT:g}).
- Predicted ratings are clipped to the scale. A rating model's NDCG@10 is of its list, where test ratings from
  4 are relevant.
- “Seed 1” is a run with `-S seed=1`: other splits, candidates and initial weights.
- `train` is the processor time of the training stage, with start-up and validation, and with compilation
  where a kernel was new. `peak` is the largest memory of its process.

Below a table are the published figures of its protocol. “Reached” means that ours is as good or better;
otherwise the last column has the difference. The interval covers the choice of users only: on the same
test ratings a difference within it can still be real. A system that Marquee does not have stands beside
our best model. Each protocol is a file of `presets/`, whose comment has the paper, the filter, the split
and the mask.

The commands above a table reproduce it in a clone of this repository. With `evaluate@<model>` in place of
`{TARGET}` they give one row, in `data/evaluation/<model>/metrics.json`; without a stage also the figures and
the report. `{SOURCE}` is `official`, which downloads, or the folder that holds the release's zip.
"""
TUNED = """\
`marquee tune` searched these models on validation data. The table has the best parameters that it found
(`tuned`), or the `defaults` that it compared them with.
"""


def page(found: dict[str, Figures]) -> str:
    """Render the page from protocol -> its figures; a protocol that was not run has no tables."""
    parts, published = [INTRODUCTION], yaml.safe_load(PUBLISHED.read_text("utf-8"))
    for protocol in PROTOCOLS:
        if protocol.name in found and not protocol.twin:
            twins = [one for one in PROTOCOLS if one.twin == protocol.name and one.name in found]
            parts += _protocol(protocol, found[protocol.name], [(one, found[one.name]) for one in twins])
            claims = [one for one in published["others"] if one["ours"]["protocol"] == protocol.name]
            if claims:
                parts += ["**Published**\n", _beside(claims, found)]
    parts.append(stream.section())
    parts += ["## Each system beside its original\n", _beside(published["originals"], found)]
    parts += ["## Machine and versions\n", _machines(found)]
    return "\n".join(parts)


def _protocol(protocol: Protocol, figures: Figures, twins: Twins) -> list[str]:
    data = figures["data"]
    counts = f"{data['ratings']:,} ratings, {data['users']:,} users, {data['items']:,} rated movies."
    parts = [f"## {protocol.title}\n", fill(f"{counts} {protocol.text}", WIDTH) + "\n"]
    parts.append("\n".join(["```", *protocol.commands(), "```\n"]))
    elsewhere = {task for one in PROTOCOLS if one.run_of == protocol.name for task in one.tasks}
    for task in (one for one in protocol.tasks if one not in elsewhere):
        rows = figures["rows"][task]
        sizes = f"{rows['train']:,} to train, {rows['val']:,} to validate, {rows['test']:,} to test"
        parts.append(f"**{task.capitalize()}** ({sizes}{' in the last run' if protocol.repeat else ''})\n")
        parts.append(_board(protocol, task, figures, twins))
        parts += _tuned(protocol, task, figures)
    return parts


def _tuned(protocol: Protocol, task: str, figures: Figures) -> list[str]:
    """Show which models `marquee tune` searched with the very parameters and split of the table."""
    values = flatten(load(ROOT / "params.yaml")) | (preset(protocol.preset) or {})
    values |= dict(setting.split("=", 1) for setting in protocol.settings)
    release = protocol.dataset or release_of(protocol.preset)
    own = {key.rpartition(".")[2]: one for key, one in values.items() if key.startswith(f"tasks.{task}.")}
    split = {task: parse(SplitOptions, own, f"tasks.{task}")}
    settings = {name: model["settings"] for name, model in figures["models"].items() if model["task"] == task}
    models = {name: parse(ModelEntry, block, f"models.{name}") for name, block in settings.items()}
    rows = [records.cells(row) for row in records.rows(models, split, records.read(release))]
    return [TUNED, markdown(records.COLUMNS, rows)] if rows else []


def _board(protocol: Protocol, task: str, figures: Figures, twins: Twins) -> str:
    shown = protocol.shown or SHOWN[task]
    if protocol.repeat and task == "rating":
        shown = {metric: shown[metric] for metric in FOLDED}
    headline = next(iter(shown))
    models = {name: model for name, model in figures["models"].items() if model["task"] == task}
    order = sorted(models, key=lambda name: -direction(headline) * models[name]["metrics"][headline]["value"])
    controls = [(one.title, twin) for one, twin in twins if one.control]
    beside = [(one.title, twin) for one, twin in twins if not one.control]
    again = [f"{shown[headline]}, {title}" for title, _ in beside]
    label = "u{}" if "fold" in protocol.repeat else "seed {}"
    runs = [*map(label.format, protocol.values), *["std"] * bool(protocol.repeat)]
    head = ["model", *shown.values(), *runs, *again, "train", "peak"]
    rows = []
    for name in order:
        metrics = models[name]["metrics"]
        cells = [_figure(metrics[metric]) for metric in shown]
        if name == order[0]:
            cells[0] = f"**{cells[0]}**"
        elif metrics[headline].get("p_holm", 0) >= SIGNIFICANT:
            cells[0] = f"~ {cells[0]}"
        if repeats := metrics[headline].get("folds"):
            cells += [_digits(value) for value in (*repeats, stdev(repeats))]
        cells += [_digits(twin["models"][name]["metrics"][headline]["value"]) for _, twin in beside]
        rows.append([f"`{name}`", *cells, *_costs(models[name])])
    for title, twin in controls:
        for name in order:
            metrics = twin["models"][name]["metrics"]
            cells = [*(_figure(metrics[metric]) for metric in shown), *[""] * (len(runs) + len(again))]
            rows.append([f"`{name}`, {title}", *cells, *_costs(twin["models"][name])])
    return markdown(head, rows)


def _costs(model: Figures) -> list[str]:
    train = model["train"]
    return [_seconds(train["processor_seconds"]), f"{train['peak_mib']:,} MiB"]


def _beside(claims: Sequence[dict[str, Any]], found: dict[str, Figures]) -> str:
    rows = []
    for claim in claims:
        protocol, models = claim["ours"]["protocol"], claim["ours"]["models"]
        names = {**SHOWN["ranking"], **SHOWN["rating"], **HEADINGS.get(protocol, {})}
        values = claim.get("values") or {claim["ours"]["metric"]: claim.get("value")}
        for metric, theirs in values.items():
            published = "—" if theirs is None else f"{theirs:g}"
            for model in models if protocol in found else ():
                figure = found[protocol]["models"][model]["metrics"][metric]
                end = "" if theirs is None else verdict(metric, theirs, figure["value"])
                if claim.get("elsewhere"):
                    end = "other data"
                row = [
                    claim["system"],
                    claim["data"],
                    names[metric],
                    published,
                    f"`{model}`",
                    _figure(figure),
                ]
                rows.append([*row, end])
    return markdown(["published", "on", "figure", "theirs", "ours", "value", ""], rows)


def verdict(metric: str, theirs: float, ours: float) -> str:
    """Say whether ours is as good as theirs, which has four digits, or how far it is behind."""
    behind = round(direction(metric) * (theirs - ours), 4)
    return f"**{_digits(behind)} behind**" if behind > 0 else "reached"


def _machines(found: dict[str, Figures]) -> str:
    """Say where, when and with what each protocol was measured."""
    heads = ("date", "cores", "processor", "threads", "protocols at once")
    versions = list(dict.fromkeys(name for figures in found.values() for name in figures["versions"]))
    rows = [
        [
            name,
            *(str(figures["machine"][head]) for head in heads),
            *(figures["versions"][v] for v in versions),
        ]
        for name, figures in found.items()
        if name not in VIEWS
    ]
    return markdown(["protocol", *heads, *versions], rows)


def _figure(figure: Figures) -> str:
    bounds = f" [{_digits(figure['low'])}, {_digits(figure['high'])}]" if "low" in figure else ""
    return f"{_digits(figure['value'])}{bounds}"


def _digits(value: float) -> str:
    return f"{value:.4f}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def results() -> dict[str, Figures]:
    """Read protocol -> its figures, for those that were run."""
    paths = ((one.name, RESULTS / f"{one.run_of or one.name}.json") for one in PROTOCOLS)
    return {name: read_json(path) for name, path in paths if path.is_file()}


def compare(revision: str) -> bool:
    """Print the headline metrics at `revision` and now; True if none left its old interval for the worse."""
    rows, good = [], True
    for name, now in results().items():
        if name in VIEWS:
            continue
        path = f"{revision}:bench/results/{name}.json"
        shown = subprocess.run(["git", "show", path], cwd=ROOT, capture_output=True)
        if shown.returncode:
            raise SystemExit(f"Git has no {path}: name a revision that has it")
        for model, old in json.loads(shown.stdout)["models"].items():
            metric = next(iter(HEADINGS.get(name) or SHOWN[old["task"]]))
            before = old["metrics"][metric]
            after = now["models"].get(model, {}).get("metrics", {}).get(metric)
            if after is None:
                rows.append([name, model, metric, _figure(before), "—", "", "gone"])
                continue
            worse = verdict(metric, before["low" if direction(metric) > 0 else "high"], after["value"])
            good &= worse == "reached"
            change = f"{after['value'] - before['value']:+.4f}"
            rows.append([name, model, metric, _figure(before), _figure(after), change, worse])
    print(markdown(["protocol", "model", "metric", revision, "now", "change", "its worse end"], rows))
    return good


def write() -> None:
    write_text(PAGE, page(results()))
    print(PAGE.relative_to(ROOT))


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--compare", metavar="REVISION")
    given = command.parse_args()
    if given.compare:
        raise SystemExit(not compare(given.compare))
    if given.write:
        write()
    else:
        print(page(results()))


if __name__ == "__main__":
    main()
