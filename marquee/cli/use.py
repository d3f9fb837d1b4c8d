"""`marquee use RELEASE`: set params.yaml to the release and to the settings chosen for it."""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marquee import config
from marquee.config import presets
from marquee.errors import MarqueeError
from marquee.io import read_text, write_text
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.sources import settings_for

PARAMS = Path("params.yaml")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("release", metavar="RELEASE", help="such as ml-1m; synthetic-100k is the default")
    parser.add_argument(
        "--source",
        metavar="WHERE",
        default="official",
        help="a folder, a zip, an http(s) address, official (default) or kaggle",
    )
    parser.add_argument(
        "--implicit",
        action="store_true",
        help="of custom data: plays, views or purchases; every row is a positive, and ranking models stay",
    )
    parser.add_argument(
        "--counts", metavar="COLUMN", help="as --implicit, with a column of how often or how long"
    )


def run(args: Namespace) -> None:
    wanted = release(args.release)
    name = wanted.name
    implicit = args.implicit or args.counts is not None
    if implicit and name != "custom":
        raise MarqueeError(f"{name} has ratings: --implicit and --counts belong to custom data")
    settings = {**settings_of(name), **settings_for(wanted, args.source), "ingest.feedback": "explicit"}
    before = config.read(PARAMS)  # a broken file is named before it is written anew
    left_out: list[str] = []
    if implicit:
        settings |= {"ingest.feedback": "implicit", "ingest.columns.rating": args.counts}
        left_out = [name for name, entry in before.models.items() if entry.task == "rating"]
    elif before.ingest.columns.rating is None:
        settings["ingest.columns.rating"] = config.CustomColumns.rating
    text, changed, absent = with_settings(read_text(PARAMS), settings, left_out)
    write_text(PARAMS, text)
    if presets.preset(name) is None:
        print(f"no settings were chosen for {name}: params.yaml has those of {SIMULATED}")
    print(f"params.yaml uses {name}: {len(changed)} values changed")
    if left_out:
        print(f"left out, since they predict ratings: {', '.join(left_out)}; `make back` brings them back")
    for block in sorted({key.rpartition(".")[0] for key in absent if not implicit}):
        print(f"{block} is not in params.yaml: its settings are left out")


def settings_of(name: str) -> dict[str, Any]:
    """Return dotted keys and values that choose a release: its preset, or that of the simulated data."""
    return {"dataset.name": name, **(presets.preset(name) or presets.preset(SIMULATED) or {})}


def with_settings(
    text: str, settings: Mapping[str, Any], left_out: Sequence[str] = ()
) -> tuple[str, list[str], list[str]]:
    """Set dotted keys in YAML, and drop the models `left_out`.

    Comments and order stay, and the form is that of DVC's own dumper.

    Returns the new text, the keys whose value changed, and those whose block is not there.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    tree = yaml.load(text)
    for name in left_out:
        del tree["models"][name]
    changed, absent = set_keys(tree, settings)
    written = io.StringIO()
    yaml.dump(tree, written)
    return written.getvalue(), changed, absent


def set_keys(tree: dict[str, Any], settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Set dotted keys in parsed YAML; the keys whose value changed, and those whose block is not there."""
    changed, absent = [], []
    for key, value in settings.items():
        *blocks, last = key.split(".")
        block: Any = tree
        for name in blocks:
            block = block.get(name) if isinstance(block, dict) else None
        if not isinstance(block, dict):
            absent.append(key)
        elif last not in block or block[last] != value:
            block[last] = value
            changed.append(key)
    return changed, absent
