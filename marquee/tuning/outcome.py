"""What is written of a search: its trials, their costs, the winner and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from marquee.leaderboard.metrics import metric_title
from marquee.leaderboard.significance import Ratio, bootstrap, interval
from marquee.rng import named_rng
from marquee.tuning import store
from marquee.tuning.sampler import importances
from marquee.tuning.search import Search, Trial
from marquee.tuning.store import PARTS

if TYPE_CHECKING:
    import pyarrow as pa

RESAMPLES, CONFIDENCE = 1000, 0.95
BEST = 10  # trials whose spread is stated
DECIMALS = 6


def summary(search: Search) -> dict[str, Any]:
    """Return the winner, its gain over the defaults and what the search looked at.

    metric      that the validation data decide by
    searched    the options that were tried
    rungs       epochs after which most trials were stopped
    defaults    their value, `value`; the winner's trial, `value`, searched and all `options`
    gain        by how much the winner is better, and the interval of that, paired over the validation users
    ten_best    the lowest and the highest value of the ten best trials at the last rung before the end
    importance  option -> fraction of the variance at the first rung that it explains
    """
    defaults, winner = search.trials[0], search.ranked(search.last)[0]
    before = max(search.last - 1, 0)
    best = [trial.values[before] for trial in search.ranked(before)[:BEST]]
    first = [(trial.options, trial.values[0]) for trial in search.trials if 0 in trial.values]
    at = search.rungs[before] if search.rungs else defaults.epochs
    return {
        "model": search.job.name,
        "trials": len(search.trials),
        "failed": sum(bool(trial.error) for trial in search.trials),
        "metric": search.job.metric,
        "searched": list(defaults.options),
        "rungs": search.rungs,
        "defaults": {"value": defaults.values[search.last], "options": _all_options(search, defaults)},
        "winner": {
            "trial": winner.number,
            "value": winner.values[search.last],
            "searched": winner.options,
            "options": _all_options(search, winner),
        },
        "gain": _gain(search, winner),
        "ten_best": {"n": len(best), "epochs": at, "low": min(best), "high": max(best)},
        "importance": importances(search.space, first, search.job.higher_is_better),
    }


def _all_options(search: Search, trial: Trial) -> dict[str, Any]:
    return asdict(search.job.model(trial.options).options)


def _gain(search: Search, winner: Trial) -> dict[str, Any]:
    """Return by how much the winner is better than the defaults, and the interval of this difference."""
    ratios = []
    for number in (winner.number, 0):
        users = store.by_user(search.job.folder, number)
        ratios.append(Ratio(users["total"], users["count"], root=not search.job.higher_is_better))
    columns = bootstrap(ratios, RESAMPLES, named_rng(search.job.seed, f"tune@{search.job.name}"))
    sign = 1 if search.job.higher_is_better else -1
    difference = sign * (columns[:, 0] - columns[:, 1])
    low, high = interval(difference, CONFIDENCE)
    values = {"value": difference[0], "low": low, "high": high}
    return {
        **{key: round(float(value), DECIMALS) + 0.0 for key, value in values.items()},
        "users": len(ratios[0].total),
    }


def trials_table(search: Search) -> pa.Table:
    """Return a row for each trial: its options, its epochs, its value at each rung, and why it failed.

    `rung_1` and on are values where trials were stopped; `whole` is that of a whole fit. Null: not reached.
    """
    import pyarrow as pa

    trials, rungs = search.trials, [f"rung_{1 + rung}" for rung in range(search.last)]
    columns: dict[str, Any] = {"trial": pa.array([trial.number for trial in trials], pa.int32())}
    for key in trials[0].options:
        columns[key] = pa.array([trial.options[key] for trial in trials])
    columns["epochs"] = pa.array([trial.epochs for trial in trials], pa.int32())
    for rung, name in enumerate([*rungs, "whole"]):
        columns[name] = pa.array([trial.values.get(rung) for trial in trials], pa.float64())
    columns["error"] = pa.array([trial.error or None for trial in trials], pa.string())
    return pa.table(columns)


def costs_table(search: Search) -> pa.Table:
    """Return each trial's seconds, all its fits together, and its peak memory: as measured this time."""
    import pyarrow as pa

    return pa.table(
        {
            "trial": pa.array([trial.number for trial in search.trials], pa.int32()),
            "seconds": pa.array([round(trial.seconds, 3) for trial in search.trials], pa.float64()),
            "peak_mib": pa.array([trial.peak_mib for trial in search.trials], pa.int32()),
        }
    )


def block(found: Mapping[str, Any], data: str) -> str:
    """Return the winner as YAML for a preset, with what is known of its gain as comments."""
    import yaml

    title, gain, best = metric_title(found["metric"]), found["gain"], found["ten_best"]
    winner, defaults = found["winner"], found["defaults"]
    at = f"after {best['epochs']} epochs" if best["epochs"] else f"on 1/{PARTS} of the users"
    sure = gain["low"] > 0
    name = "the defaults" if winner["trial"] == 0 else f"trial {winner['trial']}"
    lines = [
        f"{found['model']} on {data}: {name} of {found['trials']} trials, by the validation data",
        f"{title} {winner['value']:.4f}, of the defaults {defaults['value']:.4f}",
        f"gain {gain['value']:.4f}, {CONFIDENCE:.0%} interval [{gain['low']:.4f}, {gain['high']:.4f}] over "
        f"{gain['users']:,} users" + ("" if sure else ": not more than chance"),
        f"the {best['n']} best trials {at}: {best['low']:.4f} to {best['high']:.4f}",
    ]
    values = yaml.safe_dump({"models": {found["model"]: winner["searched"]}}, sort_keys=False)
    return "".join(f"# {line}\n" for line in lines) + values
