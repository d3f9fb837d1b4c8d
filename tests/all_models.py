"""params.yaml with all models: its own and those of presets/models/more.yaml."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.config.parsing import parse

ROOT = Path(__file__).parents[1]
TREE = config.load(ROOT / "params.yaml")
MORE = config.load(ROOT / "presets/models/more.yaml")["models"]
TREE["models"] |= MORE
PARAMS = parse(config.Params, TREE, "")
