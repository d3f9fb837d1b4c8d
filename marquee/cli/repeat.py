"""`marquee repeat KEY=VALUE,VALUE,...`: run the pipeline once for each value, and average the leaderboards.

The runs follow each other in this folder: unlike a queued experiment they see data/incoming and need no
commit, and a run that fails ends the command. params.yaml is as before when the command ends.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import yaml

from marquee import config, validate
from marquee.cli import check, project
from marquee.cli.leaderboard import FOLDER
from marquee.cli.use import PARAMS, set_keys, with_settings
from marquee.config.presets import flatten
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import read_text, write_text
from marquee.leaderboard import repeats, table
from marquee.terminal import say

REPRO = [sys.executable, "-m", "dvc", "repro", "compare"]
KEPT = ("metrics.json", "per_user.parquet")


def configure(parser: ArgumentParser) -> None:
    what = "such as tasks.rating.fold=1,2,3,4,5 or seed=1,2,3"
    parser.add_argument("repeated", metavar="KEY=VALUE,VALUE,...", help=what)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep each run's per-user values there")
    parser.add_argument("--json", action="store_true", help="print every metric as JSON instead of a table")


def run(args: Namespace) -> None:
    params, before = project.params(), read_text(PARAMS)
    key, values = wanted(args.repeated)
    own = flatten(config.load(PARAMS))[key]
    order = sorted(values, key=lambda value: value == own)  # the own value last: its outputs stay
    check.prune(params.models)
    boards: dict[str, list[table.Row]] = {str(value): [] for value in values}
    try:
        for n, value in enumerate(order, 1):
            say(f"{key} = {value} ({n} of {len(values)})")
            write_text(PARAMS, with_settings(before, {key: value})[0])
            if subprocess.run(REPRO, stdout=sys.stderr, check=False).returncode:
                raise MarqueeError(
                    f"the run with {key} = {value} failed: correct what it says above, and run again"
                )
            boards[str(value)] = table.read(FOLDER / "table.csv")
            if args.keep is not None:
                keep(args.keep / f"{key}={value}")
    finally:
        write_text(PARAMS, before)
    rows = repeats.averages(boards)
    if key.startswith("tasks."):  # the other task's models are the same in every run
        rows = [row for row in rows if row["task"] == key.split(".")[1]]
    if args.json:
        project.print_json(rows)
    else:
        print(f"mean ± standard deviation over {key} = {', '.join(boards)}\n")
        print(repeats.text(rows, params.compare))
    if own not in values:
        say(f"params.yaml has {key} = {own} again, the outputs are of {order[-1]}: run `dvc repro`")


def wanted(text: str) -> tuple[str, list[Any]]:
    """Return the key and its different values. Raises MarqueeError for what params.yaml does not take."""
    key, _, listed = text.partition("=")
    tree = config.load(PARAMS)
    known = flatten(tree)
    if key not in known:
        raise MarqueeError(f"{key!r} is not a parameter{did_you_mean(key, known)}")
    try:
        values = list(dict.fromkeys(yaml.safe_load(word) for word in listed.split(",")))
    except (yaml.YAMLError, TypeError):
        values = []
    if len(values) < 2:
        raise MarqueeError(f"{text!r} does not list different values: give some, such as {key}=1,2,3")
    for value in values:
        set_keys(tree, {key: value})
        validate.require_valid(config.parse(config.Params, tree, ""))
    return key, values


def keep(folder: Path) -> None:
    """Copy what the models were evaluated to."""
    for source in sorted(Path("data/evaluation").glob("*/")):
        (folder / source.name).mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copyfile(source / name, folder / source.name / name)
