"""`marquee use NAME`: set params.yaml to a release and its settings, or to a published protocol."""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marquee import config, validate
from marquee.cli import use_models
from marquee.config import presets
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import read_text, write_text
from marquee.movielens.releases import RELEASES, SIMULATED, release
from marquee.movielens.sources import settings_for

PARAMS = Path("params.yaml")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", help="a release, such as ml-1m or synthetic-100k, or a file of presets/"
    )
    parser.add_argument("--dataset", metavar="RELEASE", help="instead of the release that the preset names")
    parser.add_argument(
        "--models",
        metavar="NAMES",
        help="the models of params.yaml: all, default (as committed), or names with commas, such as "
        "default,neumf; of params.yaml and presets/models/more.yaml (default: those that it has)",
    )
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
    name = args.name
    if name not in RELEASES and name not in presets.names():
        known = [*RELEASES, *presets.names()]
        raise MarqueeError(f"{name!r} is neither a release nor a preset{did_you_mean(name, known)}")
    wanted = release(args.dataset or presets.release_of(name))
    implicit = args.implicit or args.counts is not None
    if implicit and wanted.name != "custom":
        raise MarqueeError(f"{wanted.name} has ratings: --implicit and --counts belong to custom data")
    settings = {**settings_of(name), "dataset.name": wanted.name, **settings_for(wanted, args.source)}
    settings["ingest.feedback"] = "explicit"
    before = config.read(PARAMS)  # a broken file is named before it is written anew
    models = use_models.choose(read_text(PARAMS), name, args.models)
    left_out: list[str] = []
    if implicit:
        settings |= {"ingest.feedback": "implicit", "ingest.columns.rating": args.counts}
    elif before.ingest.columns.rating is None:
        settings["ingest.columns.rating"] = config.CustomColumns.rating
    entries = models or {one: vars(entry) for one, entry in before.models.items()}
    if implicit or wanted.name in config.UNRATED:
        left_out = [one for one, entry in entries.items() if entry.get("task") == "rating"]
    if args.models:
        settings["demo.model"] = use_models.of_page(before.demo.model, args.models, entries)
    text, changed, absent = with_settings(read_text(PARAMS), settings, left_out, models)
    _require_valid(text, name)
    write_text(PARAMS, text)
    if presets.preset(name) is None:
        print(f"no settings were chosen for {name}: params.yaml has those of {SIMULATED}")
    of = f" with {wanted.name}" if wanted.name != name else ""
    print(f"params.yaml uses {name}{of}: {len(changed)} values changed")
    if models and not left_out:
        print(f"models: {', '.join(models)}")
    if left_out:
        print(f"left out, since they predict ratings: {', '.join(left_out)}; `make back` brings them back")
    if "demo.model" in changed:
        shown = repr(settings["demo.model"]) if settings["demo.model"] else "none of these models"
        print(f"plots/try.html recommends by {shown} (demo.model)")
    missing = {key.rpartition(".")[0] for key in absent if not left_out and not args.models}
    missing -= {f"models.{one}" for one in presets.more_models()}  # settings for whoever brings them
    if missing:
        print(f"not in params.yaml, so that their settings are left out: {', '.join(sorted(missing))}")


def _require_valid(text: str, name: str) -> None:
    """Raise MarqueeError for a key, value or model in the new `text` that no stage would accept."""
    try:
        validate.require_models(config.parse(config.Params, config.loads(text, PARAMS), ""))
    except MarqueeError as error:
        raise MarqueeError(f"{name} does not fit {PARAMS}, which stays as it is: {error}") from None


def settings_of(name: str) -> dict[str, Any]:
    """Return dotted keys and values that a preset sets; without one those of the simulated data."""
    chosen = presets.preset(name) or presets.preset(SIMULATED) or {}
    return {"dataset.name": presets.release_of(name), **chosen}


def with_settings(
    text: str,
    settings: Mapping[str, Any],
    left_out: Sequence[str] = (),
    models: Mapping[str, Any] | None = None,
) -> tuple[str, list[str], list[str]]:
    """Set dotted keys in YAML, after all models were replaced by `models`, if any, without those `left_out`.

    Comments and order stay, and the form is that of DVC's own dumper.

    Returns the new text, the keys whose value changed, and those whose block is not there.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    tree = yaml.load(text)
    if models:
        tree["models"] = models
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
